//! What pages need to know of a request.

use actix_web::{HttpRequest, http::header};

/// The requested host, from the `Host` header; browsers store cookies by it. It decides only where a login
/// begins, never whether it is valid.
pub fn host(request: &HttpRequest) -> &str {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    header.unwrap_or_else(|| request.uri().authority().map_or("", |authority| authority.as_str()))
}
