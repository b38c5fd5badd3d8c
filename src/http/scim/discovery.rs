//! The discovery endpoints (RFC 7644 §4), and addresses that are not served.

use actix_web::{HttpRequest, http::StatusCode};
use scim::{
    ListResponse,
    discovery::{self, Catalogue, ServiceLimits},
};
use serde_json::Value;

use super::{
    call::ScimCall,
    response::{self, ScimError, ScimResult},
};
use crate::app::directories::provisioning::{bulk, cursor, search};

/// The largest body that the server accepts, in bytes.
const BODY_BYTES: usize = 1024 * 1024;

fn base(call: &ScimCall) -> &str {
    &call.directory.directory.scim_base_url
}

/// `GET /ServiceProviderConfig`.
pub(super) async fn service_provider_config(call: ScimCall, request: HttpRequest) -> ScimResult {
    refuse_filter(&request)?;
    let limits = ServiceLimits {
        bulk_operations: Some(bulk::MAX_OPERATIONS),
        body_bytes: BODY_BYTES,
        default_page: search::DEFAULT_PAGE_SIZE,
        max_page: search::MAX_PAGE_SIZE,
        cursor_seconds: Some(cursor::LIFETIME.as_secs()),
        sort: true,
        etag: true,
        token: "The directory's bearer token",
    };
    let body = discovery::service_provider_config(base(&call), &limits);
    Ok(response::json(&request, StatusCode::OK, &body))
}

/// `GET /ResourceTypes`.
pub(super) async fn resource_types(call: ScimCall, request: HttpRequest) -> ScimResult {
    all(&request, discovery::resource_types(base(&call), Catalogue::Directory))
}

/// `GET /ResourceTypes/{id}`.
pub(super) async fn resource_type(call: ScimCall, request: HttpRequest) -> ScimResult {
    one(&request, |name| discovery::resource_type_named(base(&call), Catalogue::Directory, name))
}

/// `GET /Schemas`.
pub(super) async fn schemas(call: ScimCall, request: HttpRequest) -> ScimResult {
    all(&request, discovery::schemas(base(&call), Catalogue::Directory))
}

/// `GET /Schemas/{id}`.
pub(super) async fn schema(call: ScimCall, request: HttpRequest) -> ScimResult {
    one(&request, |urn| discovery::schema_named(base(&call), Catalogue::Directory, urn))
}

fn all(request: &HttpRequest, resources: Vec<Value>) -> ScimResult {
    refuse_filter(request)?;
    Ok(response::json(request, StatusCode::OK, &ListResponse::all(resources).into_json()))
}

fn one(request: &HttpRequest, find: impl FnOnce(&str) -> Option<Value>) -> ScimResult {
    refuse_filter(request)?;
    let found = find(request.match_info().get("id").unwrap_or_default());
    let body = found.ok_or_else(|| scim::Error::NotFound("there is nothing of that name".into()))?;
    Ok(response::json(request, StatusCode::OK, &body))
}

/// Refuses filters (RFC 7644 §4), so that no client mistakes the whole list for a filtered one.
fn refuse_filter(request: &HttpRequest) -> Result<(), ScimError> {
    let filtered = url::form_urlencoded::parse(request.query_string().as_bytes())
        .any(|(name, _)| name.eq_ignore_ascii_case("filter"));
    match filtered {
        true => Err(scim::Error::Forbidden("filters are not supported at this address".into()).into()),
        false => Ok(()),
    }
}

/// `/Me`: no caller is a user of the directory (RFC 7644 §3.11).
pub(super) async fn not_implemented(_: ScimCall) -> ScimResult {
    Err(scim::Error::NotImplemented("/Me is not supported".into()).into())
}

/// Any other address.
pub(super) async fn not_found(_: ScimCall) -> ScimResult {
    Err(scim::Error::NotFound("there is nothing at this address".into()).into())
}
