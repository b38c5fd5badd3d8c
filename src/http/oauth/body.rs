//! Posted forms and errors of the OAuth endpoints.

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
};
use oauth::Error;
use serde_json::json;

/// The realm in challenges (RFC 9110 §11.5).
pub(super) const REALM: &str = "ostiary";

/// The body as a form (RFC 6749 §4.1.3).
pub(in crate::http) fn form<'a>(request: &HttpRequest, body: &'a [u8]) -> Result<&'a str, Error> {
    let malformed = |reason: &str| Error::Malformed { name: "the body", reason: reason.to_owned() };
    if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(malformed("must be application/x-www-form-urlencoded"));
    }
    std::str::from_utf8(body).map_err(|_| malformed("is not UTF-8"))
}

/// The status of an error (RFC 6749 §5.2).
pub(super) fn error_status(error: &Error) -> StatusCode {
    match error.is_client_authentication() {
        true => StatusCode::UNAUTHORIZED,
        false => StatusCode::BAD_REQUEST,
    }
}

/// The error response to a client's form (RFC 6749 §5.2), without its body. A client that used the Authorization header gets a
/// challenge.
pub(super) fn error_response(request: &HttpRequest, error: &Error) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(error_status(error));
    response.insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache"));
    if error.is_client_authentication() && request.headers().contains_key(header::AUTHORIZATION) {
        response
            .insert_header((header::WWW_AUTHENTICATE, format!("Basic realm=\"{REALM}\", charset=\"UTF-8\"")));
    }
    response
}

pub(in crate::http) fn error_body(error: &Error) -> serde_json::Value {
    json!({ "error": error.code(), "error_description": error.description() })
}

/// The body of an error at an issuer: RFC 6749 §5.2 with SecureAuth's additions.
pub(in crate::http) fn issuer_error_body(
    code: &str,
    description: &str,
    status: StatusCode,
) -> serde_json::Value {
    json!({
        "error": code,
        "error_description": description,
        "error_hint": "",
        "cause": "",
        "details": {},
        "status_code": status.as_u16(),
    })
}
