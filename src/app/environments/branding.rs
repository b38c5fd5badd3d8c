//! The branding of an environment: set by the vendor, shown on the setup and login pages.

use base::id::{EnvironmentId, EnvironmentKind, IdKind as _};
use model::{
    branding::{Branding, LogoMetadata},
    color::Color,
    entity_tag::EntityTags,
    logo::{Logo, LogoError},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::{
        Error, Result, State, input,
        permissions::Action,
        principal::{On, Principal},
        resource::{Edit, Resource},
    },
    store::{self, brandings, table},
};

/// The settings of the branding; an empty string clears one.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = BrandingInput)]
#[serde(rename_all = "camelCase")]
pub struct BrandingChange {
    /// The application's name: up to 100 characters.
    #[schema(example = "Acme Cloud")]
    pub application_name: Option<String>,
    /// Its colour. Text colours are adjusted until the contrast is sufficient.
    #[schema(example = "#1f4fc4")]
    pub accent_color: Option<String>,
    /// The target of "back to the application".
    pub return_url: Option<String>,
    /// The contact for a customer's admin: an address or a sentence, up to 200 characters.
    #[schema(example = "support@example.com")]
    pub support_contact: Option<String>,
}

/// What becomes of the logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoChange {
    /// It stays as it is.
    Keep,
    /// There is none any more.
    Remove,
    /// The bytes of an image, whose type is read from them.
    Replace(Vec<u8>),
}

impl LogoChange {
    /// The new logo, or none; `None`: it stays.
    fn parse(self) -> Result<Option<Option<Logo>>> {
        let refused = |error: LogoError| Error::invalid("logo", error.to_string());
        match self {
            Self::Keep => Ok(None),
            Self::Remove => Ok(Some(None)),
            Self::Replace(file) => Ok(Some(Some(Logo::parse(file).map_err(refused)?))),
        }
    }
}

impl Resource for Branding {
    type Change = BrandingChange;

    const VIEW: Action = Action::BrandingView;
    const MANAGE: Action = Action::BrandingManage;

    fn apply(&mut self, _: &State, change: &BrandingChange) -> Result<()> {
        if let Some(name) = &change.application_name {
            self.application_name = input::optional_line("applicationName", name.trim(), 100)?;
        }
        if let Some(color) = &change.accent_color {
            self.accent_color = match color.trim() {
                "" => None,
                text => Some(
                    Color::parse(text)
                        .ok_or_else(|| Error::invalid("accentColor", "must be a colour such as #1f4fc4"))?,
                ),
            };
        }
        if let Some(url) = &change.return_url {
            self.return_url = input::optional_browser_url("returnUrl", url, &self.return_url)?;
        }
        if let Some(contact) = &change.support_contact {
            self.support_contact = input::optional_line("supportContact", contact.trim(), 200)?;
        }
        Ok(())
    }
}

/// The branding of the principal's environment.
pub async fn find(state: &State, principal: &Principal, id: EnvironmentId) -> Result<Branding> {
    principal.authorize(Action::BrandingView, On::Environment)?;
    principal.require_environment(id)?;
    of_environment(state, id).await
}

/// The branding of an environment, for public pages.
pub async fn of_environment(state: &State, environment_id: EnvironmentId) -> Result<Branding> {
    let mut conn = state.db.read().await?;
    let stored = table::find(&mut conn, environment_id, environment_id).await?;
    Ok(stored.unwrap_or_else(|| Branding::empty(environment_id)))
}

/// The logo of an environment, for public pages.
pub async fn logo(state: &State, environment_id: EnvironmentId) -> Result<(LogoMetadata, Vec<u8>)> {
    let mut conn = state.db.read().await?;
    brandings::find_logo(&mut conn, environment_id)
        .await?
        .ok_or_else(|| Error::not_found("logo", environment_id))
}

/// Changes the settings and the logo together. [`Error::Outdated`]: they have none of the `expected` versions any more;
/// 0 is that of an environment which has set nothing yet.
pub async fn update(
    state: &State,
    principal: &Principal,
    id: EnvironmentId,
    expected: Option<&EntityTags>,
    change: &BrandingChange,
    logo: LogoChange,
) -> Result<Branding> {
    principal.authorize(Action::BrandingManage, On::Environment)?;
    principal.require_environment(id)?;
    let logo = logo.parse()?;
    let mut tx = state.db.write().await?;
    brandings::insert_empty(&mut tx, id, state.now()).await.map_err(|error| match error {
        store::Error::MissingReference => Error::not_found(EnvironmentKind::NOUN, id),
        error => error.into(),
    })?;
    let mut edit = Edit::<Branding>::begin(tx, id, id, expected).await?;
    edit.row.apply(state, change)?;
    if let Some(logo) = &logo {
        let metadata = |logo: &Logo| LogoMetadata { kind: logo.kind, sha256: logo.version() };
        edit.row.logo = logo.as_ref().map(metadata);
        brandings::update_logo(&mut edit.tx, id, logo.as_ref()).await?;
    }
    edit.save(state, principal).await?;
    edit.commit().await
}
