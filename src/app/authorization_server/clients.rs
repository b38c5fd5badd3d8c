//! OAuth clients: apps that sign users in through OpenID Connect.

use base::{id::OauthClientId, secret::OauthClientSecret};
use clap::Args;
use model::{
    entity_tag::EntityTags,
    oauth_client::{IdTokenAlg, OauthClient},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::{
    Error, Result, State,
    actor::Actor,
    audit::{self, Entry},
    input,
    resource::{self, Edit, Resource},
};

/// The settings of an OAuth client.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, Args)]
#[schema(as = SamlOauthClientInput)]
#[serde(rename_all = "camelCase")]
pub struct OauthClientChange {
    /// Its name for people.
    #[schema(example = "Web app")]
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
    /// How its ID tokens are signed: RS256 (the default, which every library supports), ES256 or EdDSA.
    #[schema(example = "RS256")]
    #[arg(long, value_name = "ALGORITHM", value_parser = ["RS256", "ES256", "EdDSA"])]
    pub id_token_alg: Option<String>,
    /// Where the app starts a login that the identity provider initiated (OpenID Connect Core §4); empty for none.
    #[schema(example = "https://app.example.com/login")]
    #[arg(long, value_name = "URI")]
    pub initiate_login_uri: Option<String>,
}

impl Resource for OauthClient {
    type Change = OauthClientChange;

    fn apply(&mut self, _: &State, change: &OauthClientChange) -> Result<()> {
        if let Some(name) = &change.display_name {
            self.display_name = input::line("displayName", name, 200)?;
        }
        if let Some(alg) = &change.id_token_alg {
            self.id_token_alg = match alg.as_str() {
                "" => IdTokenAlg::default(),
                name => IdTokenAlg::parse(name)
                    .ok_or_else(|| Error::invalid("idTokenAlg", "must be RS256, ES256 or EdDSA"))?,
            };
        }
        if let Some(uri) = &change.initiate_login_uri {
            self.initiate_login_uri =
                input::optional_browser_url("initiateLoginUri", uri, &self.initiate_login_uri)?;
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
    let secret = OauthClientSecret::new(&*state.random);
    let mut client = OauthClient {
        id: OauthClientId::new(now, &*state.random),
        environment_id,
        version: 1,
        secret: secret.digest(),
        display_name: String::new(),
        id_token_alg: IdTokenAlg::default(),
        initiate_login_uri: None,
        created_at: now,
    };
    client.apply(state, change)?;
    let mut tx = state.db.write().await?;
    resource::insert(&mut tx, state, actor, &client).await?;
    tx.commit().await?;
    Ok(ClientWithSecret { client, secret })
}

/// Gives a client a new secret, which is returned only here. The old one stops working at once.
pub async fn rotate_secret(
    state: &State,
    actor: &Actor,
    id: OauthClientId,
    expected: Option<&EntityTags>,
) -> Result<ClientWithSecret> {
    let environment_id = actor.authorize_manage()?;
    let secret = OauthClientSecret::new(&*state.random);
    let mut edit = Edit::<OauthClient>::begin(state.db.write().await?, environment_id, id, expected).await?;
    edit.row.secret = secret.digest();
    edit.write(state).await?;
    let entry = Entry::of(&edit.row, "secret_rotated");
    audit::record(&mut edit.tx, state, Some(environment_id), &actor.principal(), entry).await?;
    Ok(ClientWithSecret { client: edit.commit().await?, secret })
}
