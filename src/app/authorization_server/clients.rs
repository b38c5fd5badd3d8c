//! OAuth clients: apps that sign users in through OpenID Connect.

use base::{
    id::{EnvironmentId, OauthClientId},
    secret::OauthClientSecret,
    time::Timestamp,
};
use clap::Args;
use model::{
    entity_tag::EntityTags,
    http_url::HttpUrl,
    oauth_client::{IdTokenAlg, OauthClient},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{
        Error, Result, State,
        applications::secrets,
        input,
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit, Resource},
    },
    store::authorization_grants::{self, GrantsOf},
};

/// An app that signs people in through OpenID Connect.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SamlOauthClient)]
pub struct OauthClientObject {
    /// Its `client_id`.
    id: OauthClientId,
    environment_id: EnvironmentId,
    /// Its name for people; may be empty.
    #[schema(example = "Web app")]
    display_name: String,
    /// Its `client_secret`: present only in the response that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        value_type = String,
        required = false,
        example = "ssoready_oauth_client_secret_12vqjrnxk9xeov6o4f05pan0g"
    )]
    client_secret: Option<String>,
    id_token_alg: IdTokenAlg,
    /// Where the app starts a login that the identity provider initiated (OpenID Connect Core §4); empty for none.
    #[schema(example = "https://app.example.com/login")]
    initiate_login_uri: String,
    /// Its redirect URIs, compared byte for byte; empty: those of the environment.
    redirect_uris: Vec<HttpUrl>,
    /// Whether it is switched off: nobody signs in through it.
    disabled: bool,
    created_at: Timestamp,
}

impl OauthClientObject {
    /// A client with a secret that was just created.
    pub fn created(client: &OauthClient, secret: &OauthClientSecret) -> Self {
        Self { client_secret: Some(secret.reveal()), ..Self::from(client) }
    }
}

impl From<&OauthClient> for OauthClientObject {
    fn from(client: &OauthClient) -> Self {
        Self {
            id: client.id,
            environment_id: client.environment_id,
            display_name: client.display_name.clone(),
            client_secret: None,
            id_token_alg: client.id_token_alg,
            initiate_login_uri: client
                .initiate_login_uri
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            redirect_uris: client.redirect_uris.clone(),
            disabled: client.disabled,
            created_at: client.created_at,
        }
    }
}

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
    /// Its redirect URIs, at most 100; empty for those of the environment.
    #[schema(example = json!(["https://app.example.com/oauth/callback"]))]
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub redirect_uris: Option<Vec<String>>,
    /// Switch it off: nobody signs in through it, and its codes and tokens end.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disabled: Option<bool>,
}

impl Resource for OauthClient {
    type Change = OauthClientChange;

    const VIEW: Action = Action::OauthClientsView;
    const MANAGE: Action = Action::OauthClientsManage;

    fn apply(&mut self, _: &State, change: &OauthClientChange) -> Result<()> {
        if let Some(name) = &change.display_name {
            self.display_name = input::line("displayName", name, 200)?;
        }
        if let Some(alg) = &change.id_token_alg {
            self.id_token_alg = match alg.as_str() {
                "" => IdTokenAlg::default(),
                name => {
                    name.parse().map_err(|_| Error::invalid("idTokenAlg", "must be RS256, ES256 or EdDSA"))?
                }
            };
        }
        if let Some(uri) = &change.initiate_login_uri {
            self.initiate_login_uri =
                input::optional_browser_url("initiateLoginUri", uri, &self.initiate_login_uri)?;
        }
        if let Some(uris) = &change.redirect_uris {
            self.redirect_uris = input::redirect_uris("redirectUris", uris, &self.redirect_uris)?;
        }
        self.disabled = change.disabled.unwrap_or(self.disabled);
        Ok(())
    }

    fn is_disabled(&self) -> bool {
        self.disabled
    }

    async fn end_use(edit: &mut Edit<Self>, state: &State) -> Result<()> {
        let of = GrantsOf::Client(edit.row.id);
        Ok(authorization_grants::revoke_all(&mut edit.tx, of, state.now()).await?)
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
pub async fn create(
    state: &State,
    principal: &Principal,
    change: &OauthClientChange,
) -> Result<ClientWithSecret> {
    let environment_id = principal.authorize(Action::OauthClientsManage, On::Environment)?;
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
        redirect_uris: Vec::new(),
        disabled: false,
        created_at: now,
    };
    client.apply(state, change)?;
    let mut tx = state.db.write().await?;
    resource::insert(&mut tx, state, principal, &client).await?;
    tx.commit().await?;
    Ok(ClientWithSecret { client, secret })
}

/// Gives a client a new secret, which is returned only here. The old one stops working at once.
pub async fn rotate_secret(
    state: &State,
    principal: &Principal,
    id: OauthClientId,
    expected: Option<&EntityTags>,
) -> Result<ClientWithSecret> {
    let (client, secret) = secrets::rotate_oauth_client(state, principal, id, expected).await?;
    Ok(ClientWithSecret { client, secret })
}
