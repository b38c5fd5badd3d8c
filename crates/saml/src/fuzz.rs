//! The bodies of the fuzz targets: properties that hold for any input. `fuzz/` runs them with libFuzzer,
//! `tests/it/saml_fuzz.rs` over the corpus and its mutations on a stable toolchain.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use base::{random::SystemRandom, time::Timestamp};

use crate::{
    certificate::Certificate,
    document,
    error::Error,
    key_pair::{KeyKind, KeyPair},
    metadata::parse_idp_metadata,
    sign::sign_element,
    signature_algorithm::SignatureAlgorithm,
    trust::{CrossCheck, Trust},
    verify::{Verdict, verify_xml},
};

const NOW: Timestamp = Timestamp::from_seconds(1_795_300_897);

struct Fixture {
    idp: KeyPair,
    certificates: Vec<Arc<Certificate>>,
    sp: KeyPair,
    acs_urls: Vec<String>,
}

impl Fixture {
    fn get() -> &'static Self {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        FIXTURE.get_or_init(|| {
            let pair = |kind| KeyPair::generate(kind, "fuzz", NOW, &SystemRandom).expect("a key pair");
            let idp = pair(KeyKind::P256);
            let pem = idp.certificate.to_pem().expect("a certificate has a PEM form");
            let certificates =
                Certificate::parse_pem_bundle(&String::from_utf8_lossy(&pem)).expect("our own");
            Self {
                idp,
                certificates: certificates.into_iter().map(Arc::new).collect(),
                sp: pair(KeyKind::Rsa(2048)),
                acs_urls: vec!["https://sp.example/acs".to_owned()],
            }
        })
    }

    fn verify(&self, xml: &[u8]) -> Verdict {
        let trust = Trust {
            idp_entity_id: "https://idp.example",
            certificates: &self.certificates,
            sp_entity_id: "https://sp.example",
            acs_urls: &self.acs_urls,
            allow_sha1: true,
            allow_cbc_encryption: true,
            decryption_keys: std::slice::from_ref(&self.sp.key),
            name_id_optional: false,
            clock_skew: Duration::from_secs(60),
            cross_check: CrossCheck::Observe,
        };
        verify_xml(xml.to_vec(), &trust, NOW)
    }
}

/// A response that the trusted key did not sign is refused, and the error is that of the first failed check.
pub fn saml_response(bytes: &[u8]) {
    let verdict = Fixture::get().verify(bytes);
    let error = verdict.outcome.expect_err("no input is signed with the trusted key");
    let failed = verdict.checks.iter().find(|check| !check.passed).expect("a refusal is a failed check");
    assert_eq!(failed.name, error.code());
    assert!(!verdict.signature_verified);
}

/// For any content that an identity provider signs, both implementations find the same signed bytes, and the
/// signature of a document within the limits verifies.
pub fn signed_content(bytes: &[u8]) {
    let fixture = Fixture::get();
    let Ok(content) = std::str::from_utf8(bytes) else { return };
    // Normalised first: a signer's parser normalises line ends and attribute values too.
    let Ok(mut xml) = document::decode_utf8(TEMPLATE.replace("CONTENT", content).into_bytes()) else {
        return;
    };
    if document::check_and_normalize(&mut xml).is_err() {
        return;
    }
    let algorithm = SignatureAlgorithm::EcdsaSha256;
    let Ok(signed) = sign_element(&xml, "_assertion", &fixture.idp.key, &fixture.idp.certificate, algorithm)
    else {
        return;
    };
    let verdict = fixture.verify(signed.as_bytes());
    assert!(!verdict.cross_check_disagreed, "{signed}");
    if let Err(error) = verdict.outcome {
        assert!(!matches!(error, Error::DigestMismatch | Error::SignatureMismatch), "{signed}");
    }
}

/// Any input parses or fails with a code. Parsed metadata has usable values, and parses to the same again
/// when its entity ID is requested.
pub fn idp_metadata(bytes: &[u8]) {
    let metadata = match parse_idp_metadata(bytes, None) {
        Ok(metadata) => metadata,
        Err(error) => {
            assert!(!error.code().is_empty() && error.to_string().len() < 128 * 1024);
            return;
        }
    };
    assert!(!metadata.entity_id.is_empty());
    let address = url::Url::parse(&metadata.sso_redirect_url).expect("an address is a URL");
    assert!(matches!(address.scheme(), "http" | "https") && address.has_host(), "{address}");
    assert!(!metadata.certificates_pem.is_empty());
    for pem in &metadata.certificates_pem {
        assert!(Certificate::parse_pem_bundle(pem).is_ok_and(|parsed| parsed.len() == 1), "{pem}");
    }
    assert_eq!(parse_idp_metadata(bytes, Some(&metadata.entity_id)).as_ref(), Ok(&metadata));
}

const TEMPLATE: &str = concat!(
    r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0" "#,
    r#"IssueInstant="2026-11-21T21:00:00Z"><samlp:Status><samlp:StatusCode "#,
    r#"Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#,
    r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_assertion" Version="2.0" "#,
    r#"IssueInstant="2026-11-21T21:00:00Z"><saml:Issuer>https://idp.example</saml:Issuer>"#,
    r#"<saml:AttributeStatement><saml:Attribute Name="x"><saml:AttributeValue>CONTENT</saml:AttributeValue>"#,
    r#"</saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"#,
);
