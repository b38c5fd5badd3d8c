//! OAuth clients: apps that sign users in through OpenID Connect.

use base::{
    id::{EnvironmentId, OauthClientId},
    secret::OauthClientSecret,
};
use model::oauth_client::{IdTokenAlg, OauthClient};

use crate::{
    app::{
        Error, Result, State,
        actor::Actor,
        audit::{self, Entry},
        input,
        pagination::{List, Page, PageQuery, PageRequest},
    },
    store::{self, oauth_clients},
};

/// A change of a client, unvalidated. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct OauthClientChange {
    /// Its display name.
    pub display_name: Option<String>,
    /// The ID token algorithm: `RS256`, `ES256` or `EdDSA`.
    pub id_token_alg: Option<String>,
    /// The app's login initiation endpoint for IdP-initiated logins; empty clears it.
    pub initiate_login_uri: Option<String>,
}

impl OauthClientChange {
    fn apply(&self, client: &mut OauthClient) -> Result<()> {
        if let Some(name) = &self.display_name {
            client.display_name = input::line("displayName", name, 200)?;
        }
        if let Some(alg) = &self.id_token_alg {
            client.id_token_alg = match alg.as_str() {
                "" => IdTokenAlg::default(),
                name => IdTokenAlg::parse(name)
                    .ok_or_else(|| Error::invalid("idTokenAlg", "must be RS256, ES256 or EdDSA"))?,
            };
        }
        if let Some(uri) = &self.initiate_login_uri {
            client.initiate_login_uri =
                input::optional_browser_url("initiateLoginUri", uri, &client.initiate_login_uri)?;
        }
        Ok(())
    }
}

/// A client with its new secret, which is returned only once.
#[derive(Debug)]
pub struct ClientWithSecret {
    /// The client.
    pub client: OauthClient,
    /// Its secret.
    pub secret: OauthClientSecret,
}

/// Creates a client in an environment.
pub async fn create(state: &State, actor: &Actor, change: &OauthClientChange) -> Result<ClientWithSecret> {
    let environment_id = actor.authorize_manage()?;
    let now = state.now();
    let mut client = OauthClient {
        id: OauthClientId::new(now, &*state.random),
        environment_id,
        display_name: String::new(),
        id_token_alg: IdTokenAlg::default(),
        initiate_login_uri: None,
        created_at: now,
    };
    change.apply(&mut client)?;
    let secret = OauthClientSecret::new(&*state.random);
    let mut tx = state.db.write().await?;
    oauth_clients::insert(&mut tx, &client, secret.digest()).await.map_err(|error| match error {
        store::Error::MissingReference => Error::not_found("environment", environment_id),
        other => other.into(),
    })?;
    audit::created(&mut tx, state, actor, &client).await?;
    tx.commit().await?;
    Ok(ClientWithSecret { client, secret })
}

/// The client with this id.
pub async fn find(state: &State, actor: &Actor, id: OauthClientId) -> Result<OauthClient> {
    let environment_id = actor.authorize_view()?;
    load(&mut state.db.read().await?, environment_id, id).await
}

/// One page of an environment's clients, in order of creation.
pub async fn list(state: &State, actor: &Actor, query: &PageQuery) -> Result<Page<OauthClient>> {
    let environment_id = actor.authorize_view()?;
    let list = List::of(environment_id, "oauth_clients");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found = oauth_clients::list(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |client| client.id))
}

/// Changes a client, but not its secret.
pub async fn update(
    state: &State,
    actor: &Actor,
    id: OauthClientId,
    change: &OauthClientChange,
) -> Result<OauthClient> {
    let environment_id = actor.authorize_manage()?;
    let mut tx = state.db.write().await?;
    let before = load(&mut tx, environment_id, id).await?;
    let mut client = before.clone();
    change.apply(&mut client)?;
    oauth_clients::update(&mut tx, &client).await?;
    audit::updated(&mut tx, state, actor, &before, &client).await?;
    tx.commit().await?;
    Ok(client)
}

/// Gives a client a new secret, which is returned only here. The old one stops working at once.
pub async fn rotate_secret(state: &State, actor: &Actor, id: OauthClientId) -> Result<ClientWithSecret> {
    let environment_id = actor.authorize_manage()?;
    let secret = OauthClientSecret::new(&*state.random);
    let mut tx = state.db.write().await?;
    let client = load(&mut tx, environment_id, id).await?;
    if !oauth_clients::update_secret(&mut tx, environment_id, id, secret.digest()).await? {
        return Err(not_found(id));
    }
    let entry = Entry::of(&client, "secret_rotated");
    audit::record(&mut tx, state, Some(environment_id), &actor.principal(), entry).await?;
    tx.commit().await?;
    Ok(ClientWithSecret { client, secret })
}

/// Removes a client and its access tokens.
pub async fn remove(state: &State, actor: &Actor, id: OauthClientId) -> Result<()> {
    let environment_id = actor.authorize_manage()?;
    let mut tx = state.db.write().await?;
    let client = load(&mut tx, environment_id, id).await?;
    if !oauth_clients::remove(&mut tx, environment_id, id).await? {
        return Err(not_found(id));
    }
    audit::deleted(&mut tx, state, actor, &client).await?;
    tx.commit().await?;
    Ok(())
}

async fn load(
    conn: &mut store::Conn,
    environment_id: EnvironmentId,
    id: OauthClientId,
) -> Result<OauthClient> {
    oauth_clients::find(conn, environment_id, id).await?.ok_or_else(|| not_found(id))
}

fn not_found(id: OauthClientId) -> Error {
    Error::not_found("OAuth client", id)
}
