//! `/v1/saml-oauth-clients`, SSOReady's name for OAuth clients.

use actix_web::{HttpRequest, HttpResponse, web};
use base::{
    id::{EnvironmentId, OauthClientId},
    secret::OauthClientSecret,
    time::Timestamp,
};
use model::oauth_client::{self, IdTokenAlg};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id},
    reply::{ApiResult, api, done, page_query, query, versioned},
    schema::{Done, PageParams},
};
use crate::{
    app::{
        State,
        authorization_server::clients::{self, ClientWithSecret, OauthClientChange},
        resource,
    },
    links::path,
};

/// An app that signs people in through OpenID Connect.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SamlOauthClient)]
pub struct OauthClient {
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
    created_at: Timestamp,
}

impl OauthClient {
    /// A client with a secret that was just created.
    pub fn created(client: &oauth_client::OauthClient, secret: &OauthClientSecret) -> Self {
        Self { client_secret: Some(secret.reveal()), ..Self::from(client) }
    }
}

impl From<&oauth_client::OauthClient> for OauthClient {
    fn from(client: &oauth_client::OauthClient) -> Self {
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
            created_at: client.created_at,
        }
    }
}

/// One OAuth client.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SamlOauthClientReply)]
pub struct OauthClientReply {
    saml_oauth_client: OauthClient,
}

/// One page of the OAuth clients.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SamlOauthClientsReply)]
pub struct OauthClientsReply {
    saml_oauth_clients: Vec<OauthClient>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

fn reply(client: &model::oauth_client::OauthClient) -> HttpResponse {
    versioned(client.version, OauthClientReply { saml_oauth_client: client.into() })
}

fn reply_with_secret(made: &ClientWithSecret) -> HttpResponse {
    let client = OauthClient::created(&made.client, &made.secret);
    versioned(made.client.version, OauthClientReply { saml_oauth_client: client })
}

/// List OAuth clients
///
/// In the order of creation.
#[utoipa::path(
    get,
    path = path::OAUTH_CLIENTS,
    operation_id = "listSamlOauthClients",
    tag = "OAuth clients",
    params(PageParams),
    responses((status = 200, body = OauthClientsReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = page_query(&query(&request));
    let page =
        resource::list::<model::oauth_client::OauthClient>(&state, &call.actor, &query).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(OauthClientsReply {
        saml_oauth_clients: page.items.iter().map(OauthClient::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Create an OAuth client
///
/// The response contains its `clientSecret`, which is returned only once. Its redirect URIs are the environment's
/// `oauthRedirectUris`.
#[utoipa::path(
    post,
    path = path::OAUTH_CLIENTS,
    operation_id = "createSamlOauthClient",
    tag = "OAuth clients",
    request_body = OauthClientChange,
    responses((status = 200, body = OauthClientReply))
)]
pub async fn create(state: web::Data<State>, mut call: ApiCall<ManagementKey, Fields>) -> ApiResult {
    let change = call.body.change().map_err(api)?;
    Ok(reply_with_secret(&clients::create(&state, &call.actor, &change).await.map_err(api)?))
}

/// Get an OAuth client
#[utoipa::path(
    get,
    path = path::OAUTH_CLIENT,
    operation_id = "getSamlOauthClient",
    tag = "OAuth clients",
    params(("id" = OauthClientId, Path)),
    responses((status = 200, body = OauthClientReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&resource::find(&state, &call.actor, id).await.map_err(api)?))
}

/// Change an OAuth client
///
/// Sets the fields that are sent and leaves the others and the secret.
#[utoipa::path(
    patch,
    path = path::OAUTH_CLIENT,
    operation_id = "updateSamlOauthClient",
    tag = "OAuth clients",
    params(("id" = OauthClientId, Path)),
    request_body = OauthClientChange,
    responses((status = 200, body = OauthClientReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let changed = resource::update(&state, &call.actor, id, call.if_match.as_ref(), &change).await;
    Ok(reply(&changed.map_err(api)?))
}

/// Rotate an OAuth client's secret
///
/// Creates a new `clientSecret`, which is returned only once. The previous one stops working at once: to change
/// without an interruption, create a second client, switch to it, and delete the first.
#[utoipa::path(
    post,
    path = path::OAUTH_CLIENT_ROTATE,
    operation_id = "rotateSamlOauthClientSecret",
    tag = "OAuth clients",
    params(("id" = OauthClientId, Path)),
    responses((status = 200, body = OauthClientReply))
)]
pub async fn rotate_secret(
    state: web::Data<State>,
    call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let rotated = clients::rotate_secret(&state, &call.actor, id, call.if_match.as_ref()).await;
    Ok(reply_with_secret(&rotated.map_err(api)?))
}

/// Delete an OAuth client
///
/// Its access tokens stop working.
#[utoipa::path(
    delete,
    path = path::OAUTH_CLIENT,
    operation_id = "deleteSamlOauthClient",
    tag = "OAuth clients",
    params(("id" = OauthClientId, Path)),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let removed =
        resource::remove::<model::oauth_client::OauthClient>(&state, &call.actor, id, call.if_match.as_ref());
    removed.await.map_err(api)?;
    Ok(done())
}
