//! OAuth clients: apps that sign users in through OpenID Connect.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    audit::{AuditTarget, Audited, audit_fields},
    http_url::HttpUrl,
    id::{EnvironmentId, OauthClientId},
    time::Timestamp,
};

/// How a client's ID tokens are signed (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub enum IdTokenAlg {
    /// RSASSA-PKCS1-v1_5 with SHA-256, which every client supports.
    #[default]
    RS256,
    /// ECDSA with P-256 and SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl IdTokenAlg {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Parses the registered name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.as_str() == text)
    }
}

/// One OAuth client, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthClient {
    /// Its id, the `client_id`.
    pub id: OauthClientId,
    /// The environment whose organizations it signs in.
    pub environment_id: EnvironmentId,
    /// Its display name; may be empty.
    pub display_name: String,
    /// How its ID tokens are signed.
    pub id_token_alg: IdTokenAlg,
    /// Where an IdP-initiated login is handed to the app (OpenID Connect Core §4).
    pub initiate_login_uri: Option<HttpUrl>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Audited for OauthClient {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "saml_oauth_client", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "displayName": self.display_name,
            "idTokenAlg": self.id_token_alg.as_str(),
            "initiateLoginUri": self.initiate_login_uri.as_ref().map(HttpUrl::as_str),
        }
    }
}
