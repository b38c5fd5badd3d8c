//! The metadata that a provider publishes at its issuer (OpenID Connect Discovery 1.0 §4).

use std::time::Duration;

use oauth::relying_party::discovery::ProviderMetadata;
use openidconnect::http::{Request, header};
use url::Url;

use crate::app::{
    Error, Result, State,
    outgoing::{HttpClientError, HttpClientLimits},
};

/// The limits of the request.
const LIMITS: HttpClientLimits = HttpClientLimits {
    bytes: 256 * 1024,
    time: Duration::from_secs(8),
    redirects: 0,
    keep_connections: false,
};

/// Fetches the metadata of an issuer. Call it outside of transactions.
pub(super) async fn fetch(state: &State, issuer: &str) -> Result<ProviderMetadata> {
    let refused = |reason: String| {
        Error::invalid(
            "issuer",
            format!("cannot be discovered: {reason}. Correct it, or enter the endpoints yourself"),
        )
    };
    let address = Url::parse(&ProviderMetadata::address(issuer))
        .map_err(|_| refused(HttpClientError::InvalidUrl.to_string()))?;
    let request = Request::get(address.as_str())
        .header(header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|_| refused(HttpClientError::InvalidUrl.to_string()))?;
    let answer = state.http_client().await?.within(LIMITS).exchange(request).await;
    let answer = answer.map_err(|error| refused(error.to_string()))?;
    if answer.status().as_u16() != 200 {
        return Err(refused(HttpClientError::Status(answer.status().as_u16()).to_string()));
    }
    ProviderMetadata::parse(answer.body(), issuer).map_err(|error| refused(error.to_string()))
}
