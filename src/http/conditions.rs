//! The conditions of a request (RFC 9110 §13.1): the entity tags in `If-Match` and `If-None-Match`.

use actix_web::{HttpRequest, http::header};
use model::entity_tag::EntityTags;

use crate::app::{Error, Result};

/// The entity tags in `If-Match`.
pub(super) fn if_match(request: &HttpRequest) -> Option<EntityTags> {
    tags(request, &header::IF_MATCH)
}

/// [`if_match`], where each must be `*` or an entity tag (RFC 9110 §8.8.3).
pub(super) fn valid_if_match(request: &HttpRequest) -> Result<Option<EntityTags>> {
    let is_tag = |text: &str| {
        let opaque = text.strip_prefix("W/").unwrap_or(text);
        opaque == "*"
            || opaque
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .is_some_and(|text| !text.contains('"') && !text.chars().any(char::is_control))
    };
    for value in request.headers().get_all(header::IF_MATCH) {
        let text = value.to_str().unwrap_or_default();
        if !text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).all(is_tag) || text.trim().is_empty()
        {
            return Err(Error::invalid("If-Match", "must be a list of entity tags such as W/\"7\", or *"));
        }
    }
    Ok(if_match(request))
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
