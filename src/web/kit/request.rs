//! What pages need to know of a request.

use actix_web::{HttpMessage as _, HttpRequest, http::header};
use model::client_address::ClientAddress;

use crate::app::accounts::Device;

/// The requested host, from the `Host` header; browsers store cookies by it. It decides only where a login
/// begins, never whether it is valid.
pub fn host(request: &HttpRequest) -> &str {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    header.unwrap_or_else(|| request.uri().authority().map_or("", |authority| authority.as_str()))
}

/// The client's address and user agent.
pub fn device(request: &HttpRequest) -> Device {
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Device {
        address: request.extensions().get::<ClientAddress>().map(|client| client.0),
        user_agent: user_agent.unwrap_or_default().to_owned(),
    }
}
