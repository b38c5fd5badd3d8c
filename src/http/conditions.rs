//! The conditions of a request (RFC 9110 §13.1): the entity tags in `If-Match` and `If-None-Match`.

use actix_web::{HttpRequest, http::header};
use model::entity_tag::EntityTags;

/// The entity tags in `If-Match`.
pub(super) fn if_match(request: &HttpRequest) -> Option<EntityTags> {
    tags(request, &header::IF_MATCH)
}

/// The entity tags in `If-None-Match`.
pub(super) fn if_none_match(request: &HttpRequest) -> Option<EntityTags> {
    tags(request, &header::IF_NONE_MATCH)
}

fn tags(request: &HttpRequest, name: &header::HeaderName) -> Option<EntityTags> {
    let lines: Vec<String> = request
        .headers()
        .get_all(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    (!lines.is_empty()).then(|| EntityTags::parse(&lines.join(",")))
}
