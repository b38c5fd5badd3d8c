//! What the pages of an organization's issuer show of the vendor and the organization.

use model::branding::{Branding, plain_name};

use super::visitor::organization;
use crate::app::{
    Result, State,
    authorization_server::{issuer_clients, issuers::Issuer},
    environments::{self, branding},
    mail::Onward,
};

/// What pages show.
#[derive(Debug, Clone)]
pub struct Appearance {
    /// The vendor's branding.
    pub branding: Branding,
    /// The vendor's application, by its name.
    pub application: String,
    /// The organization's name; may be empty.
    pub organization: String,
}

/// What the pages of an issuer show to somebody who comes by the link of a letter: the application that it names, if that is
/// one of the issuer's.
pub async fn of_link(state: &State, issuer: &Issuer, onward: &Onward) -> Result<Appearance> {
    let mut appearance = of_issuer(state, issuer).await?;
    if !onward.application().trim().is_empty() {
        onward.application().clone_into(&mut appearance.application);
    } else if let Some(id) = onward.client_id() {
        let found = issuer_clients::find(&mut state.db.read().await?, issuer, id).await?;
        let named = found.filter(|client| !client.disabled && !client.display_name.trim().is_empty());
        appearance.application = named.map_or(appearance.application, |client| client.display_name);
    }
    Ok(appearance)
}

/// What the pages of an issuer show.
pub async fn of_issuer(state: &State, issuer: &Issuer) -> Result<Appearance> {
    let environment_id = issuer.tenant.environment_id;
    let branding = branding::of_environment(state, environment_id).await?;
    let application = match &branding.application_name {
        Some(name) => name.clone(),
        None => environments::find(state, &environment_id.to_string()).await?.display_name,
    };
    let organization = plain_name(organization(issuer)?.shown_name());
    Ok(Appearance { branding, application: plain_name(&application), organization })
}
