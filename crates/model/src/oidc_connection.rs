//! OIDC connections: how an organization's people sign in at its OpenID provider (OpenID Connect Core 1.0).

use base::{
    id::{EnvironmentId, OidcConnectionId, OrganizationId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    http_url::HttpUrl,
    idp_kind::IdpKind,
};

/// How we authenticate at the token endpoint (OpenID Connect Core 1.0 §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, IntoStaticStr, EnumString, VariantArray)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "snake_case")]
pub enum TokenAuthMethod {
    /// In the `Authorization` header.
    #[default]
    ClientSecretBasic,
    /// In the body.
    ClientSecretPost,
}

impl TokenAuthMethod {
    /// The registered name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The claims in which the provider says who somebody is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClaimMapping {
    /// With the e-mail address.
    pub email: String,
    /// With the given name.
    pub given_name: String,
    /// With the family name.
    pub family_name: String,
    /// With the groups.
    pub groups: String,
}

impl Default for ClaimMapping {
    /// The names of OpenID Connect Core 1.0 §5.1, and the one that most providers have for groups.
    fn default() -> Self {
        let name = |name: &str| name.to_owned();
        Self {
            email: name("email"),
            given_name: name("given_name"),
            family_name: name("family_name"),
            groups: name("groups"),
        }
    }
}

/// The scopes of a new connection.
pub const DEFAULT_SCOPES: [&str; 3] = ["openid", "profile", "email"];

/// One OIDC connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcConnection {
    /// Its id.
    pub id: OidcConnectionId,
    /// The environment of its organization.
    pub environment_id: EnvironmentId,
    /// The organization it signs users in to.
    pub organization_id: OrganizationId,
    /// The version of its settings: 1, and one more with each change.
    pub version: i64,
    /// Its name, for those who choose among several; may be empty.
    pub display_name: String,
    /// Whether logins of the organization use it when none is named. At most one connection is primary, whatever the protocol.
    pub primary: bool,
    /// The provider's issuer, compared byte for byte with `iss`.
    pub issuer: Option<String>,
    /// The provider's authorization endpoint.
    pub authorization_endpoint: Option<HttpUrl>,
    /// The provider's token endpoint.
    pub token_endpoint: Option<HttpUrl>,
    /// The provider's UserInfo endpoint, which is asked for claims that the ID token lacks.
    pub userinfo_endpoint: Option<HttpUrl>,
    /// Where the provider publishes its keys (RFC 7517 §5).
    pub jwks_uri: Option<HttpUrl>,
    /// How we authenticate at the token endpoint.
    pub token_auth_method: TokenAuthMethod,
    /// Whether the provider sends `iss` with every authorization response, so that one without it is refused (RFC 9207 §2.4).
    pub response_iss: bool,
    /// Our client id at the provider.
    pub client_id: Option<String>,
    /// Our client secret, sealed.
    pub client_secret: Option<String>,
    /// The scopes that are asked for; `openid` is among them.
    pub scopes: Vec<String>,
    /// Which claims count.
    pub claims: ClaimMapping,
    /// Our redirect URI, as registered at the provider. Stored, never derived.
    pub redirect_uri: String,
    /// Whether it is switched off: its logins are refused until it is switched on again.
    pub disabled: bool,
    /// The provider's product, if known.
    pub idp_kind: Option<IdpKind>,
    /// Whether it uses the bundled test identity provider.
    pub test: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl OidcConnection {
    /// The settings that are still missing; empty when logins are possible.
    pub fn missing_settings(&self) -> Vec<&'static str> {
        let settings = [
            ("issuer", self.issuer.is_some()),
            ("authorizationEndpoint", self.authorization_endpoint.is_some()),
            ("tokenEndpoint", self.token_endpoint.is_some()),
            ("jwksUri", self.jwks_uri.is_some()),
            ("clientId", self.client_id.is_some()),
            ("clientSecret", self.client_secret.is_some()),
        ];
        settings.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).collect()
    }
}

impl Audited for OidcConnection {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "oidc_connection",
            id: self.id.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "displayName": self.display_name,
            "primary": self.primary,
            "issuer": self.issuer,
            "authorizationEndpoint": self.authorization_endpoint.as_ref().map(HttpUrl::as_str),
            "tokenEndpoint": self.token_endpoint.as_ref().map(HttpUrl::as_str),
            "userinfoEndpoint": self.userinfo_endpoint.as_ref().map(HttpUrl::as_str),
            "jwksUri": self.jwks_uri.as_ref().map(HttpUrl::as_str),
            "tokenAuthMethod": self.token_auth_method.as_str(),
            "responseIss": self.response_iss,
            "clientId": self.client_id,
            // A digest tells that the secret changed, and nothing of it: it is of a value that is sealed anew each time.
            "clientSecretSha256": self.client_secret.as_deref().map(|sealed| base::secret::Digest::of(sealed).to_hex()),
            "scopes": self.scopes,
            "claims": self.claims,
            "redirectUri": self.redirect_uri,
            "disabled": self.disabled,
            "idpKind": self.idp_kind,
        }
    }
}
