//! `/v1/api-keys`.

use actix_web::{HttpRequest, HttpResponse, web};
use base::{
    id::{ApiKeyId, EnvironmentId},
    secret::ApiKeySecret,
    time::Timestamp,
};
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
        environments::api_keys::{self, ApiKeyChange},
        resource,
    },
    links::path,
};

/// A credential of your programs, for one environment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    id: ApiKeyId,
    environment_id: EnvironmentId,
    /// Its name for people; may be empty.
    #[schema(example = "Backend")]
    display_name: String,
    /// The key itself: present only in the response that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "ssoready_sk_12vqjrnxk9xeov6o4f05pan0g")]
    secret_token: Option<String>,
    /// Whether it may call the management API; otherwise only the calls that apps need to sign people in.
    has_management_api_access: bool,
    created_at: Timestamp,
    /// When it was last used, accurate to ten minutes; `null` for never.
    last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// A key that was just created, with its secret.
    pub fn created(key: &model::api_key::ApiKey, secret: &ApiKeySecret) -> Self {
        Self { secret_token: Some(secret.reveal()), ..Self::from(key) }
    }
}

impl From<&model::api_key::ApiKey> for ApiKey {
    fn from(key: &model::api_key::ApiKey) -> Self {
        Self {
            id: key.id,
            environment_id: key.environment_id,
            display_name: key.display_name.clone(),
            secret_token: None,
            has_management_api_access: key.management,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// One API key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyReply {
    api_key: ApiKey,
}

/// One page of the API keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeysReply {
    api_keys: Vec<ApiKey>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

fn reply(key: &model::api_key::ApiKey) -> HttpResponse {
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
    let page = resource::list::<model::api_key::ApiKey>(&state, &call.actor, &page_query(&query(&request)))
        .await
        .map_err(api)?;
    Ok(HttpResponse::Ok().json(ApiKeysReply {
        api_keys: page.items.iter().map(ApiKey::from).collect(),
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
    let (key, secret) = api_keys::create(&state, &call.actor, &change).await.map_err(api)?;
    Ok(versioned(key.version, ApiKeyReply { api_key: ApiKey::created(&key, &secret) }))
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
    Ok(reply(&resource::find(&state, &call.actor, id).await.map_err(api)?))
}

/// Rename an API key
///
/// Its access cannot be changed: create another key instead.
#[utoipa::path(
    patch,
    path = path::API_KEY,
    operation_id = "updateApiKey",
    tag = "API keys",
    params(("id" = ApiKeyId, Path)),
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
        resource::update(&state, &call.actor, id, call.if_match.as_ref(), &change).await.map_err(api)?;
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
    params(("id" = ApiKeyId, Path)),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    api_keys::remove(&state, &call.actor, id, call.if_match.as_ref()).await.map_err(api)?;
    Ok(done())
}
