//! The trust settings of a connection: everything that a response is verified against.

use std::{sync::Arc, time::Duration};

use openssl::pkey::{PKey, Private};

use super::certificate::Certificate;

/// The trust settings of one connection. Nothing in them is derived from the response.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// The identity provider's entity ID.
    pub idp_entity_id: &'a str,
    /// Its signing certificates. Without any, every response is refused.
    pub certificates: &'a [Arc<Certificate>],
    /// The service provider's entity ID, which is the audience.
    pub sp_entity_id: &'a str,
    /// The service provider's Assertion Consumer Service URLs.
    pub acs_urls: &'a [String],
    /// Whether SHA-1 may be used in signatures and digests.
    pub allow_sha1: bool,
    /// Whether assertions may be encrypted with AES-CBC.
    pub allow_cbc_encryption: bool,
    /// Our decryption keys, the newest first.
    pub decryption_keys: &'a [PKey<Private>],
    /// The allowed difference between clocks.
    pub clock_skew: Duration,
    /// Whether a second implementation verifies too, and what its result means.
    pub cross_check: CrossCheck,
}

/// What happens when the second implementation (xmlsec) does not find the same signed bytes.
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
