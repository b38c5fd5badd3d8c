//! `/v1/api-keys`.

use actix_web::{HttpRequest, HttpResponse, web};
use base::id::ApiKeyId;
use model::api_key::ApiKey;
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
        environments::api_keys::{self, ApiKeyChange, ApiKeyObject},
        resource,
    },
    links::path,
};

/// One API key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyReply {
    api_key: ApiKeyObject,
}

/// One page of the API keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeysReply {
    api_keys: Vec<ApiKeyObject>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

fn reply(key: &ApiKey) -> HttpResponse {
    versioned(key.version, ApiKeyReply { api_key: key.into() })
}

/// List API keys
///
/// In the order of creation, without their secrets, of which only digests are stored.
#[utoipa::path(
    get,
    path = path::API_KEYS,
    operation_id = "listApiKeys",
    tag = "API keys",
    params(PageParams),
    responses((status = 200, body = ApiKeysReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let page = resource::list::<ApiKey>(&state, &call.principal, &page_query(&query(&request)))
        .await
        .map_err(api)?;
    Ok(HttpResponse::Ok().json(ApiKeysReply {
        api_keys: page.items.iter().map(ApiKeyObject::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Create an API key
///
/// The response contains its `secretToken`, which is returned only once.
#[utoipa::path(
    post,
    path = path::API_KEYS,
    operation_id = "createApiKey",
    tag = "API keys",
    request_body = ApiKeyChange,
    responses((status = 200, body = ApiKeyReply))
)]
pub async fn create(state: web::Data<State>, mut call: ApiCall<ManagementKey, Fields>) -> ApiResult {
    let change = call.body.change().map_err(api)?;
    let (key, secret) = api_keys::create(&state, &call.principal, &change).await.map_err(api)?;
    Ok(versioned(key.version, ApiKeyReply { api_key: ApiKeyObject::created(&key, &secret) }))
}

/// Get an API key
#[utoipa::path(
    get,
    path = path::API_KEY,
    operation_id = "getApiKey",
    tag = "API keys",
    params(("id" = ApiKeyId, Path)),
    responses((status = 200, body = ApiKeyReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&resource::find(&state, &call.principal, id).await.map_err(api)?))
}

/// Change an API key
///
/// Renames it, or switches it off and on. Its access cannot be changed: create another key instead. A key cannot
/// disable itself (400, code 9).
#[utoipa::path(
    patch,
    path = path::API_KEY,
    operation_id = "updateApiKey",
    tag = "API keys",
    params(("id" = ApiKeyId, Path), IfMatch),
    request_body = ApiKeyChange,
    responses((status = 200, body = ApiKeyReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let key =
        api_keys::update(&state, &call.principal, id, call.if_match.as_ref(), &change).await.map_err(api)?;
    Ok(reply(&key))
}

/// Delete an API key
///
/// It stops working at once. A key cannot delete itself (400, code 9), so that you do not lock yourself out: use
/// another one.
#[utoipa::path(
    delete,
    path = path::API_KEY,
    operation_id = "deleteApiKey",
    tag = "API keys",
    params(("id" = ApiKeyId, Path), IfMatch),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    api_keys::remove(&state, &call.principal, id, call.if_match.as_ref()).await.map_err(api)?;
    Ok(done())
}
