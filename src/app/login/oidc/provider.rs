//! The requests to a provider: bounded in size and time, without redirects, to addresses that may be called.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::{
    http_url::HttpUrl,
    oidc_connection::{OidcConnection, TokenAuthMethod},
};
use oauth::{
    parameters::encode_pairs,
    relying_party::token_response::{TokenResponse, TokenResponseError},
};
use openidconnect::{
    HttpRequest,
    http::{Request, header},
};
use serde_json::{Map, Value};

use crate::{
    app::{
        Error, Result, State,
        outgoing::{HttpClient, HttpClientLimits},
    },
    store::sealed_columns::OIDC_CLIENT_SECRET,
};

/// The limits of requests to providers.
const LIMITS: HttpClientLimits = HttpClientLimits {
    bytes: 256 * 1024,
    time: Duration::from_secs(8),
    redirects: 0,
    keep_connections: false,
};

/// Why a provider gave no tokens.
#[derive(Debug)]
pub(super) enum ProviderError {
    /// It did not answer.
    Unreachable(String),
    /// It refused, with this code.
    Refused(String),
    /// It answered something else.
    Malformed(String),
}

async fn client(state: &State) -> Result<HttpClient> {
    Ok(state.http_client().await?.within(LIMITS))
}

/// Exchanges a code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
pub(super) async fn exchange_code(
    state: &State,
    connection: &OidcConnection,
    code: &str,
    verifier: &str,
) -> Result<std::result::Result<TokenResponse, ProviderError>> {
    let (Some(endpoint), Some(client_id), Some(sealed)) =
        (&connection.token_endpoint, &connection.client_id, &connection.client_secret)
    else {
        return Err(Error::internal("a login through a connection that is not configured"));
    };
    let secret = state.open(&OIDC_CLIENT_SECRET, &[&connection.id], sealed)?;
    let secret = String::from_utf8(secret).map_err(Error::internal)?;
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", connection.redirect_uri.as_str()),
        ("code_verifier", verifier),
    ];
    let mut request = Request::post(endpoint.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json");
    match connection.token_auth_method {
        TokenAuthMethod::ClientSecretBasic => {
            // RFC 6749 §2.3.1: both are form-encoded first.
            let encoded = |text: &str| encode_pairs(&[("", text)]).trim_start_matches('=').to_owned();
            let credentials = format!("{}:{}", encoded(client_id), encoded(&secret));
            request = request.header(header::AUTHORIZATION, format!("Basic {}", BASE64.encode(credentials)));
        }
        TokenAuthMethod::ClientSecretPost => {
            pairs.push(("client_id", client_id));
            pairs.push(("client_secret", &secret));
        }
    }
    let request = request.body(encode_pairs(&pairs).into_bytes()).map_err(Error::internal)?;
    let answer = match client(state).await?.exchange(request).await {
        Ok(answer) => answer,
        Err(error) => return Ok(Err(ProviderError::Unreachable(error.to_string()))),
    };
    Ok(TokenResponse::parse(answer.status().as_u16(), answer.body()).map_err(|error| match error {
        TokenResponseError::Refused(code) => ProviderError::Refused(code),
        TokenResponseError::Malformed(reason) => ProviderError::Malformed(reason.to_owned()),
    }))
}

/// The claims of the UserInfo endpoint (OpenID Connect Core 1.0 §5.3), or why there are none.
pub(super) async fn userinfo(
    state: &State,
    endpoint: &HttpUrl,
    access_token: &str,
) -> Result<std::result::Result<Map<String, Value>, String>> {
    let bearer = header::HeaderValue::from_str(&format!("Bearer {access_token}"));
    let Ok(mut bearer) = bearer else { return Ok(Err("the access token cannot be sent".to_owned())) };
    bearer.set_sensitive(true);
    let request = Request::get(endpoint.as_str())
        .header(header::AUTHORIZATION, bearer)
        .header(header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(Error::internal)?;
    let body = match document(state, request).await? {
        Ok(body) => body,
        Err(reason) => return Ok(Err(reason)),
    };
    Ok(match serde_json::from_slice(&body) {
        Ok(Value::Object(claims)) => Ok(claims),
        _ => Err("the answer is no JSON object".to_owned()),
    })
}

/// The key set of a connection, as it is published, or why it cannot be read.
pub(super) async fn key_set(
    state: &State,
    connection: &OidcConnection,
) -> Result<std::result::Result<Vec<u8>, String>> {
    let Some(address) = &connection.jwks_uri else {
        return Err(Error::internal("a login through a connection that is not configured"));
    };
    let request = Request::get(address.as_str())
        .header(header::ACCEPT, "application/jwk-set+json, application/json")
        .body(Vec::new())
        .map_err(Error::internal)?;
    document(state, request).await
}

/// The body of an answer with status 200.
async fn document(state: &State, request: HttpRequest) -> Result<std::result::Result<Vec<u8>, String>> {
    Ok(match client(state).await?.exchange(request).await {
        Ok(answer) if answer.status().as_u16() == 200 => Ok(answer.into_body()),
        Ok(answer) => Err(format!("the answer has status {}", answer.status().as_u16())),
        Err(error) => Err(error.to_string()),
    })
}
