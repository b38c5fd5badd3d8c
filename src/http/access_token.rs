//! The access token of a request.

use actix_web::{HttpRequest, http::header};

use crate::app::Error;

/// The token in the `Authorization` header, of which exactly one is accepted (RFC 6750 §2.1).
pub(super) fn bearer(request: &HttpRequest) -> Result<&str, Error> {
    let refused = |text: &'static str| Error::Unauthenticated(text.into());
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let value = values.next().ok_or_else(|| refused("an access token is required"))?;
    if values.next().is_some() {
        return Err(refused("more than one Authorization header"));
    }
    let value = value.to_str().map_err(|_| refused("the Authorization header is not ASCII"))?;
    oauth::authorization_header::bearer_token(Some(value), None)
        .map_err(|_| refused("the Authorization header must be: Bearer <access token>"))
}
