//! Environments: the top-level tenant boundary, such as a vendor's "production" or "staging".

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    audit::{AuditTarget, Audited, audit_fields},
    http_url::HttpUrl,
    id::EnvironmentId,
    time::Timestamp,
};

/// First path segments of present or planned routes, which cannot be slugs.
pub const RESERVED_SLUGS: [&str; 23] = [
    ".well-known",
    "admin",
    "api",
    "assets",
    "branding",
    "console",
    "demo",
    "docs",
    "favicon.ico",
    "healthz",
    "internal",
    "metrics",
    "o",
    "oauth2",
    "openapi.json",
    "readyz",
    "robots.txt",
    "scim2",
    "setup",
    "system",
    "t",
    "test-idp",
    "v1",
];

/// A short name used in paths: 1 to 63 lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// Parses a slug. The error is a message for the person who typed it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let good = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if !good {
            return Err(
                "must be 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end",
            );
        }
        if RESERVED_SLUGS.contains(&text) {
            return Err("is reserved for a path of the service");
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The policy for unsolicited (IdP-initiated) responses (SAML 2.0 Profiles §4.1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum IdpInitiated {
    /// It signs the user in.
    Allow,
    /// It is discarded and an SP-initiated login of the same connection starts. The tile in the customer's
    /// portal works, and nobody can be signed in with another person's response (login CSRF).
    #[default]
    Restart,
    /// It is rejected.
    Refuse,
}

impl IdpInitiated {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Restart => "RESTART",
            Self::Refuse => "REFUSE",
        }
    }

    /// Parses the name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Allow, Self::Restart, Self::Refuse].into_iter().find(|policy| policy.as_str() == text)
    }
}

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its id.
    pub id: EnvironmentId,
    /// Its short name, unique in the installation.
    pub slug: Slug,
    /// Its name for people.
    pub display_name: String,
    /// Where the browser is sent, with `saml_access_code`, after a login started through the REST API.
    pub redirect_url: Option<HttpUrl>,
    /// The redirect URIs registered for OAuth clients, compared byte for byte.
    pub oauth_redirect_uris: Vec<HttpUrl>,
    /// The origin for identity providers and browsers, when it differs from the public URL.
    pub auth_url: Option<HttpUrl>,
    /// The default policy for connections that set none.
    pub idp_initiated: IdpInitiated,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Audited for Environment {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "environment", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let uris: Vec<&str> = self.oauth_redirect_uris.iter().map(HttpUrl::as_str).collect();
        audit_fields! {
            "slug": self.slug.as_str(),
            "displayName": self.display_name,
            "redirectUrl": self.redirect_url.as_ref().map(HttpUrl::as_str),
            "oauthRedirectUris": uris,
            "authUrl": self.auth_url.as_ref().map(HttpUrl::as_str),
            "idpInitiated": self.idp_initiated.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_never_collide_with_routes() {
        for slug in RESERVED_SLUGS {
            assert!(Slug::parse(slug).is_err(), "{slug}");
        }
        for slug in ["", "Prod", "a b", "-a", "a-", "ä"] {
            assert!(Slug::parse(slug).is_err(), "{slug:?}");
        }
        assert_eq!(Slug::parse("prod-2").unwrap().as_str(), "prod-2");
    }
}
