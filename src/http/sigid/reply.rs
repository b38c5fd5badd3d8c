//! What every handler of the surface answers with: a resource with its version, a page of a list, times and ids.

use actix_web::{HttpResponse, HttpResponseBuilder, http::header};
use base::time::Timestamp;
use model::entity_tag::etag;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::SigidError;
use crate::app::pagination::Page;

/// The result of a handler.
pub type SigidResult = Result<HttpResponse, SigidError>;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListOf<T> {
    /// The items.
    pub data: Vec<T>,
    /// The `cursor` of the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// A page of a list, with each item as the surface shows it.
pub fn list<T, O: Serialize>(page: Page<T>, show: impl Fn(T) -> O) -> HttpResponse {
    let next_cursor = Some(page.next_token).filter(|token| !token.is_empty());
    HttpResponse::Ok().json(ListOf { data: page.items.into_iter().map(show).collect(), next_cursor })
}

/// A resource with its version as the entity tag, for `If-Match`.
pub fn versioned(mut response: HttpResponseBuilder, version: i64, body: &impl Serialize) -> HttpResponse {
    response.insert_header((header::ETAG, etag(version))).json(body)
}

/// A time as the surface writes it (RFC 3339, UTC).
pub fn time(at: Timestamp) -> String {
    at.to_string()
}

/// A time that there need not be.
pub fn optional_time(at: Option<Timestamp>) -> Option<String> {
    at.map(time)
}
