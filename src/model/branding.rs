//! How an environment looks to its customers' admins: the vendor's name, logo and colours.

use serde_json::{Map, Value};

use super::{
    audit::{AuditTarget, Audited, audit_fields},
    color::Color,
    http_url::HttpUrl,
    id::EnvironmentId,
    logo::LogoType,
    time::Timestamp,
};

/// The branding of one environment. Everything may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branding {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// What the application is called; the environment's name when `None`.
    pub application_name: Option<String>,
    /// Its colour.
    pub accent_color: Option<Color>,
    /// Its logo, without the picture itself.
    pub logo: Option<LogoFacts>,
    /// Where "back to the application" leads.
    pub return_url: Option<HttpUrl>,
    /// Whom a customer's admin asks: an address or a sentence.
    pub support_contact: Option<String>,
    /// When it was last changed; `None` while there is none.
    pub updated_at: Option<Timestamp>,
}

/// What is known of a logo without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoFacts {
    /// What kind of picture it is.
    pub kind: LogoType,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Branding {
    /// That of an environment that has none yet.
    pub fn none(environment_id: EnvironmentId) -> Self {
        Self {
            environment_id,
            application_name: None,
            accent_color: None,
            logo: None,
            return_url: None,
            support_contact: None,
            updated_at: None,
        }
    }

    /// What the stylesheet's address changes with.
    pub fn style_version(&self) -> String {
        self.accent_color.map_or_else(|| "none".to_owned(), |color| color.to_string().split_off(1))
    }
}

impl Audited for Branding {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "branding", id: self.environment_id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "applicationName": self.application_name,
            "accentColor": self.accent_color.map(|color| color.to_string()),
            "logoSha256": self.logo.as_ref().map(|logo| &logo.sha256),
            "returnUrl": self.return_url.as_ref().map(HttpUrl::as_str),
            "supportContact": self.support_contact,
        }
    }
}
