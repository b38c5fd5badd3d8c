//! Access tokens that are signed JSON Web Tokens (RFC 9068), and the challenge of a resource that wants one.

use serde::{Deserialize, Serialize};

/// The `typ` of their header (RFC 9068 §2.1): no other token of ours has it.
pub const TYPE: &str = "at+jwt";

/// The largest token that is read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The claims (RFC 9068 §2.2), with those of organizations and of SecureAuth's workspaces where they apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The user; where there is none, the client itself.
    pub sub: String,
    /// The resource that it is for: the issuer's own APIs.
    pub aud: String,
    /// When it expires.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// Its id.
    pub jti: String,
    /// The client that it was given to.
    pub client_id: String,
    /// The granted scopes, separated by spaces.
    pub scope: String,
    /// The same as a list, for clients of SecureAuth.
    pub scp: Vec<String>,
    /// The tenant: the environment, as it stands in the issuer.
    pub tid: String,
    /// The workspace: what stands in the issuer after the tenant.
    pub aid: String,
    /// The organization in which it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_name: Option<String>,
    /// Its handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_handle: Option<String>,
    /// What a user may do in its administration: `owner`, `admin`, `member`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_role: Option<String>,
    /// The organization in whose pool the user is, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_org: Option<String>,
    /// The session in which it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// How the user authenticated (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// When the user authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
}
