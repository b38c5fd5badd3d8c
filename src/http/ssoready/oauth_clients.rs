//! `/v1/saml-oauth-clients`, SSOReady's name for OAuth clients.

use actix_web::{HttpRequest, HttpResponse, web};
use base::id::OauthClientId;
use model::oauth_client::OauthClient;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id},
    reply::{ApiResult, api, done, page_query, query, versioned},
    schema::{Done, IfMatch, PageParams},
};
use crate::{
    app::{
        State,
        authorization_server::clients::{self, ClientWithSecret, OauthClientChange, OauthClientObject},
        resource,
    },
    links::path,
};

/// One OAuth client.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SamlOauthClientReply)]
pub struct OauthClientReply {
    saml_oauth_client: OauthClientObject,
}

/// One page of the OAuth clients.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SamlOauthClientsReply)]
pub struct OauthClientsReply {
    saml_oauth_clients: Vec<OauthClientObject>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

fn reply(client: &OauthClient) -> HttpResponse {
    versioned(client.version, OauthClientReply { saml_oauth_client: client.into() })
}

fn reply_with_secret(made: &ClientWithSecret) -> HttpResponse {
    let client = OauthClientObject::created(&made.client, &made.secret);
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
    let page = resource::list::<OauthClient>(&state, &call.principal, &query).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(OauthClientsReply {
        saml_oauth_clients: page.items.iter().map(OauthClientObject::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Create an OAuth client
///
/// The response contains its `clientSecret`, which is returned only once. Without `redirectUris` of its own, they
/// are the environment's `oauthRedirectUris`.
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
    Ok(reply_with_secret(&clients::create(&state, &call.principal, &change).await.map_err(api)?))
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
    Ok(reply(&resource::find(&state, &call.principal, id).await.map_err(api)?))
}

/// Change an OAuth client
///
/// Sets the fields that are sent and leaves the others and the secret.
#[utoipa::path(
    patch,
    path = path::OAUTH_CLIENT,
    operation_id = "updateSamlOauthClient",
    tag = "OAuth clients",
    params(("id" = OauthClientId, Path), IfMatch),
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
    let changed = resource::update(&state, &call.principal, id, call.if_match.as_ref(), &change).await;
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
    params(("id" = OauthClientId, Path), IfMatch),
    responses((status = 200, body = OauthClientReply))
)]
pub async fn rotate_secret(
    state: web::Data<State>,
    call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let rotated = clients::rotate_secret(&state, &call.principal, id, call.if_match.as_ref()).await;
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
    params(("id" = OauthClientId, Path), IfMatch),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let removed = resource::remove::<OauthClient>(&state, &call.principal, id, call.if_match.as_ref());
    removed.await.map_err(api)?;
    Ok(done())
}
