//! API keys: made, listed, taken away, and recognised.

use super::{Error, Result, State, actor::Actor};
use crate::{
    model::{
        api_key::ApiKey,
        id::{ApiKeyId, EnvironmentId, Id},
        secret::ApiKeySecret,
    },
    store,
};

/// How many keys an environment has at the most: nobody can tell more of them apart.
const MOST_KEYS: i64 = 1000;

/// Who holds the key with this secret. It is looked up by its digest, so that the time it takes tells
/// nothing about other secrets.
pub async fn authenticate(state: &State, secret: &str) -> Result<Actor> {
    let unknown = || Error::Unauthenticated("api key not found".into());
    let secret: ApiKeySecret = secret.parse().map_err(|_| unknown())?;
    let mut conn = state.db.read().await?;
    let key = store::api_keys::find_by_secret(&mut conn, secret.digest()).await?;
    key.as_ref().map(Actor::holder_of).ok_or_else(unknown)
}

/// Makes a key. Its secret is told this once.
pub async fn create(
    state: &State,
    environment: EnvironmentId,
    management: bool,
) -> Result<(ApiKey, ApiKeySecret)> {
    let now = state.now();
    let key =
        ApiKey { id: Id::new(now, &*state.random), environment_id: environment, management, created_at: now };
    let secret = ApiKeySecret::new(&*state.random);
    let mut tx = state.db.write().await?;
    if store::environments::find(&mut tx, environment).await?.is_none() {
        return Err(Error::not_found("environment", environment));
    }
    if store::api_keys::list(&mut tx, environment, MOST_KEYS).await?.len() >= MOST_KEYS as usize {
        return Err(Error::FailedPrecondition(
            format!("an environment has at most {MOST_KEYS} API keys; remove one first").into(),
        ));
    }
    store::api_keys::insert(&mut tx, &key, secret.digest()).await?;
    tx.commit().await?;
    Ok((key, secret))
}

/// The keys of an environment, in the order in which they were made.
pub async fn list(state: &State, environment: EnvironmentId) -> Result<Vec<ApiKey>> {
    let mut conn = state.db.read().await?;
    Ok(store::api_keys::list(&mut conn, environment, MOST_KEYS).await?)
}

/// Takes a key away: from now on it opens nothing.
pub async fn remove(state: &State, environment: EnvironmentId, id: ApiKeyId) -> Result<()> {
    let mut tx = state.db.write().await?;
    if !store::api_keys::remove(&mut tx, environment, id).await? {
        return Err(Error::not_found("API key", id));
    }
    tx.commit().await?;
    Ok(())
}
