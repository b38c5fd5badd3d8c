//! The trust settings of a connection: everything that a response is verified against.

use std::{sync::Arc, time::Duration};

use openssl::pkey::{PKey, Private};

use crate::certificate::Certificate;

/// The trust settings of one connection (Ostiary SAML profile, trust). Nothing in them is derived from the
/// response.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// The identity provider's entity ID: the `Issuer` of the assertion, and of the response if it has one, byte
    /// for byte (SAML 2.0 Profiles §4.1.4.2).
    pub idp_entity_id: &'a str,
    /// Its signing certificates, of which any may have signed (SAML 2.0 Metadata §2.4.1.1). Without any, every
    /// response is refused.
    pub certificates: &'a [Arc<Certificate>],
    /// The service provider's entity ID, which every `AudienceRestriction` must list (SAML 2.0 Core §2.5.1.4).
    pub sp_entity_id: &'a str,
    /// The service provider's Assertion Consumer Service URLs: the `Recipient` (SAML 2.0 Profiles §4.1.4.3), and the
    /// `Destination` if there is one (SAML 2.0 Bindings §3.5.5.2), are among them, byte for byte.
    pub acs_urls: &'a [String],
    /// Whether SHA-1 may be used in signatures and digests (Ostiary SAML profile, algorithms).
    pub allow_sha1: bool,
    /// Whether assertions may be encrypted with AES-CBC, which authenticates nothing (XML Encryption 1.1 §5.2).
    pub allow_cbc_encryption: bool,
    /// The service provider's RSA keys for encrypted assertions and NameIDs (SAML 2.0 Core §6.1, §2.2.4), the newest
    /// first. All are tried. Without any, encrypted assertions are refused.
    pub decryption_keys: &'a [PKey<Private>],
    /// Whether the subject needs no NameID (SAML 2.0 Core §2.4.1): an attribute names the person. One that cannot be
    /// decrypted is ignored then.
    pub name_id_optional: bool,
    /// The allowed difference between clocks, for every time in a response (SAML 2.0 Core §2.5.1.2).
    pub clock_skew: Duration,
    /// Whether a second implementation verifies too, and what its result means (Ostiary SAML profile,
    /// cross-check).
    pub cross_check: CrossCheck,
}

/// What happens when the second implementation (xmlsec) does not find the same signed bytes (Ostiary SAML
/// profile, cross-check).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CrossCheck {
    /// The response is refused.
    #[default]
    Enforce,
    /// The disagreement is reported; the response is accepted.
    Observe,
    /// The second implementation is not run.
    Off,
}
