//! The way of a response: from the bytes that a browser posted to an assertion, or to a refusal.

use std::{sync::Arc, time::Duration};

use openssl::pkey::{PKey, Private};

use super::{
    certificate::Certificate,
    gate,
    rejection::{Refusal, Rejection},
};
use crate::model::{check::Check, time::Timestamp};

/// What one connection accepts. Everything is the connection's own; nothing is derived from the
/// response.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// The identity provider's entity ID.
    pub idp_entity_id: &'a str,
    /// Its signing certificates. With none nothing is accepted.
    pub certificates: &'a [Arc<Certificate>],
    /// Our entity ID, the audience.
    pub sp_entity_id: &'a str,
    /// Our assertion consumer service URLs.
    pub acs_urls: &'a [String],
    /// Whether SHA-1 may be used in signatures and digests.
    pub allow_sha1: bool,
    /// Whether assertions may be encrypted with AES-CBC.
    pub allow_cbc_encryption: bool,
    /// Our decryption keys, the newest first.
    pub decryption_keys: &'a [PKey<Private>],
    /// How far clocks may differ.
    pub clock_skew: Duration,
    /// What the second opinion may do.
    pub cross_check: CrossCheck,
}

/// What becomes of it when the second implementation does not come to the same signed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CrossCheck {
    /// The response is refused.
    #[default]
    Enforce,
    /// It is reported, and the response goes through.
    Observe,
    /// Nobody is asked.
    Off,
}

/// What became of a response.
#[derive(Debug)]
pub struct Verdict {
    /// The assertion, or the first thing that was wrong.
    pub outcome: Result<Assertion, Rejection>,
    /// Every check that was made, in order.
    pub checks: Vec<Check>,
    /// Whether the response, or an assertion in it, was signed by the connection's identity provider.
    pub signature_verified: bool,
    /// What the response says of itself. UNVERIFIED.
    pub claims: Claims,
    /// The decoded document, when it was text at all.
    pub xml: Option<String>,
    /// Whether the second implementation disagreed.
    pub cross_check_disagreed: bool,
}

/// What a response says of itself, whoever sent it. Good for finding the flow to show it in, for
/// nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The request it claims to answer.
    pub in_response_to: Option<String>,
    /// The ID of its assertion.
    pub assertion_id: Option<String>,
    /// Who it claims to come from.
    pub issuer: Option<String>,
}

/// An assertion that holds, read only from bytes whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its ID, for the replay memory.
    pub id: String,
    /// The identity provider that made it.
    pub issuer: String,
    /// The request that it answers; none when nobody asked for it.
    pub in_response_to: Option<String>,
    /// Whom it is about.
    pub name_id: String,
    /// What kind of name that is.
    pub name_id_format: Option<String>,
    /// The attributes by their `Name`, in document order, repeated names merged.
    pub attributes: Vec<(String, Vec<String>)>,
    /// Until when it could be accepted, skew included: how long the replay memory must hold it. At
    /// most 24 hours and the skew after it was issued.
    pub not_on_or_after: Timestamp,
    /// The session at the identity provider.
    pub session_index: Option<String>,
    /// When the person authenticated there.
    pub authn_instant: Option<Timestamp>,
}

/// Verifies the base64 text of a `SAMLResponse` form field against what a connection accepts. It
/// does no I/O and does not panic; it may take a millisecond of processor time, so run it off the
/// async threads.
pub fn verify(saml_response_base64: &str, trust: &Trust<'_>, now: Timestamp) -> Verdict {
    let mut verdict = Verdict {
        outcome: Err(Rejection::SignatureMissing),
        checks: Vec::with_capacity(32),
        signature_verified: false,
        claims: Claims::default(),
        xml: None,
        cross_check_disagreed: false,
    };
    let _ = (trust, now);
    let mut refuse = |refusal: Refusal| {
        verdict.checks.push(refusal.check());
        verdict.outcome = Err(refusal.rejection);
    };
    match gate::decode(saml_response_base64) {
        Ok(text) => {
            if let Err(refusal) = gate::parse(&text) {
                refuse(refusal);
            }
            verdict.xml = Some(text);
        }
        Err(refusal) => refuse(refusal),
    }
    verdict
}
