//! OAuth clients: apps that sign people in through OpenID Connect.

use super::{Error, Result, State};
use crate::{
    model::{
        http_url::HttpUrl,
        id::{EnvironmentId, OauthClientId},
        oauth_client::{IdTokenAlg, OauthClient},
        secret::OauthClientSecret,
    },
    store::{self, oauth_clients},
};

/// A client that was just made, with the secret that is shown this once.
#[derive(Debug)]
pub struct Created {
    /// The client.
    pub client: OauthClient,
    /// Its secret.
    pub secret: OauthClientSecret,
}

/// Makes a client in an environment.
pub async fn create(
    state: &State,
    environment_id: EnvironmentId,
    id_token_alg: IdTokenAlg,
    initiate_login_uri: Option<HttpUrl>,
) -> Result<Created> {
    let now = state.now();
    let client = OauthClient {
        id: OauthClientId::new(now, &*state.random),
        environment_id,
        id_token_alg,
        initiate_login_uri,
        created_at: now,
    };
    let secret = OauthClientSecret::new(&*state.random);
    let mut tx = state.db.write().await?;
    oauth_clients::insert(&mut tx, &client, secret.digest()).await.map_err(|error| match error {
        store::Error::MissingReference => Error::not_found("environment", environment_id),
        other => other.into(),
    })?;
    tx.commit().await?;
    Ok(Created { client, secret })
}

/// Up to `limit` clients of an environment, from `from` on.
pub async fn list(
    state: &State,
    environment_id: EnvironmentId,
    from: Option<OauthClientId>,
    limit: i64,
) -> Result<Vec<OauthClient>> {
    let mut conn = state.db.read().await?;
    Ok(oauth_clients::list(&mut conn, environment_id, from, limit).await?)
}

/// Takes a client away. Its access tokens end with it.
pub async fn delete(state: &State, environment_id: EnvironmentId, id: OauthClientId) -> Result<()> {
    let mut tx = state.db.write().await?;
    if !oauth_clients::remove(&mut tx, environment_id, id).await? {
        return Err(Error::not_found("OAuth client", id));
    }
    tx.commit().await?;
    Ok(())
}
