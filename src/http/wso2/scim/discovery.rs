//! What the SCIM server can do (RFC 7644 §4).

use actix_web::http::StatusCode;
use scim::{
    ListResponse,
    discovery::{self, Catalogue, ServiceLimits},
};
use serde_json::Value;

use super::{base, body::Query};
use crate::{
    app::accounts::scim::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE},
    http::{
        scim::response::{ScimResult, json},
        wso2::call::Call,
    },
};

/// The largest body that the server accepts, in bytes.
const BODY_BYTES: usize = 1024 * 1024;

/// `GET /ServiceProviderConfig`.
pub async fn service_provider_config(call: Call<Query>) -> ScimResult {
    let limits = ServiceLimits {
        bulk_operations: None,
        body_bytes: BODY_BYTES,
        default_page: DEFAULT_PAGE_SIZE,
        max_page: MAX_PAGE_SIZE,
        cursor_seconds: None,
        sort: false,
        etag: false,
        token: "An access token of the environment's issuer",
    };
    let body = discovery::service_provider_config(&base(&call), &limits);
    Ok(json(&call.request, StatusCode::OK, &body))
}

/// `GET /ResourceTypes`.
pub async fn resource_types(call: Call<Query>) -> ScimResult {
    all(&call, discovery::resource_types(&base(&call), Catalogue::Accounts))
}

/// `GET /ResourceTypes/{id}`.
pub async fn resource_type(call: Call<Query>) -> ScimResult {
    one(&call, discovery::resource_type_named(&base(&call), Catalogue::Accounts, call.path("id")))
}

/// `GET /Schemas`.
pub async fn schemas(call: Call<Query>) -> ScimResult {
    all(&call, discovery::schemas(&base(&call), Catalogue::Accounts))
}

/// `GET /Schemas/{id}`.
pub async fn schema(call: Call<Query>) -> ScimResult {
    one(&call, discovery::schema_named(&base(&call), Catalogue::Accounts, call.path("id")))
}

fn all(call: &Call<Query>, resources: Vec<Value>) -> ScimResult {
    Ok(json(&call.request, StatusCode::OK, &ListResponse::all(resources).into_json()))
}

fn one(call: &Call<Query>, found: Option<Value>) -> ScimResult {
    let body = found.ok_or_else(|| scim::Error::NotFound("there is nothing of that name".into()))?;
    Ok(json(&call.request, StatusCode::OK, &body))
}
