//! The ID tokens of organizations' issuers (OpenID Connect Core §2), and what is read of one that comes back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The claims of the scope `profile` that a profile may hold (OpenID Connect Core §5.1, §5.4).
pub const PROFILE_CLAIMS: [&str; 13] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
];

/// The claims of an ID token.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountIdToken {
    /// The issuer.
    pub iss: String,
    /// The user's id.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// When it expires.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// When the user authenticated.
    pub auth_time: i64,
    /// From the authorization request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Binds the access token to this ID token (§3.1.3.6).
    pub at_hash: String,
    /// How the user authenticated (RFC 8176).
    pub amr: Vec<String>,
    /// The class of that, if it has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'static str>,
    /// The session.
    pub sid: String,
    /// The organization in which the user acts, as its issuer writes it.
    pub org_id: String,
    /// Its name.
    pub org_name: String,
    /// What the scopes of the request tell of the user (§5.4).
    #[serde(flatten)]
    pub person: Map<String, Value>,
}

/// What an ID token that comes back says of whose it is (OpenID Connect RP-Initiated Logout 1.0 §2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IdTokenHint {
    /// The client.
    pub aud: String,
    /// The user.
    pub sub: String,
    /// The session.
    pub sid: String,
}
