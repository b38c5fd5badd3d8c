//! What the pages of an organization's issuer show of the vendor and the organization.

use model::branding::{Branding, plain_name};

use super::visitor::organization;
use crate::app::{
    Result, State,
    authorization_server::issuers::Issuer,
    environments::{self, branding},
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
