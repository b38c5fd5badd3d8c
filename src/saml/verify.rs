//! Verifies a response: from the bytes that a browser posted to a verified assertion or an error.

use std::{borrow::Cow, sync::Arc, time::Duration};

use openssl::pkey::{PKey, Private};
use uppsala::Document;

use super::{
    certificate::Certificate,
    checks::{self, Finding, Judge},
    decrypt::decrypt,
    dom::{Element, ns},
    gate, reading,
    rejection::{Refusal, Rejection, shorten},
    response::{Response, Statement},
    second_opinion,
    signature::{self, Signed},
    structure::{self, AssertionLayout, Content, ResponseLayout},
};
use crate::model::{
    check::{Check, Fixer},
    time::Timestamp,
};

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

/// The result of verifying a response.
#[derive(Debug)]
pub struct Verdict {
    /// The verified assertion, or the error of the first failed check.
    pub outcome: Result<Assertion, Rejection>,
    /// Every check that was made, in order.
    pub checks: Vec<Check>,
    /// Whether the response, or an assertion in it, was signed by the connection's identity provider.
    pub signature_verified: bool,
    /// The subject of a signed assertion that failed a condition check.
    pub subject: Option<Subject>,
    /// Values from the response, UNVERIFIED.
    pub claims: Claims,
    /// The decoded document; none when it did not decode.
    pub xml: Option<String>,
    /// Whether the second implementation disagreed.
    pub cross_check_disagreed: bool,
}

/// Unverified values from a response. Use them only to find the flow in which to show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// `InResponseTo`.
    pub in_response_to: Option<String>,
    /// The ID of its assertion.
    pub assertion_id: Option<String>,
    /// The `Issuer` of the response, or else of the assertion.
    pub issuer: Option<String>,
}

/// An assertion that passed every check, read only from bytes whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its ID, for replay protection.
    pub id: String,
    /// The identity provider's entity ID.
    pub issuer: String,
    /// The ID of the request that it answers; none for an IdP-initiated login.
    pub in_response_to: Option<String>,
    /// The subject with its attributes.
    pub subject: Subject,
    /// The Format of its NameID.
    pub name_id_format: Option<String>,
    /// The time until which it could be accepted, clock skew included: replay protection must keep the ID
    /// until then. At most 24 hours and the skew after its IssueInstant.
    pub not_on_or_after: Timestamp,
    /// `SessionIndex`: the session at the identity provider.
    pub session_index: Option<String>,
    /// When the person authenticated there.
    pub authn_instant: Option<Timestamp>,
}

/// The subject and the attributes of an assertion whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The NameID; empty when it is missing or malformed.
    pub name_id: String,
    /// The attributes by their `Name`, in document order, repeated names merged.
    pub attributes: Vec<(String, Vec<String>)>,
}

/// Verifies the base64 text of a `SAMLResponse` form field against what a connection accepts. It
/// does no I/O and does not panic; it may take a millisecond of processor time, so run it off the
/// async threads.
pub fn verify(saml_response_base64: &str, trust: &Trust<'_>, now: Timestamp) -> Verdict {
    finish(gate::decode(saml_response_base64), trust, now)
}

/// [`verify`] for a document that is base64-decoded already.
pub fn verify_xml(xml: Vec<u8>, trust: &Trust<'_>, now: Timestamp) -> Verdict {
    finish(gate::text(xml), trust, now)
}

fn finish(text: Result<String, Refusal>, trust: &Trust<'_>, now: Timestamp) -> Verdict {
    let mut inquiry = Inquiry::new(trust, now);
    let (outcome, xml) = match text {
        Ok(mut text) => match gate::admit(&mut text) {
            Ok(()) => (inquiry.examine(&text), Some(text)),
            Err(refusal) => (Err(inquiry.refuse(&refusal)), Some(text)),
        },
        Err(refusal) => (Err(inquiry.refuse(&refusal)), None),
    };
    Verdict {
        outcome,
        checks: inquiry.checks,
        signature_verified: inquiry.signature_verified,
        subject: inquiry.subject,
        claims: inquiry.claims,
        xml,
        cross_check_disagreed: inquiry.cross_check_disagreed,
    }
}

/// The state of one verification.
struct Inquiry<'a> {
    judge: Judge<'a>,
    checks: Vec<Check>,
    claims: Claims,
    signature_verified: bool,
    subject: Option<Subject>,
    cross_check_disagreed: bool,
}

impl<'a> Inquiry<'a> {
    fn new(trust: &'a Trust<'a>, now: Timestamp) -> Self {
        Self {
            judge: Judge::new(trust, now),
            checks: Vec::with_capacity(24),
            claims: Claims::default(),
            signature_verified: false,
            subject: None,
            cross_check_disagreed: false,
        }
    }

    /// Runs all checks. The document stage (limits, structure, signatures) stops at the first error; all
    /// condition checks of the signed content run.
    fn examine(&mut self, text: &str) -> Result<Assertion, Rejection> {
        let mut findings = Vec::with_capacity(20);
        let judged = self.read(text, &mut findings);
        let failed = findings.iter().find(|finding| !finding.check.passed).map(|finding| finding.rejection);
        self.checks.extend(findings.into_iter().map(|finding| finding.check));
        match (failed, judged) {
            // A response with an error status has no assertion: the status is the error to report.
            (Some(failed), _) => Err(failed),
            (None, Err(refusal)) => Err(self.refuse(&refusal)),
            // Without an assertion there is always a failed check.
            (None, Ok(accepted)) => accepted.ok_or(Rejection::NameIdMissing),
        }
    }

    fn refuse(&mut self, refusal: &Refusal) -> Rejection {
        self.checks.push(refusal.check());
        refusal.rejection
    }

    fn note(&mut self, name: &'static str, clause: &'static str, found: String) {
        self.checks.push(Check {
            name: Cow::Borrowed(name),
            passed: true,
            expected: None,
            found: Some(shorten(found)),
            clause: Cow::Borrowed(clause),
            fixer: Fixer::IdentityProvider,
            remedy: Cow::Borrowed(""),
        });
    }

    /// Parses the document, verifies its signatures, runs the cross-check, then parses the signed bytes
    /// again.
    fn read(&mut self, text: &str, findings: &mut Vec<Finding>) -> Result<Option<Assertion>, Refusal> {
        let document = gate::parse(text)?;
        self.claims = Claims::of(&document);
        let layout = structure::response(&document)?;
        self.note("document", "Ostiary SAML profile, limits and structure", format!("{} bytes", text.len()));
        if self.judge.trust.certificates.is_empty() {
            return Err(Rejection::CertificateMissing.into());
        }

        let of_response = self.signature("response_signature", layout.response, layout.signature)?;
        let of_assertion = match layout.content {
            Content::Plain(inner) => {
                self.signature("assertion_signature", inner.assertion, inner.signature)?
            }
            Content::Encrypted(_) | Content::Nothing => None,
        };
        let signed: Vec<&Signed> = of_response.iter().chain(&of_assertion).collect();
        if !signed.is_empty() {
            self.second_opinion(text, &signed)?;
            self.signature_verified = true;
        }

        match (&of_response, &of_assertion) {
            // Everything is read from the signed response.
            (Some(signed), _) => {
                let document = gate::parse(&signed.canonical)?;
                let layout = structure::canonical_response(&document)?;
                self.content(layout, layout.content, true, findings)
            }
            // The assertion is read from its signed bytes. The unsigned response is read for checks that can
            // only refuse.
            (None, Some(signed)) => {
                let document = gate::parse(&signed.canonical)?;
                let inner = structure::canonical_assertion(&document)?;
                self.content(layout, Content::Plain(inner), true, findings)
            }
            (None, None) => self.content(layout, layout.content, false, findings),
        }
    }

    /// Checks the content of a response. `covered` says that a verified signature covers it.
    fn content(
        &mut self,
        layout: ResponseLayout<'_>,
        content: Content<'_>,
        covered: bool,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<Assertion>, Refusal> {
        let response = Response::read(layout.response);
        match content {
            Content::Plain(inner) if covered => Ok(self.judged(&response, inner, findings)),
            Content::Plain(_) => Err(Rejection::SignatureMissing.into()),
            Content::Encrypted(encrypted) => self.encrypted(&response, encrypted, covered, findings),
            Content::Nothing if covered => {
                self.judge.response(&response, findings);
                Err(Rejection::AssertionMissing.into())
            }
            // The response is unsigned: nothing in it is compared with the connection's settings.
            Content::Nothing => {
                findings.push(checks::status(&response));
                Err(Rejection::AssertionMissing.into())
            }
        }
    }

    /// Decrypts the assertion, and checks the plaintext as a document of its own.
    fn encrypted(
        &mut self,
        response: &Response<'_>,
        encrypted: Element<'_>,
        covered: bool,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<Assertion>, Refusal> {
        let decrypted = decrypt(encrypted, self.judge.trust)?;
        // Where the ciphertext is not authenticated, different errors for different wrong plaintexts would be
        // a decryption oracle.
        let opaque = !covered && !decrypted.authenticated;
        let veil = |refusal: Refusal| if opaque { Rejection::DecryptionFailed.into() } else { refusal };

        let mut text = gate::text(decrypted.plaintext).map_err(|_| Rejection::DecryptionFailed)?;
        gate::admit(&mut text).map_err(veil)?;
        let document = gate::parse(&text).map_err(veil)?;
        let layout = structure::assertion(&document).map_err(veil)?;
        let (assertion, trust) = (layout.assertion, self.judge.trust);
        let signed =
            layout.signature.map(|signature| signature::verify(assertion, signature, trust)).transpose();
        let signed = signed.map_err(veil)?;
        if signed.is_none() && !covered {
            return Err(veil(Rejection::SignatureMissing.into()));
        }
        self.note("assertion_decryption", "SAML 2.0 Core §6.1", decrypted.algorithms);
        let Some(signed) = signed else { return Ok(self.judged(response, layout, findings)) };
        self.signed("assertion_signature", &signed);
        self.second_opinion(&text, &[&signed])?;
        self.signature_verified = true;
        let document = gate::parse(&signed.canonical)?;
        Ok(self.judged(response, structure::canonical_assertion(&document)?, findings))
    }

    fn judged(
        &mut self,
        response: &Response<'_>,
        layout: AssertionLayout<'_>,
        findings: &mut Vec<Finding>,
    ) -> Option<Assertion> {
        let statement = Statement::read(layout.assertion);
        self.judge.response(response, findings);
        self.judge.assertion(response, &statement, findings);
        if findings.iter().any(|finding| !finding.check.passed) {
            self.subject = Some(statement.subject());
        }
        self.judge.accepted(response, statement)
    }

    fn signature(
        &mut self,
        name: &'static str,
        parent: Element<'_>,
        signature: Option<Element<'_>>,
    ) -> Result<Option<Signed>, Refusal> {
        let Some(signature) = signature else { return Ok(None) };
        let signed = signature::verify(parent, signature, self.judge.trust)?;
        self.signed(name, &signed);
        Ok(Some(signed))
    }

    /// Records a signature that verified. An expired certificate is a warning, never an error, since the
    /// certificate was pinned by hand (SAML 2.0 Metadata Interoperability Profile §2.6.1).
    fn signed(&mut self, name: &'static str, signed: &Signed) {
        let certificate = &signed.certificate;
        let algorithm = signed.algorithm.uri().rsplit('#').next().unwrap_or_default();
        let found = reading::verified_with(algorithm, certificate);
        self.note(name, "SAML 2.0 Core §5.4, XML Signature §3.2", found);
        if certificate.not_after() < self.judge.now {
            self.checks.push(Check {
                name: Cow::Borrowed("certificate_expiry"),
                passed: true,
                expected: None,
                found: Some(format!("expired on {}", certificate.not_after())),
                clause: Cow::Borrowed("SAML 2.0 Metadata Interoperability Profile §2.6.1"),
                fixer: Fixer::Vendor,
                remedy: Cow::Borrowed(
                    "The certificate has expired. It is still accepted, since it was configured by hand; \
                     replace it when the identity provider rotates its key.",
                ),
            });
        }
    }

    fn second_opinion(&mut self, text: &str, signed: &[&Signed]) -> Result<(), Refusal> {
        const RULE: Rejection = Rejection::SecondOpinionDisagrees;
        let cross_check = self.judge.trust.cross_check;
        if cross_check == CrossCheck::Off {
            return Ok(());
        }
        let answer = second_opinion::ask(text, signed);
        self.cross_check_disagreed |= answer.is_err();
        match answer {
            Err(why) if cross_check == CrossCheck::Enforce => {
                return Err(Refusal::found(RULE, why).expected("the same signed bytes"));
            }
            Err(why) => self.checks.push(RULE.check(true, None, Some(format!("{why}; only observed")))),
            Ok(()) => self.checks.push(RULE.check(true, None, Some("the same signed bytes".to_owned()))),
        }
        Ok(())
    }
}

impl Claims {
    /// The maximum length of a value in bytes.
    const LONGEST: usize = 1024;

    fn of(document: &Document<'_>) -> Self {
        let Some(response) = Element::root(document).filter(|root| root.is(ns::PROTOCOL, "Response")) else {
            return Self::default();
        };
        let assertion = response.child(ns::ASSERTION, "Assertion");
        let keep = |text: &str| (!text.is_empty() && text.len() <= Self::LONGEST).then(|| text.to_owned());
        let issuer = |element: Element<'_>| {
            element.child(ns::ASSERTION, "Issuer")?.text().and_then(|text| keep(&text))
        };
        Self {
            in_response_to: response.attribute("InResponseTo").and_then(keep),
            assertion_id: assertion.and_then(|assertion| assertion.attribute("ID")).and_then(keep),
            issuer: issuer(response).or_else(|| assertion.and_then(issuer)),
        }
    }
}
