//! OAuth clients: apps that sign users in through OpenID Connect.

use base::{
    id::{EnvironmentId, OauthClientId},
    secret::Digest,
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    http_url::HttpUrl,
};

pub use oauth::algorithm::IdTokenAlg;

/// One OAuth client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthClient {
    /// Its id, the `client_id`.
    pub id: OauthClientId,
    /// The environment whose organizations it signs in.
    pub environment_id: EnvironmentId,
    /// The version of its settings: 1, and one more with each change.
    pub version: i64,
    /// The digest of its secret.
    pub secret: Digest,
    /// Its display name; may be empty.
    pub display_name: String,
    /// How its ID tokens are signed.
    pub id_token_alg: IdTokenAlg,
    /// Where an IdP-initiated login is handed to the app (OpenID Connect Core §4).
    pub initiate_login_uri: Option<HttpUrl>,
    /// Its redirect URIs, compared byte for byte; empty: those of the environment.
    pub redirect_uris: Vec<HttpUrl>,
    /// Whether it is switched off: nobody signs in through it until it is switched on again.
    pub disabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Audited for OauthClient {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "saml_oauth_client", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let uris: Vec<&str> = self.redirect_uris.iter().map(HttpUrl::as_str).collect();
        audit_fields! {
            "displayName": self.display_name,
            "redirectUris": uris,
            "idTokenAlg": self.id_token_alg.as_str(),
            "initiateLoginUri": self.initiate_login_uri.as_ref().map(HttpUrl::as_str),
            "disabled": self.disabled,
        }
    }
}
