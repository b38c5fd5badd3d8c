//! SAML connections: the configuration of one organization's identity provider.

use std::time::Duration;

use base::{
    id::{EnvironmentId, OrganizationId, SamlConnectionId},
    time::Timestamp,
};
use openssl::x509::X509;
use serde::Serialize;
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    http_url::HttpUrl,
    idp_initiated::IdpInitiated,
    idp_kind::IdpKind,
};

pub use crate::metadata_refresh::MetadataRefresh;

/// The binding of AuthnRequests to the identity provider (SAML 2.0 Bindings §3.4, §3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, IntoStaticStr, EnumString, VariantArray)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "UPPERCASE")]
pub enum IdpBinding {
    /// HTTP-POST: an auto-submitting form.
    #[default]
    Post,
    /// HTTP-Redirect: in the query string.
    Redirect,
}

impl IdpBinding {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One SAML connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlConnection {
    /// Its id.
    pub id: SamlConnectionId,
    /// The environment of its organization.
    pub environment_id: EnvironmentId,
    /// The organization it signs users in to.
    pub organization_id: OrganizationId,
    /// The version of its settings: 1, and one more with each change, also one that its metadata brings. The state of
    /// the metadata refresh does not belong to it.
    pub version: i64,
    /// Whether logins of the organization use it when none is named. At most one connection is primary.
    pub primary: bool,
    /// The identity provider's entity id.
    pub idp_entity_id: Option<String>,
    /// The identity provider's single sign-on URL.
    pub idp_redirect_url: Option<HttpUrl>,
    /// The identity provider's signing certificates, one PEM block each.
    pub idp_certificates: Vec<String>,
    /// The binding of our requests.
    pub idp_binding: IdpBinding,
    /// When the last of the certificates expires. Storage writes it with the certificates.
    pub idp_certificate_expires_at: Option<Timestamp>,
    /// The identity provider's metadata URL, which is refreshed regularly.
    pub idp_metadata_url: Option<HttpUrl>,
    /// The state of that refresh.
    pub metadata: MetadataRefresh,
    /// Our entity id, as configured at the identity provider. Stored, never derived.
    pub sp_entity_id: String,
    /// Our Assertion Consumer Service URLs; the first one is sent in requests. Stored, never derived.
    pub sp_acs_urls: Vec<String>,
    /// The policy for unsolicited responses; the environment's when `None`.
    pub idp_initiated: Option<IdpInitiated>,
    /// The attribute that holds the e-mail address, when it is not the NameID.
    pub email_attribute: Option<String>,
    /// Whether SHA-1 signatures are accepted.
    pub allow_sha1: bool,
    /// Whether our metadata publishes an encryption certificate, so that assertions may be encrypted.
    pub assertion_encryption: bool,
    /// Whether AES-CBC is accepted besides AES-GCM.
    pub allow_cbc_encryption: bool,
    /// Whether our AuthnRequests are signed.
    pub sign_authn_requests: bool,
    /// Whether users must re-authenticate at every login (`ForceAuthn`).
    pub force_authn: bool,
    /// Whether it is switched off: its logins are refused until it is switched on again.
    pub disabled: bool,
    /// The identity provider's product, if known.
    pub idp_kind: Option<IdpKind>,
    /// Whether it uses the bundled test identity provider.
    pub test: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How long before the expiry of a connection's last certificate a warning is sent, longest first. The last
/// warning is sent at expiry.
pub const EXPIRY_WARNINGS: [Duration; 5] = [days(30), days(14), days(7), days(1), Duration::ZERO];

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 3600)
}

/// The latest expiry of these certificates; `None` without any. Several overlap during a key rollover.
pub fn last_expiry(certificates: &[String]) -> Option<Timestamp> {
    let ends = |pem: &String| Timestamp::from_asn1(X509::from_pem(pem.as_bytes()).ok()?.not_after());
    certificates.iter().filter_map(ends).max()
}

impl SamlConnection {
    /// The identity provider settings that are still missing; empty when logins are possible.
    pub fn missing_settings(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if self.idp_entity_id.is_none() {
            missing.push("idpEntityId");
        }
        if self.idp_redirect_url.is_none() {
            missing.push("idpRedirectUrl");
        }
        if self.idp_certificates.is_empty() {
            missing.push("idpCertificate");
        }
        missing
    }
}

impl Audited for SamlConnection {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "saml_connection",
            id: self.id.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "primary": self.primary,
            "idpEntityId": self.idp_entity_id,
            "idpRedirectUrl": self.idp_redirect_url.as_ref().map(HttpUrl::as_str),
            "idpCertificates": self.idp_certificates,
            "idpMetadataUrl": self.idp_metadata_url.as_ref().map(HttpUrl::as_str),
            "idpBinding": self.idp_binding.as_str(),
            "spEntityId": self.sp_entity_id,
            "spAcsUrls": self.sp_acs_urls,
            "idpInitiated": self.idp_initiated,
            "emailAttribute": self.email_attribute,
            "allowSha1": self.allow_sha1,
            "assertionEncryption": self.assertion_encryption,
            "allowCbcEncryption": self.allow_cbc_encryption,
            "signAuthnRequests": self.sign_authn_requests,
            "forceAuthn": self.force_authn,
            "disabled": self.disabled,
            "idpKind": self.idp_kind,
        }
    }
}
