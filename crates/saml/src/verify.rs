//! Verifies a response: from the bytes that a browser posted to a verified assertion or an error.

use std::borrow::Cow;

use base::time::Timestamp;
use uppsala::Document;

use crate::{
    assertion::{Subject, VerifiedAssertion},
    check::{Check, Fixer, truncate_value},
    checks::{self, CheckResult, ConditionChecks},
    claims::UnverifiedClaims,
    cross_check,
    decrypt::decrypt,
    document,
    dom::{Element, ns},
    error::Error,
    failed_check::FailedCheck,
    response::{Assertion, NameId, Response, decrypted_name_id},
    signature::{self, SignedElement},
    structure::{self, AssertionLayout, ResponseContent, ResponseLayout},
    trust::{CrossCheck, Trust},
};

/// The result of verifying a response (SAML 2.0 Profiles §4.1.4.3).
#[derive(Debug)]
pub struct Verdict {
    /// The verified assertion, or the error of the first failed check.
    pub outcome: Result<VerifiedAssertion, Error>,
    /// Every check that was made, in order.
    pub checks: Vec<Check>,
    /// Whether the response, or an assertion in it, was signed by the connection's identity provider (SAML 2.0 Core
    /// §5.4). Without it nothing in the checks comes from the identity provider.
    pub signature_verified: bool,
    /// The subject of a signed assertion that failed a condition check (SAML 2.0 Core §2.4): for support, never for
    /// signing in.
    pub subject: Option<Subject>,
    /// Values from the response, UNVERIFIED.
    pub claims: UnverifiedClaims,
    /// The decoded document; none when it did not decode.
    pub xml: Option<String>,
    /// Whether the second implementation disagreed (Ostiary SAML profile, cross-check).
    pub cross_check_disagreed: bool,
}

/// Verifies the base64 text of a `SAMLResponse` form field (SAML 2.0 Bindings §3.5.4) against what a connection
/// accepts, by the rules of the Web Browser SSO profile (SAML 2.0 Profiles §4.1.4.3) and the Ostiary SAML profile.
///
/// Two things are left to the caller, who knows the login: [`in_response_to`](checks::in_response_to), and replay
/// protection with the ID of the assertion (Profiles §4.1.4.5).
///
/// It does no I/O and does not panic; it may take a millisecond of processor time, so run it off the async
/// threads.
pub fn verify(saml_response_base64: &str, trust: &Trust<'_>, now: Timestamp) -> Verdict {
    finish(document::decode_base64(saml_response_base64), trust, now)
}

/// [`verify`] for a document that is base64-decoded already.
pub fn verify_xml(xml: Vec<u8>, trust: &Trust<'_>, now: Timestamp) -> Verdict {
    finish(document::decode_utf8(xml), trust, now)
}

fn finish(text: Result<String, FailedCheck>, trust: &Trust<'_>, now: Timestamp) -> Verdict {
    let mut verification = Verification::new(trust, now);
    let (outcome, xml) = match text {
        Ok(mut text) => match document::check_and_normalize(&mut text) {
            Ok(()) => (verification.run(&text), Some(text)),
            Err(failure) => (Err(verification.record_failure(&failure)), Some(text)),
        },
        Err(failure) => (Err(verification.record_failure(&failure)), None),
    };
    Verdict {
        outcome,
        checks: verification.checks,
        signature_verified: verification.signature_verified,
        subject: verification.subject,
        claims: verification.claims,
        xml,
        cross_check_disagreed: verification.cross_check_disagreed,
    }
}

/// The state of one verification.
struct Verification<'a> {
    conditions: ConditionChecks<'a>,
    checks: Vec<Check>,
    claims: UnverifiedClaims,
    signature_verified: bool,
    subject: Option<Subject>,
    cross_check_disagreed: bool,
}

impl<'a> Verification<'a> {
    fn new(trust: &'a Trust<'a>, now: Timestamp) -> Self {
        Self {
            conditions: ConditionChecks::new(trust, now),
            checks: Vec::with_capacity(24),
            claims: UnverifiedClaims::default(),
            signature_verified: false,
            subject: None,
            cross_check_disagreed: false,
        }
    }

    /// Runs all checks. The document stage (limits, structure, signatures) stops at the first error; all
    /// condition checks of the signed content run.
    fn run(&mut self, text: &str) -> Result<VerifiedAssertion, Error> {
        let mut results = Vec::with_capacity(20);
        let checked = self.verify_document(text, &mut results);
        let failed = results.iter().find(|result| !result.check.passed).map(|result| result.error);
        self.checks.extend(results.into_iter().map(|result| result.check));
        match (failed, checked) {
            // A response with an error status has no assertion: the status is the error to report.
            (Some(failed), _) => Err(failed),
            (None, Err(failure)) => Err(self.record_failure(&failure)),
            // Without an assertion there is always a failed check.
            (None, Ok(accepted)) => accepted.ok_or(Error::NameIdMissing),
        }
    }

    fn record_failure(&mut self, failure: &FailedCheck) -> Error {
        self.checks.push(failure.check());
        failure.error
    }

    fn record_pass(&mut self, name: &'static str, clause: &'static str, found: String) {
        self.checks.push(passed(name, clause, found));
    }

    /// Parses the document, verifies its signatures, runs the cross-check, then parses the signed bytes
    /// again.
    fn verify_document(
        &mut self,
        text: &str,
        results: &mut Vec<CheckResult>,
    ) -> Result<Option<VerifiedAssertion>, FailedCheck> {
        let document = document::parse(text)?;
        self.claims = UnverifiedClaims::of(&document);
        let layout = structure::response(&document).inspect_err(|failure| {
            // What the identity provider says of a failure of its own is more than the form in which it says it.
            if failure.error == Error::NamespaceRefused {
                results.extend(failed_status(&document));
            }
        })?;
        self.record_pass(
            "document",
            "Ostiary SAML profile, limits and structure",
            format!("{} bytes", text.len()),
        );
        if self.conditions.trust.certificates.is_empty() {
            return Err(Error::CertificateMissing.into());
        }

        let response_signed =
            self.verify_signature("response_signature", layout.response, layout.signature)?;
        let assertion_signed = match layout.content {
            ResponseContent::Plain(inner) => {
                self.verify_signature("assertion_signature", inner.assertion, inner.signature)?
            }
            ResponseContent::Encrypted(_) | ResponseContent::NoAssertion => None,
        };
        let signed: Vec<&SignedElement> = response_signed.iter().chain(&assertion_signed).collect();
        if !signed.is_empty() {
            self.run_cross_check(text, &signed)?;
            self.signature_verified = true;
        }

        match (&response_signed, &assertion_signed) {
            // Everything is read from the signed response.
            (Some(signed), _) => {
                let document = document::parse(&signed.canonical)?;
                let layout = structure::canonical_response(&document)?;
                self.check_content(layout, layout.content, true, results)
            }
            // The assertion is read from its signed bytes. The unsigned response is read for checks that can
            // only refuse.
            (None, Some(signed)) => {
                let document = document::parse(&signed.canonical)?;
                let inner = structure::canonical_assertion(&document)?;
                self.check_content(layout, ResponseContent::Plain(inner), true, results)
            }
            (None, None) => self.check_content(layout, layout.content, false, results),
        }
    }

    /// Checks the content of a response. `covered` says that a verified signature covers it.
    fn check_content(
        &mut self,
        layout: ResponseLayout<'_>,
        content: ResponseContent<'_>,
        covered: bool,
        results: &mut Vec<CheckResult>,
    ) -> Result<Option<VerifiedAssertion>, FailedCheck> {
        let response = Response::read(layout.response);
        match content {
            ResponseContent::Plain(inner) if covered => Ok(self.check_conditions(&response, inner, results)),
            ResponseContent::Plain(_) => Err(Error::SignatureMissing.into()),
            ResponseContent::Encrypted(encrypted) => {
                self.check_encrypted(&response, encrypted, covered, results)
            }
            ResponseContent::NoAssertion if covered => {
                self.conditions.response(&response, results);
                Err(Error::AssertionMissing.into())
            }
            // The response is unsigned: nothing in it is compared with the connection's settings.
            ResponseContent::NoAssertion => {
                results.push(checks::status(&response));
                Err(Error::AssertionMissing.into())
            }
        }
    }

    /// Decrypts the assertion, and checks the plaintext as a document of its own.
    fn check_encrypted(
        &mut self,
        response: &Response<'_>,
        encrypted: Element<'_>,
        covered: bool,
        results: &mut Vec<CheckResult>,
    ) -> Result<Option<VerifiedAssertion>, FailedCheck> {
        let trust = self.conditions.trust;
        let decrypted = decrypt(encrypted, trust.decryption_keys, trust.allow_cbc_encryption)?;
        // Where the ciphertext is not authenticated, different errors for different wrong plaintexts would be
        // a decryption oracle.
        let opaque = !covered && !decrypted.authenticated;
        let mask = |failure: FailedCheck| if opaque { Error::DecryptionFailed.into() } else { failure };

        let mut text = document::decode_utf8(decrypted.plaintext).map_err(|_| Error::DecryptionFailed)?;
        document::check_and_normalize(&mut text).map_err(mask)?;
        let document = document::parse(&text).map_err(mask)?;
        let layout = structure::assertion(&document).map_err(mask)?;
        let signed = layout
            .signature
            .map(|signature| signature::verify(layout.assertion, signature, trust))
            .transpose();
        let signed = signed.map_err(mask)?;
        if signed.is_none() && !covered {
            return Err(mask(Error::SignatureMissing.into()));
        }
        self.record_pass("assertion_decryption", "SAML 2.0 Core §6.1", decrypted.algorithms);
        let Some(signed) = signed else { return Ok(self.check_conditions(response, layout, results)) };
        self.record_signature("assertion_signature", &signed);
        self.run_cross_check(&text, &[&signed])?;
        self.signature_verified = true;
        let document = document::parse(&signed.canonical)?;
        Ok(self.check_conditions(response, structure::canonical_assertion(&document)?, results))
    }

    fn check_conditions(
        &mut self,
        response: &Response<'_>,
        layout: AssertionLayout<'_>,
        results: &mut Vec<CheckResult>,
    ) -> Option<VerifiedAssertion> {
        let mut assertion = Assertion::read(layout.assertion);
        if let NameId::Encrypted(encrypted) = assertion.name_id {
            assertion.name_id = self.decrypt_name_id(encrypted).unwrap_or_else(NameId::Undecryptable);
        }
        self.conditions.response(response, results);
        self.conditions.assertion(response, &assertion, results);
        if results.iter().any(|result| !result.check.passed) {
            self.subject = Some(assertion.subject());
        }
        self.conditions.verified_assertion(response, assertion)
    }

    /// Decrypts an `EncryptedID` (SAML 2.0 Core §2.2.4). A verified signature covers it, but its provider may have taken the
    /// ciphertext from elsewhere: whatever is wrong with what comes out is told by one error, or the errors would tell of it.
    fn decrypt_name_id(&self, encrypted: Element<'_>) -> Result<NameId<'static>, FailedCheck> {
        let trust = self.conditions.trust;
        let decrypted = decrypt(encrypted, trust.decryption_keys, trust.allow_cbc_encryption)?;
        let mut text = document::decode_utf8(decrypted.plaintext).map_err(|_| Error::DecryptionFailed)?;
        document::check_and_normalize(&mut text).map_err(|_| Error::DecryptionFailed)?;
        let document = document::parse(&text).map_err(|_| Error::DecryptionFailed)?;
        match Element::root(&document).map_or(NameId::Malformed, decrypted_name_id) {
            NameId::Malformed => Err(Error::DecryptionFailed.into()),
            name_id => Ok(name_id),
        }
    }

    fn verify_signature(
        &mut self,
        name: &'static str,
        parent: Element<'_>,
        signature: Option<Element<'_>>,
    ) -> Result<Option<SignedElement>, FailedCheck> {
        let Some(signature) = signature else { return Ok(None) };
        let signed = signature::verify(parent, signature, self.conditions.trust)?;
        self.record_signature(name, &signed);
        Ok(Some(signed))
    }

    /// Records a signature that verified. An expired certificate is a warning, never an error, since the
    /// certificate was pinned by hand (SAML 2.0 Metadata Interoperability Profile §2.6.1).
    fn record_signature(&mut self, name: &'static str, signed: &SignedElement) {
        let certificate = &signed.certificate;
        self.checks.push(Check {
            certificate_sha256: Some(certificate.fingerprint_sha256()),
            ..passed(name, "SAML 2.0 Core §5.4, XML Signature §3.2", signed.verified_with())
        });
        if certificate.not_after() < self.conditions.now {
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
                certificate_sha256: None,
            });
        }
    }

    fn run_cross_check(&mut self, text: &str, signed: &[&SignedElement]) -> Result<(), FailedCheck> {
        const RULE: Error = Error::CrossCheckDisagrees;
        let cross_check = self.conditions.trust.cross_check;
        if cross_check == CrossCheck::Off {
            return Ok(());
        }
        let answer = cross_check::check(text, signed);
        self.cross_check_disagreed |= answer.is_err();
        match answer {
            Err(why) if cross_check == CrossCheck::Enforce => {
                return Err(FailedCheck::found(RULE, why).expected("the same signed bytes"));
            }
            Err(why) => self.checks.push(RULE.check(true, None, Some(format!("{why}; only observed")))),
            Ok(how) => self.checks.push(RULE.check(true, None, Some(how.to_owned()))),
        }
        Ok(())
    }
}

/// The status of a response that says that it failed and has no assertion. It is read without its layout being checked:
/// the response is refused all the same.
fn failed_status(document: &Document<'_>) -> Option<CheckResult> {
    let response = Element::root(document).filter(|root| root.is(ns::PROTOCOL, "Response"))?;
    let is_assertion = |child: Element<'_>| {
        child.is(ns::ASSERTION, "Assertion") || child.is(ns::ASSERTION, "EncryptedAssertion")
    };
    if response.elements().any(is_assertion) || response.children(ns::PROTOCOL, "Status").count() != 1 {
        return None;
    }
    Some(checks::status(&Response::read(response))).filter(|status| !status.check.passed)
}

/// A check that passed and is none of [`Error`]'s.
fn passed(name: &'static str, clause: &'static str, found: String) -> Check {
    Check {
        name: Cow::Borrowed(name),
        passed: true,
        expected: None,
        found: Some(truncate_value(found)),
        clause: Cow::Borrowed(clause),
        fixer: Fixer::IdentityProvider,
        remedy: Cow::Borrowed(""),
        certificate_sha256: None,
    }
}
