//! The cross-check: xmlsec, through `samael`, must find the same signed bytes.
//!
//! xmlsec knows RSA-PSS from version 1.3 on only. For such a signature it judges everything but the value, which it would
//! hand to the same OpenSSL: see [`stand_in`].
//!
//! It runs only on documents within the limits whose signatures verified here, so the C libraries behind it
//! never see unauthenticated input.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider as _, ReduceMode};

use crate::{signature::SignedElement, stand_in};

/// Verifies a document whose signatures are `signed`, first the one whose bytes are read. Returns the reason
/// when xmlsec disagrees.
pub(super) fn check(document: &str, signed: &[&SignedElement]) -> Result<&'static str, &'static str> {
    const SAME_BYTES: &str = "the same signed bytes";
    let Some(read) = signed.first() else { return Err("no signature") };
    if signed.iter().any(|signed| signed.algorithm.is_pss()) {
        let other = stand_in::sign_again(document, signed)?;
        compare(&other.document, &[other.certificate], Some(ALLOWED), &other.canonical)?;
        return Ok(
            "the same signed bytes; the value of RSA-PSS was verified by the first implementation alone",
        );
    }
    let certificates: Vec<CertificateDer> =
        signed.iter().map(|signed| signed.certificate.der().to_vec().into()).collect();
    // samael's list has no SHA-1. Where a signature used it, the connection allows it and our own list was
    // applied.
    let allowed = if signed.iter().any(|signed| signed.sha1) { None } else { Some(ALLOWED) };
    compare(document, &certificates, allowed, &read.canonical).map(|()| SAME_BYTES)
}

/// Whether xmlsec verifies the document with these certificates, and finds `canonical` signed.
fn compare(
    document: &str,
    certificates: &[CertificateDer],
    allowed: Option<&[AllowedSignatureAlgorithm]>,
    canonical: &str,
) -> Result<(), &'static str> {
    quiet::silence();
    let reduced = catch_unwind(AssertUnwindSafe(|| {
        Crypto::reduce_xml_to_signed_with_allowed_algorithms(
            document,
            certificates,
            ReduceMode::PreDigest,
            allowed,
        )
    }));
    match reduced {
        Ok(Ok(bytes)) if bytes == canonical => Ok(()),
        Ok(Ok(_)) => Err("different bytes are signed"),
        Ok(Err(_)) => Err("the signature does not verify"),
        Err(_) => Err("the second implementation panicked"),
    }
}

const ALLOWED: &[AllowedSignatureAlgorithm] = &[
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
    AllowedSignatureAlgorithm::EcdsaSha512,
];

/// Keeps xmlsec from writing the contents of documents to standard error.
mod quiet {
    use super::Once;

    #[expect(
        unsafe_code,
        reason = "samael exposes no way to xmlsec's error output; the call takes a flag and keeps nothing"
    )]
    pub fn silence() {
        unsafe extern "C" {
            /// xmlsec/errors.h: with 0 the default error callback prints nothing. It sets a global,
            /// hence once.
            safe fn xmlSecErrorsDefaultCallbackEnableOutput(enabled: std::ffi::c_int);
        }
        static ONCE: Once = Once::new();
        ONCE.call_once(|| xmlSecErrorsDefaultCallbackEnableOutput(0));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::{random::SeededRandom, time::Timestamp};

    use super::*;
    use crate::{
        certificate::Certificate,
        dom::{Element, ns},
        key_pair::{KeyKind, KeyPair},
        sign::{SignatureAlgorithm, sign_element},
        signature,
        trust::{CrossCheck, Trust},
    };

    /// The document with the response and the assertion signed by RSA-PSS.
    fn signed_twice(pair: &KeyPair) -> String {
        let xml = r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">i</saml:Issuer><saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a"><saml:Issuer>i</saml:Issuer>dana</saml:Assertion></samlp:Response>"#;
        ["_a", "_r"].into_iter().fold(xml.to_owned(), |xml, id| {
            sign_element(&xml, id, &pair.key, &pair.certificate, SignatureAlgorithm::RsaPssSha256).unwrap()
        })
    }

    #[test]
    fn of_rsa_pss_all_but_the_value_is_judged() {
        let now = Timestamp::from_seconds(1_790_000_000);
        let pair = KeyPair::generate(KeyKind::Rsa(2048), "idp", now, &SeededRandom::new(1)).unwrap();
        let certificates: Vec<_> = Certificate::parse_pem_bundle(&pair.certificate_pem().unwrap())
            .unwrap()
            .into_iter()
            .map(Arc::new)
            .collect();
        let trust = Trust {
            idp_entity_id: "i",
            certificates: &certificates,
            sp_entity_id: "",
            acs_urls: &[],
            allow_sha1: false,
            allow_cbc_encryption: false,
            decryption_keys: &[],
            name_id_optional: false,
            clock_skew: std::time::Duration::ZERO,
            cross_check: CrossCheck::Enforce,
        };
        let xml = signed_twice(&pair);
        let document = crate::document::parse(&xml).unwrap();
        let response = Element::root(&document).unwrap();
        let assertion = response.child(ns::ASSERTION, "Assertion").unwrap();
        let verified = || {
            [response, assertion].map(|element| {
                let signature = element.child(ns::SIGNATURE, "Signature").unwrap();
                signature::verify(element, signature, &trust).ok().unwrap()
            })
        };
        let [outer, inner] = verified();
        assert!(check(&xml, &[&outer, &inner]).is_ok_and(|how| how.contains("RSA-PSS")));
        assert!(check(&xml, &[&outer]).is_err(), "a signature that was not verified");
        // Another reading of what is signed, or of SignedInfo, is noticed.
        let mut other = verified();
        other[0].canonical = other[0].canonical.replace("dana", "eve");
        assert!(check(&xml, &[&other[0], &other[1]]).is_err());
        let mut other = verified();
        other[1].signed_info = other[1].signed_info.replace("<ds:Transforms>", "<ds:Transforms >");
        assert!(check(&xml, &[&other[0], &other[1]]).is_err());
        // So is a document that says something else than what was verified.
        for (from, to) in [("dana", "eve"), ("#_a", "#_r"), ("rsa-MGF1", "rsa&#45;MGF1")] {
            assert!(check(&xml.replacen(from, to, 1), &[&outer, &inner]).is_err(), "{from}");
        }
    }
}
