//! Branding of the setup pages: the vendor's name, logo and colours.

use base::{id::EnvironmentId, time::Timestamp};
use serde_json::{Map, Value};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    color::Color,
    http_url::HttpUrl,
    logo::LogoType,
};

/// The branding of one environment. Every field is optional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branding {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The version of its settings and its logo: 0 before the first change, and one more with each.
    pub version: i64,
    /// The application's name; the environment's name when `None`.
    pub application_name: Option<String>,
    /// The accent colour.
    pub accent_color: Option<Color>,
    /// The logo's metadata, without the image bytes.
    pub logo: Option<LogoMetadata>,
    /// The target of the "back to the application" link.
    pub return_url: Option<HttpUrl>,
    /// Support contact for a customer's admin: an address or a sentence.
    pub support_contact: Option<String>,
    /// When it was last changed; `None` when it was never set.
    pub updated_at: Option<Timestamp>,
}

/// A logo's type and digest, stored beside the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoMetadata {
    /// Its image format.
    pub kind: LogoType,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Branding {
    /// The branding of an environment that has set none.
    pub fn empty(environment_id: EnvironmentId) -> Self {
        Self {
            environment_id,
            version: 0,
            application_name: None,
            accent_color: None,
            logo: None,
            return_url: None,
            support_contact: None,
            updated_at: None,
        }
    }

    /// The cache key in the stylesheet's URL.
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

/// A name as it stands among other words: on one line, and without the characters that would change the direction of what stands
/// around it (Unicode Standard Annex #9, explicit directional formatting).
pub fn plain_name(name: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let shown = name.chars().filter(|c| !turns(*c)).map(|c| if breaks(c) { ' ' } else { c });
    shown.collect::<String>().trim().to_owned()
}
