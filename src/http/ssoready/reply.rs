//! What every handler of the API uses: queries, results, errors.

use actix_web::{HttpRequest, HttpResponse, http::header};
use base::id::OrganizationId;
use model::entity_tag::etag;
use serde::Serialize;

use super::{fields, schema};
use crate::{
    app::{Error, State, organizations::reference, pagination::PageQuery, principal::Principal},
    http::api_error::ApiError,
};

/// The result of an API handler.
pub type ApiResult = Result<HttpResponse, ApiError>;

/// The requested page of a list.
pub(super) fn page_query(query: &fields::Query) -> PageQuery {
    PageQuery { token: query.text("pageToken"), size: query.text("pageSize") }
}

pub(super) fn query(request: &HttpRequest) -> fields::Query {
    fields::Query::parse(request.query_string())
}

/// The organization that a call names, by its id in any encoding or its alias; required.
pub(super) async fn organization_id(
    state: &State,
    principal: &Principal,
    text: Option<String>,
) -> Result<OrganizationId, Error> {
    const FIELD: &str = "organization_id";
    reference::resolve(state, principal, FIELD, &fields::required(FIELD, text)?).await
}

/// A resource with its version as the entity tag, for `If-Match`.
pub(super) fn versioned(version: i64, body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ETAG, etag(version))).json(body)
}

/// An empty success: `{}`, because the Go SDK treats an empty body as an error.
pub(super) fn done() -> HttpResponse {
    HttpResponse::Ok().json(schema::Done {})
}

pub(super) fn api(error: Error) -> ApiError {
    ApiError::api(error)
}
