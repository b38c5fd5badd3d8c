//! Environments: created by the operator and by owners of every environment, changed by their owners.

pub mod api_keys;
pub mod branding;

use base::id::{EnvironmentId, Id};
use model::{
    environment::{Environment, IdpInitiated, Slug},
    http_url::HttpUrl,
};

use super::{
    Error, Result, State,
    actor::{Actor, Principal},
    audit, input,
};
use crate::{links::Links, store};

/// The maximum number of redirect URIs of an environment.
const MAX_REDIRECT_URIS: usize = 100;

/// A change of an environment, unvalidated. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentChange {
    /// Its unique short name.
    pub slug: Option<String>,
    /// Its display name.
    pub display_name: Option<String>,
    /// Where a login that the REST API started ends; empty clears it.
    pub redirect_url: Option<String>,
    /// The redirect URIs that OAuth clients may use.
    pub oauth_redirect_uris: Option<Vec<String>>,
    /// The public origin for identity providers and browsers; empty clears it.
    pub auth_url: Option<String>,
    /// The policy for unsolicited responses: `ALLOW`, `RESTART` or `REFUSE`.
    pub idp_initiated: Option<String>,
}

impl EnvironmentChange {
    fn apply(&self, environment: &mut Environment) -> Result<()> {
        if let Some(slug) = &self.slug {
            environment.slug = Slug::parse(slug).map_err(|reason| Error::invalid("slug", reason))?;
        }
        if let Some(name) = &self.display_name {
            environment.display_name = input::line("displayName", name, 200)?;
        }
        if let Some(url) = &self.redirect_url {
            environment.redirect_url =
                input::optional_browser_url("redirectUrl", url, &environment.redirect_url)?;
        }
        if let Some(uris) = &self.oauth_redirect_uris {
            environment.oauth_redirect_uris = parse_redirect_uris(uris, &environment.oauth_redirect_uris)?;
        }
        if let Some(url) = &self.auth_url {
            environment.auth_url = input::optional_browser_url("authUrl", url, &environment.auth_url)?;
            if let Some(url) = environment.auth_url.as_ref().and_then(HttpUrl::to_url) {
                Links::new(&url).map_err(|reason| Error::invalid("authUrl", reason.to_string()))?;
            }
        }
        if let Some(policy) = &self.idp_initiated {
            environment.idp_initiated = IdpInitiated::parse(policy)
                .ok_or_else(|| Error::invalid("idpInitiated", "must be ALLOW, RESTART or REFUSE"))?;
        }
        Ok(())
    }
}

/// Redirect URIs have no fragment (RFC 6749 §3.1.2), and are https or on loopback (RFC 9700 §2.6).
fn parse_redirect_uris(texts: &[String], stored: &[HttpUrl]) -> Result<Vec<HttpUrl>> {
    const FIELD: &str = "oauthRedirectUris";
    if texts.len() > MAX_REDIRECT_URIS {
        return Err(Error::invalid(FIELD, format!("must be at most {MAX_REDIRECT_URIS}")));
    }
    let mut uris = Vec::new();
    for text in texts {
        let uri = input::browser_url(FIELD, text, stored)?;
        if uri.as_str().contains('#') {
            return Err(Error::invalid(FIELD, "must not have a fragment (#…)"));
        }
        if !uris.contains(&uri) {
            uris.push(uri);
        }
    }
    Ok(uris)
}

/// Creates an environment.
pub async fn create(state: &State, principal: &Principal, change: &EnvironmentChange) -> Result<Environment> {
    principal.require_global_owner()?;
    let now = state.now();
    let slug = change.slug.as_deref().ok_or_else(|| Error::invalid("slug", "is required"))?;
    let mut environment = Environment {
        id: Id::new(now, &*state.random),
        slug: Slug::parse(slug).map_err(|reason| Error::invalid("slug", reason))?,
        display_name: String::new(),
        redirect_url: None,
        oauth_redirect_uris: Vec::new(),
        auth_url: None,
        idp_initiated: IdpInitiated::default(),
        created_at: now,
        updated_at: now,
    };
    change.apply(&mut environment)?;
    let mut tx = state.db.write().await?;
    store::environments::insert(&mut tx, &environment)
        .await
        .map_err(Error::conflict_on("environment", "slug"))?;
    audit::created(&mut tx, state, &principal.in_environment(environment.id), &environment).await?;
    tx.commit().await?;
    Ok(environment)
}

/// The caller's environment.
pub async fn current(state: &State, actor: &Actor) -> Result<Environment> {
    let id = actor.authorize_view()?;
    load(&mut state.db.read().await?, id).await
}

/// Changes the caller's environment.
pub async fn update(state: &State, actor: &Actor, change: &EnvironmentChange) -> Result<Environment> {
    let id = actor.authorize_own()?;
    let mut tx = state.db.write().await?;
    if !store::environments::lock(&mut tx, id).await? {
        return Err(Error::not_found("environment", id));
    }
    let before = load(&mut tx, id).await?;
    let mut environment = before.clone();
    change.apply(&mut environment)?;
    environment.updated_at = state.now();
    store::environments::update(&mut tx, &environment)
        .await
        .map_err(Error::conflict_on("environment", "slug"))?;
    audit::updated(&mut tx, state, actor, &before, &environment).await?;
    tx.commit().await?;
    Ok(environment)
}

/// Removes the caller's environment with its keys, clients and webhooks. Refused while it has organizations, so
/// that one call cannot lock out every customer. Its audit log is kept.
pub async fn remove(state: &State, actor: &Actor) -> Result<()> {
    let id = actor.authorize_own()?;
    let mut tx = state.db.write().await?;
    if !store::environments::lock(&mut tx, id).await? {
        return Err(Error::not_found("environment", id));
    }
    let environment = load(&mut tx, id).await?;
    if !store::organizations::list(&mut tx, id, None, 1).await?.is_empty() {
        return Err(Error::FailedPrecondition(
            "this environment still has organizations; delete them first".into(),
        ));
    }
    store::environments::remove(&mut tx, id).await?;
    audit::deleted(&mut tx, state, actor, &environment).await?;
    tx.commit().await?;
    Ok(())
}

/// The environment with this id or slug.
pub async fn find(state: &State, reference: &str) -> Result<Environment> {
    let mut conn = state.db.read().await?;
    let found = match (reference.parse::<EnvironmentId>(), Slug::parse(reference)) {
        (Ok(id), _) => store::environments::find(&mut conn, id).await?,
        (Err(_), Ok(slug)) => store::environments::find_by_slug(&mut conn, &slug).await?,
        (Err(_), Err(_)) => None,
    };
    found.ok_or_else(|| Error::not_found("environment", input::quoted(reference)))
}

/// At most `limit` environments from `from` on, in order of creation.
pub async fn list(state: &State, from: Option<EnvironmentId>, limit: i64) -> Result<Vec<Environment>> {
    let mut conn = state.db.read().await?;
    Ok(store::environments::list(&mut conn, from, limit).await?)
}

/// The environment with this id.
pub(super) async fn load(conn: &mut store::Conn, id: EnvironmentId) -> Result<Environment> {
    store::environments::find(conn, id).await?.ok_or_else(|| Error::not_found("environment", id))
}
