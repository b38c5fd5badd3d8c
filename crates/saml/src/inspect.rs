//! Extracts details of a stored response for the timeline. Nothing here decides whether a login is accepted.

use openssl::pkey::{PKey, Private};

use crate::{
    certificate::Certificate,
    check::Check,
    decrypt::decrypt,
    document,
    dom::{Element, ns},
};

/// The maximum number of certificates that are read from a response.
const MAX_EMBEDDED_CERTIFICATES: usize = 4;

/// A signature that verified, as the stored checks record it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedSignature<'a> {
    /// Whether it covers the whole response; otherwise the assertion alone.
    pub of_response: bool,
    /// The SHA-256 fingerprint of the certificate that made it.
    pub certificate: &'a str,
}

/// The signatures that verified among these checks. Each covers its parent element, by a reference to its ID:
/// no other signature verifies.
pub fn verified_signatures(checks: &[Check]) -> Vec<VerifiedSignature<'_>> {
    checks
        .iter()
        .filter_map(|check| {
            let of_response = match (&*check.name, check.passed) {
                ("response_signature", true) => true,
                ("assertion_signature", true) => false,
                _ => return None,
            };
            Some(VerifiedSignature { of_response, certificate: check.certificate_sha256.as_deref()? })
        })
        .collect()
}

/// The certificates embedded in a response's signatures. They are unverified: for comparison with those of
/// the connection, never to be trusted.
pub fn embedded_certificates(xml: &str) -> Vec<Certificate> {
    fn visit(element: Element<'_>, found: &mut Vec<Certificate>) {
        if found.len() >= MAX_EMBEDDED_CERTIFICATES {
            return;
        }
        if element.is(ns::SIGNATURE, "X509Certificate") {
            let text = element.text();
            let read = text.and_then(|text| Certificate::parse_pem_bundle(&text).ok()).unwrap_or_default();
            found.extend(read.into_iter().take(1));
        }
        element.elements().for_each(|child| visit(child, found));
    }
    let mut found = Vec::new();
    if let Ok(document) = document::parse(xml)
        && let Some(root) = Element::root(&document)
    {
        visit(root, &mut found);
    }
    found.dedup_by(|a, b| a == b);
    found
}

/// Whether a response has an encrypted assertion.
pub fn is_encrypted(xml: &str) -> bool {
    xml.contains("EncryptedAssertion")
}

/// The decrypted assertion of a response with an encrypted one, if one of these keys fits. It is unverified.
pub fn decrypted_assertion(xml: &str, keys: &[PKey<Private>]) -> Option<String> {
    let document = document::parse(xml).ok()?;
    let encrypted = Element::root(&document)?.child(ns::ASSERTION, "EncryptedAssertion")?;
    let plaintext = decrypt(encrypted, keys, true).ok()?.plaintext;
    let mut text = document::decode_utf8(plaintext).ok()?;
    document::check_and_normalize(&mut text).ok()?;
    // The plaintext of a wrong key does not parse.
    document::parse(&text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::check::Fixer;

    fn check(name: &'static str, passed: bool, certificate_sha256: Option<&str>) -> Check {
        Check {
            name: Cow::Borrowed(name),
            passed,
            expected: None,
            found: Some("rsa-sha256, certificate with SHA-256 0000".to_owned()),
            clause: Cow::Borrowed(""),
            fixer: Fixer::Vendor,
            remedy: Cow::Borrowed(""),
            certificate_sha256: certificate_sha256.map(str::to_owned),
        }
    }

    #[test]
    fn signatures_are_read_from_the_checks_that_tell_them() {
        let checks = [
            check("document", true, None),
            check("response_signature", true, Some("ab12")),
            check("assertion_signature", true, Some("cd34")),
            check("assertion_signature", true, None),
            check("assertion_signature", false, Some("ef56")),
            check("assertion_audience", true, Some("ef56")),
        ];
        assert_eq!(
            verified_signatures(&checks),
            [
                VerifiedSignature { of_response: true, certificate: "ab12" },
                VerifiedSignature { of_response: false, certificate: "cd34" },
            ]
        );
    }

    #[test]
    fn a_document_that_is_none_encloses_nothing() {
        for text in ["", "<", "<a/>", "<!DOCTYPE a><a/>", "nonsense"] {
            assert!(embedded_certificates(text).is_empty() && decrypted_assertion(text, &[]).is_none());
        }
    }
}
