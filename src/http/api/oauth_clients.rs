//! An OAuth client as programs read it.

use serde::Serialize;

use crate::model::{
    id::{EnvironmentId, OauthClientId},
    oauth_client::{self, IdTokenAlg},
    secret::OauthClientSecret,
    time::Timestamp,
};

/// An OAuth client; its secret is there only in the answer that made it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OauthClient {
    id: OauthClientId,
    environment_id: EnvironmentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    id_token_alg: IdTokenAlg,
    initiate_login_uri: String,
    created_at: Timestamp,
}

impl OauthClient {
    /// A client that was just made, with its secret.
    pub fn created(client: &oauth_client::OauthClient, secret: &OauthClientSecret) -> Self {
        Self { client_secret: Some(secret.reveal()), ..Self::from(client) }
    }
}

impl From<&oauth_client::OauthClient> for OauthClient {
    fn from(client: &oauth_client::OauthClient) -> Self {
        Self {
            id: client.id,
            environment_id: client.environment_id,
            client_secret: None,
            id_token_alg: client.id_token_alg,
            initiate_login_uri: client
                .initiate_login_uri
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            created_at: client.created_at,
        }
    }
}
