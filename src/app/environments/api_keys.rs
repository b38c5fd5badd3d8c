//! API keys: created, found, listed, renamed, removed, and authenticated.

use std::time::Duration;

use base::{
    id::{ApiKeyId, EnvironmentId, Id},
    secret::ApiKeySecret,
};
use model::api_key::ApiKey;

use crate::{
    app::{
        Error, Result, State,
        actor::{Actor, Credential},
        audit, input,
        pagination::{List, Page, PageQuery, PageRequest},
    },
    store,
};

/// The maximum number of keys of an environment.
const MAX_KEYS: i64 = 1000;

/// The resolution of a key's last use: each update is a write.
const LAST_USED_RESOLUTION: Duration = Duration::from_secs(10 * 60);

/// A change of a key, unvalidated. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyChange {
    /// Its display name.
    pub display_name: Option<String>,
}

impl ApiKeyChange {
    fn apply(&self, key: &mut ApiKey) -> Result<()> {
        if let Some(name) = &self.display_name {
            key.display_name = input::line("displayName", name, 200)?;
        }
        Ok(())
    }
}

/// Authenticates the holder of the key with this secret. The lookup is by digest, so its timing reveals nothing
/// about other secrets.
pub async fn authenticate(state: &State, secret: &str) -> Result<Actor> {
    let unknown = || Error::Unauthenticated("api key not found".into());
    let secret: ApiKeySecret = secret.parse().map_err(|_| unknown())?;
    let found = {
        let mut conn = state.db.read().await?;
        store::api_keys::find_by_secret(&mut conn, secret.digest()).await?
    };
    let key = found.ok_or_else(unknown)?;
    let now = state.now();
    let noted = now - LAST_USED_RESOLUTION;
    if key.last_used_at.is_none_or(|at| at <= noted) {
        let mut tx = state.db.write().await?;
        store::api_keys::update_last_used(&mut tx, key.id, now, noted).await?;
        tx.commit().await?;
    }
    Ok(Actor::from_api_key(&key))
}

/// Creates a key. Its secret is returned only here.
pub async fn create(
    state: &State,
    actor: &Actor,
    management: bool,
    change: &ApiKeyChange,
) -> Result<(ApiKey, ApiKeySecret)> {
    let environment_id = actor.authorize_manage()?;
    actor.principal().require_recent_authentication()?;
    let now = state.now();
    let mut key = ApiKey {
        id: Id::new(now, &*state.random),
        environment_id,
        display_name: String::new(),
        management,
        created_at: now,
        last_used_at: None,
    };
    change.apply(&mut key)?;
    let secret = ApiKeySecret::new(&*state.random);
    let mut tx = state.db.write().await?;
    if !store::environments::lock(&mut tx, environment_id).await? {
        return Err(Error::not_found("environment", environment_id));
    }
    if store::api_keys::list(&mut tx, environment_id, None, MAX_KEYS).await?.len() >= MAX_KEYS as usize {
        return Err(Error::FailedPrecondition(
            format!("an environment has at most {MAX_KEYS} API keys; remove one first").into(),
        ));
    }
    store::api_keys::insert(&mut tx, &key, secret.digest()).await?;
    audit::created(&mut tx, state, actor, &key).await?;
    tx.commit().await?;
    Ok((key, secret))
}

/// The key with this id.
pub async fn find(state: &State, actor: &Actor, id: ApiKeyId) -> Result<ApiKey> {
    let environment_id = actor.authorize_view()?;
    load(&mut state.db.read().await?, environment_id, id).await
}

/// One page of an environment's keys, in order of creation.
pub async fn list(state: &State, actor: &Actor, query: &PageQuery) -> Result<Page<ApiKey>> {
    let environment_id = actor.authorize_view()?;
    let list = List::of(environment_id, "api_keys");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found = store::api_keys::list(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |key| key.id))
}

/// Changes the display name of a key.
pub async fn update(state: &State, actor: &Actor, id: ApiKeyId, change: &ApiKeyChange) -> Result<ApiKey> {
    let environment_id = actor.authorize_manage()?;
    let mut tx = state.db.write().await?;
    let before = load(&mut tx, environment_id, id).await?;
    let mut key = before.clone();
    change.apply(&mut key)?;
    store::api_keys::update(&mut tx, &key).await?;
    audit::updated(&mut tx, state, actor, &before, &key).await?;
    tx.commit().await?;
    Ok(key)
}

/// Removes a key. A key cannot remove itself, which could lock its holder out.
pub async fn remove(state: &State, actor: &Actor, id: ApiKeyId) -> Result<()> {
    let environment_id = actor.authorize_manage()?;
    if matches!(actor.credential(), Credential::ApiKey { id: own, .. } if own == id) {
        return Err(Error::FailedPrecondition("a key cannot delete itself; use another one".into()));
    }
    let mut tx = state.db.write().await?;
    let key = load(&mut tx, environment_id, id).await?;
    if !store::api_keys::remove(&mut tx, environment_id, id).await? {
        return Err(not_found(id));
    }
    audit::deleted(&mut tx, state, actor, &key).await?;
    tx.commit().await?;
    Ok(())
}

async fn load(conn: &mut store::Conn, environment_id: EnvironmentId, id: ApiKeyId) -> Result<ApiKey> {
    store::api_keys::find(conn, environment_id, id).await?.ok_or_else(|| not_found(id))
}

fn not_found(id: ApiKeyId) -> Error {
    Error::not_found("API key", id)
}
