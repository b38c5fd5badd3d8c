//! The way of a response: from the bytes that a browser posted to an assertion, or to a refusal.

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
    /// Whom a signed assertion names, where it is refused for what it says.
    pub subject: Option<Subject>,
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
    pub subject: Subject,
    /// What kind of name that is.
    pub name_id_format: Option<String>,
    /// Until when it could be accepted, skew included: how long the replay memory must hold it. At
    /// most 24 hours and the skew after it was issued.
    pub not_on_or_after: Timestamp,
    /// The session at the identity provider.
    pub session_index: Option<String>,
    /// When the person authenticated there.
    pub authn_instant: Option<Timestamp>,
}

/// Whom an assertion is about, in its own words. Its signature verified.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The NameID; empty when it names nobody in a form that is read.
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

/// [`verify`] for a document that is not base64 any more.
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

/// One response on its way.
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

    /// The whole way. The document stage ends at the first refusal; of what the signed document says
    /// everything is judged.
    fn examine(&mut self, text: &str) -> Result<Assertion, Rejection> {
        let mut findings = Vec::with_capacity(20);
        let judged = self.read(text, &mut findings);
        let failed = findings.iter().find(|finding| !finding.check.passed).map(|finding| finding.rejection);
        self.checks.extend(findings.into_iter().map(|finding| finding.check));
        match (failed, judged) {
            // A response that reports a failure has no assertion; that is no second thing wrong.
            (Some(failed), _) => Err(failed),
            (None, Err(refusal)) => Err(self.refuse(&refusal)),
            // Every way to no assertion here is a check that failed.
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

    /// Gate, signatures, second opinion; then the verified bytes anew.
    fn read(&mut self, text: &str, findings: &mut Vec<Finding>) -> Result<Option<Assertion>, Refusal> {
        let document = gate::parse(text)?;
        self.claims = Claims::of(&document);
        let layout = structure::response(&document)?;
        self.note("document", "Ostiary SAML profile, gate", format!("{} bytes", text.len()));
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
            // The assertion is read from its signed bytes, the response around it only to refuse.
            (None, Some(signed)) => {
                let document = gate::parse(&signed.canonical)?;
                let inner = structure::canonical_assertion(&document)?;
                self.content(layout, Content::Plain(inner), true, findings)
            }
            (None, None) => self.content(layout, layout.content, false, findings),
        }
    }

    /// Judges what a response brings. `covered` says that a signature already vouches for it.
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
            // What a stranger may have sent is compared with nothing that is the connection's.
            Content::Nothing => {
                findings.push(checks::status(&response));
                Err(Rejection::AssertionMissing.into())
            }
        }
    }

    /// Decrypts, and sends the plaintext through the gate as a document of its own.
    fn encrypted(
        &mut self,
        response: &Response<'_>,
        encrypted: Element<'_>,
        covered: bool,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<Assertion>, Refusal> {
        let decrypted = decrypt(encrypted, self.judge.trust)?;
        // Where nothing protects the ciphertext against change, every difference between one wrong
        // plaintext and another would tell something of the right one.
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

    /// Notes a signature that verified, and the certificate's date: a warning, never a refusal, since
    /// the certificate was pinned by hand (SAML 2.0 Metadata Interoperability Profile §2.6.1).
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
    /// The longest value worth keeping.
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
