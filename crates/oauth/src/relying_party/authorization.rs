//! Authorization requests to a provider, and its responses (OpenID Connect Core 1.0 §3.1.2).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::sha::sha256;

use crate::parameters::Parameters;

/// The maximum size of a code. Some providers put everything that they know into it.
const MAX_CODE_BYTES: usize = 8192;

/// An authorization request for the code flow, with PKCE (RFC 7636).
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// Our client id.
    pub client_id: &'a str,
    /// Our redirect URI.
    pub redirect_uri: &'a str,
    /// The scopes, separated by spaces.
    pub scope: &'a str,
    /// Comes back with the response.
    pub state: &'a str,
    /// Comes back in the ID token.
    pub nonce: &'a str,
    /// Sent to the token endpoint; its digest is sent here.
    pub code_verifier: &'a str,
    /// The address that the person typed, if they did.
    pub login_hint: Option<&'a str>,
    /// Whether the person must authenticate again.
    pub force_authn: bool,
}

impl AuthorizationRequest<'_> {
    /// The parameters, in order.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let challenge = URL_SAFE_NO_PAD.encode(sha256(self.code_verifier.as_bytes()));
        let mut pairs = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.client_id.to_owned()),
            ("redirect_uri", self.redirect_uri.to_owned()),
            ("scope", self.scope.to_owned()),
            ("state", self.state.to_owned()),
            ("nonce", self.nonce.to_owned()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
        ];
        if let Some(hint) = self.login_hint {
            pairs.push(("login_hint", hint.to_owned()));
        }
        if self.force_authn {
            pairs.push(("prompt", "login".to_owned()));
            pairs.push(("max_age", "0".to_owned()));
        }
        pairs
    }
}

/// What the browser brings to the redirect URI. A parameter that comes twice counts as absent (RFC 6749 §3.1).
#[derive(Clone, Default)]
pub struct AuthorizationResponse {
    /// `state`.
    pub state: Option<String>,
    /// The code.
    pub code: Option<String>,
    /// `error`, unverified.
    pub error: Option<String>,
    /// `iss` (RFC 9207).
    pub issuer: Option<String>,
}

impl AuthorizationResponse {
    /// Reads a query string. What cannot be read is empty.
    pub fn parse(query: &str) -> Self {
        let Ok(parameters) = Parameters::parse(query) else { return Self::default() };
        let one = |name| parameters.get(name).ok().flatten().map(str::to_owned);
        let code = parameters.get_within("code", MAX_CODE_BYTES).ok().flatten().map(str::to_owned);
        Self { state: one("state"), code, error: one("error"), issuer: one("iss") }
    }
}
