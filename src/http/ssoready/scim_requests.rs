//! `/v1/scim-requests`: the log of SCIM requests to a directory, for support.

use actix_web::{HttpRequest, HttpResponse, web};
use base::{
    id::{ScimDirectoryId, ScimRequestId},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{ApiCall, ManagementKey},
    fields::{id, required_id},
    reply::{ApiResult, api, page_query, query},
    schema::PageParams,
};
use crate::{
    app::{self, State, directories::request_log::ScimRequestQuery},
    links::path,
};

/// A SCIM request of an identity provider with its response. The first eight fields are SSOReady's, which defines names
/// for six statuses; the others have the same form.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimRequest<'a> {
    id: ScimRequestId,
    scim_directory_id: ScimDirectoryId,
    /// When it was received.
    timestamp: Timestamp,
    /// Its path below the directory's base URL, with its query.
    #[schema(example = "/Users?startIndex=1")]
    http_request_url: &'a str,
    /// The method, such as `SCIM_REQUEST_HTTP_METHOD_GET`.
    #[schema(example = "SCIM_REQUEST_HTTP_METHOD_GET")]
    http_request_method: String,
    /// The body: JSON, or a string if it was truncated or is not JSON; `null` without a body.
    #[schema(value_type = Value)]
    http_request_body: Value,
    /// The response's status, such as `SCIM_REQUEST_HTTP_STATUS_200`.
    #[schema(example = "SCIM_REQUEST_HTTP_STATUS_200")]
    http_response_status: String,
    /// The response's body, likewise.
    #[schema(value_type = Value)]
    http_response_body: Value,
    /// The response's status as a number.
    #[schema(example = 200)]
    status: u16,
    /// How long the response took, in milliseconds.
    duration_ms: i64,
    /// The error code, which is stable; `null` on success.
    error: Option<&'a str>,
    /// Present only if the bearer token was invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    bad_bearer_token: Option<Map<String, Value>>,
}

impl<'a> From<&'a model::scim_request::ScimRequest> for ScimRequest<'a> {
    fn from(request: &'a model::scim_request::ScimRequest) -> Self {
        let body = |text: &Option<String>| match text {
            None => Value::Null,
            // A body that was stored in full is JSON.
            Some(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        };
        Self {
            id: request.id,
            scim_directory_id: request.directory_id,
            timestamp: request.at,
            http_request_url: &request.path,
            http_request_method: format!("SCIM_REQUEST_HTTP_METHOD_{}", request.method),
            http_request_body: body(&request.request_body),
            http_response_status: format!("SCIM_REQUEST_HTTP_STATUS_{}", request.status),
            http_response_body: body(&request.response_body),
            status: request.status,
            duration_ms: request.duration_ms,
            error: request.error.as_deref(),
            // SSOReady's `oneof`: the field is present only for this error.
            bad_bearer_token: (request.error.as_deref() == Some("unauthorized")).then(Map::new),
        }
    }
}

/// One request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimRequestReply<'a> {
    scim_request: ScimRequest<'a>,
}

/// One page of a directory's requests.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimRequestsReply<'a> {
    scim_requests: Vec<ScimRequest<'a>>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

/// Which requests.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ScimRequestParams {
    /// The directory.
    pub scim_directory_id: ScimDirectoryId,
    /// Only those with this method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: Option<String>,
    /// Only those with this status: `404`, or `4xx`.
    #[param(example = "4xx")]
    pub status: Option<String>,
    /// Only those with this error code.
    pub error: Option<String>,
}

/// List the requests to a directory
///
/// The SCIM requests of identity providers, with bodies, newest first.
#[utoipa::path(
    get,
    path = path::SCIM_REQUESTS,
    operation_id = "listScimRequests",
    tag = "SCIM requests",
    params(ScimRequestParams, PageParams),
    responses((status = 200, body = ScimRequestsReply<'_>))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let directory = required_id("scim_directory_id", query.text("scimDirectoryId")).map_err(api)?;
    let wanted = ScimRequestQuery {
        method: query.text("method").unwrap_or_default(),
        status: query.text("status").unwrap_or_default(),
        error: query.text("error").unwrap_or_default(),
    };
    let page =
        app::directories::request_log::list(&state, &call.principal, directory, &wanted, &page_query(&query))
            .await
            .map_err(api)?;
    Ok(HttpResponse::Ok().json(ScimRequestsReply {
        scim_requests: page.items.iter().map(ScimRequest::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Get a request to a directory
#[utoipa::path(
    get,
    path = path::SCIM_REQUEST,
    operation_id = "getScimRequest",
    tag = "SCIM requests",
    params(("id" = ScimRequestId, Path)),
    responses((status = 200, body = ScimRequestReply<'_>))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let request = app::directories::request_log::find(&state, &call.principal, id).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(ScimRequestReply { scim_request: (&request).into() }))
}
