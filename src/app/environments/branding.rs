//! The branding of an environment: set by the vendor, shown on the setup and login pages.

use base::id::EnvironmentId;
use model::{
    branding::{Branding, LogoMetadata},
    color::Color,
    logo::{Logo, LogoError},
};

use crate::{
    app::{Error, Result, State, actor::Actor, audit, environments, input},
    store,
};

/// A change of the branding, unvalidated. `None` leaves a field unchanged, an empty text clears it.
#[derive(Debug, Clone, Default)]
pub struct BrandingChange {
    /// The name of the application.
    pub application_name: Option<String>,
    /// Its colour: `#rrggbb`.
    pub accent_color: Option<String>,
    /// The target of the link "back to the application".
    pub return_url: Option<String>,
    /// How a customer's admin gets support.
    pub support_contact: Option<String>,
}

impl BrandingChange {
    fn apply(&self, branding: &mut Branding) -> Result<()> {
        if let Some(name) = &self.application_name {
            branding.application_name = input::optional_line("applicationName", name.trim(), 100)?;
        }
        if let Some(color) = &self.accent_color {
            branding.accent_color = match color.trim() {
                "" => None,
                text => Some(
                    Color::parse(text)
                        .ok_or_else(|| Error::invalid("accentColor", "must be a colour such as #1f4fc4"))?,
                ),
            };
        }
        if let Some(url) = &self.return_url {
            branding.return_url = input::optional_browser_url("returnUrl", url, &branding.return_url)?;
        }
        if let Some(contact) = &self.support_contact {
            branding.support_contact = input::optional_line("supportContact", contact.trim(), 200)?;
        }
        Ok(())
    }
}

/// The branding of the actor's environment.
pub async fn find(state: &State, actor: &Actor, id: EnvironmentId) -> Result<Branding> {
    of_environment(state, require_own(actor.authorize_view()?, id)?).await
}

/// Requires that `id` is the caller's environment.
fn require_own(environment_id: EnvironmentId, id: EnvironmentId) -> Result<EnvironmentId> {
    if environment_id == id { Ok(id) } else { Err(Error::not_found("environment", id)) }
}

/// The branding of an environment, for public pages.
pub async fn of_environment(state: &State, environment_id: EnvironmentId) -> Result<Branding> {
    let mut conn = state.db.read().await?;
    load(&mut conn, environment_id).await
}

/// The logo of an environment, for public pages.
pub async fn logo(state: &State, environment_id: EnvironmentId) -> Result<(LogoMetadata, Vec<u8>)> {
    let mut conn = state.db.read().await?;
    store::brandings::find_logo(&mut conn, environment_id)
        .await?
        .ok_or_else(|| Error::not_found("logo", environment_id))
}

/// Changes everything but the logo.
pub async fn update(
    state: &State,
    actor: &Actor,
    id: EnvironmentId,
    change: &BrandingChange,
) -> Result<Branding> {
    let environment_id = require_own(actor.authorize_own()?, id)?;
    let now = state.now();
    let mut tx = state.db.write().await?;
    environments::load(&mut tx, environment_id).await?;
    let before = load(&mut tx, environment_id).await?;
    let mut branding = before.clone();
    change.apply(&mut branding)?;
    branding.updated_at = Some(now);
    store::brandings::upsert(&mut tx, &branding, now).await?;
    audit::updated(&mut tx, state, actor, &before, &branding).await?;
    tx.commit().await?;
    Ok(branding)
}

/// Sets the logo, whose type is read from its bytes, or removes it (`None`).
pub async fn set_logo(
    state: &State,
    actor: &Actor,
    id: EnvironmentId,
    file: Option<Vec<u8>>,
) -> Result<Branding> {
    let environment_id = require_own(actor.authorize_own()?, id)?;
    let refused = |error: LogoError| Error::invalid("logo", error.to_string());
    let logo = file.map(Logo::parse).transpose().map_err(refused)?;
    let mut tx = state.db.write().await?;
    environments::load(&mut tx, environment_id).await?;
    let before = load(&mut tx, environment_id).await?;
    store::brandings::upsert_logo(&mut tx, environment_id, logo.as_ref(), state.now()).await?;
    let branding = load(&mut tx, environment_id).await?;
    audit::updated(&mut tx, state, actor, &before, &branding).await?;
    tx.commit().await?;
    Ok(branding)
}

async fn load(conn: &mut store::Conn, environment_id: EnvironmentId) -> Result<Branding> {
    let stored = store::brandings::find(conn, environment_id).await?;
    Ok(stored.unwrap_or_else(|| Branding::empty(environment_id)))
}
