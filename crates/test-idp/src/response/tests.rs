//! Responses verify and decrypt with libraries other than our own verifier.

use base::random::SeededRandom;
use openssl::symm;
use saml::{
    key_pair::{KeyKind, KeyPair},
    sign::{Signer, parse},
};
use uppsala::Document;

use crate::{
    encrypt::{ContentAlgorithm, EncryptedKeyLocation, KeyTransport},
    response::*,
};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
const CONTEXT: ResponseContext<'static> = ResponseContext {
    idp_entity_id: "https://idp.example/metadata",
    sp_entity_id: "https://sp.example/saml",
    acs_url: "https://sp.example/acs?a=1&b=2",
    in_response_to: Some("_request"),
};

fn pair(kind: KeyKind) -> KeyPair {
    KeyPair::generate(kind, "IdP", NOW, &SeededRandom::new(3)).unwrap()
}

fn spec() -> ResponseSpec {
    let mut spec = ResponseSpec::valid(&CONTEXT, "dana@acme.example", NOW, &SeededRandom::new(5));
    spec.attributes = vec![("groups".into(), vec!["R&D".into(), "<ops>\r\n\"a\"".into()])];
    spec
}

fn algorithms() -> [(KeyKind, SignatureAlgorithm); 8] {
    use SignatureAlgorithm as A;
    [
        (KeyKind::Rsa(2048), A::RsaSha1),
        (KeyKind::Rsa(2048), A::RsaSha256),
        (KeyKind::Rsa(2048), A::RsaSha384),
        (KeyKind::Rsa(2048), A::RsaSha512),
        (KeyKind::P256, A::EcdsaSha1),
        (KeyKind::P256, A::EcdsaSha256),
        (KeyKind::P384, A::EcdsaSha384),
        (KeyKind::P521, A::EcdsaSha512),
    ]
}

/// Verifies with xmlsec, which is independent of our code.
fn xmlsec_accepts(xml: &str, certificate: &X509Ref) -> bool {
    use samael::crypto::{Crypto, CryptoProvider, ReduceMode};
    Crypto::reduce_xml_to_signed(xml, &[certificate.to_der().unwrap().into()], ReduceMode::PreDigest)
        .is_ok_and(|reduced| reduced.contains("dana@acme.example"))
}

#[test]
fn every_algorithm_and_place_verifies_and_tampering_does_not() {
    for (kind, algorithm) in algorithms() {
        let pair = pair(kind);
        for signing in [Signing::Response, Signing::Assertion, Signing::Both] {
            for prefix in ["saml", ""] {
                let mut spec = spec();
                spec.signing = signing;
                spec.algorithm = Some(algorithm);
                spec.assertion_prefix = prefix.to_owned();
                let xml = spec.build(&pair.key, &pair.certificate, &SeededRandom::new(1)).unwrap();
                assert!(xmlsec_accepts(&xml, &pair.certificate), "{algorithm:?} {signing:?}\n{xml}");
                let tampered = xml.replace("R&amp;D", "admins");
                assert_ne!(tampered, xml);
                assert!(!xmlsec_accepts(&tampered, &pair.certificate), "{algorithm:?} {signing:?}");
            }
        }
    }
}

#[test]
fn other_shapes_of_signature_verify() {
    let pair = pair(KeyKind::P256);
    let spec = spec();
    for (prefix, inclusive_prefixes) in [("", &[][..]), ("dsig", &["xs"]), ("ds", &["xs", "saml"])] {
        let signer = Signer {
            key: &pair.key,
            certificate: Some(&pair.certificate),
            algorithm: SignatureAlgorithm::EcdsaSha256,
            prefix,
            inclusive_prefixes,
        };
        let xml = signer.sign(&spec.unsigned(), &spec.assertion_id).unwrap();
        assert!(xmlsec_accepts(&xml, &pair.certificate), "{xml}");
    }
}

#[test]
fn a_key_of_the_wrong_type_is_refused() {
    let mut spec = spec();
    spec.algorithm = Some(SignatureAlgorithm::RsaSha256);
    let pair = pair(KeyKind::P256);
    let built = spec.build(&pair.key, &pair.certificate, &SeededRandom::new(1));
    assert!(matches!(built, Err(SigningError::KeyDoesNotFit)));
}

#[test]
fn the_signature_stands_right_after_the_issuer() {
    let pair = pair(KeyKind::P256);
    let mut spec = spec();
    spec.signing = Signing::Both;
    let xml = spec.build(&pair.key, &pair.certificate, &SeededRandom::new(1)).unwrap();
    let document = parse(&xml).unwrap();
    let signatures = document.get_elements_by_tag_name_ns(namespace::SIGNATURE, "Signature");
    assert_eq!(signatures.len(), 2);
    for signature in signatures {
        let before = document.previous_sibling(signature).unwrap();
        assert_eq!(document.element(before).unwrap().name.local_name, "Issuer");
    }
}

fn only_text(document: &Document<'_>, uri: &str, name: &str, at: usize) -> Vec<u8> {
    let node = document.get_elements_by_tag_name_ns(uri, name)[at];
    BASE64.decode(document.text_content_deep(node)).unwrap()
}

#[test]
fn an_encrypted_assertion_decrypts_to_one_whose_signature_holds() {
    let idp = pair(KeyKind::P256);
    let sp = pair(KeyKind::Rsa(2048));
    for (content, cipher) in [
        (ContentAlgorithm::Aes128Gcm, symm::Cipher::aes_128_gcm()),
        (ContentAlgorithm::Aes192Gcm, symm::Cipher::aes_192_gcm()),
        (ContentAlgorithm::Aes256Gcm, symm::Cipher::aes_256_gcm()),
        (ContentAlgorithm::Aes128Cbc, symm::Cipher::aes_128_cbc()),
        (ContentAlgorithm::Aes256Cbc, symm::Cipher::aes_256_cbc()),
    ] {
        let mut spec = spec();
        let mut encryption = Encryption::new(sp.certificate.clone());
        encryption.content = content;
        spec.encryption = Some(encryption);
        let xml = spec.build(&idp.key, &idp.certificate, &SeededRandom::new(1)).unwrap();
        assert!(!xml.contains("dana@acme.example"));
        let document = parse(&xml).unwrap();
        let sealed_key = only_text(&document, namespace::ENCRYPTION, "CipherValue", 0);
        let octets = only_text(&document, namespace::ENCRYPTION, "CipherValue", 1);
        let mut decrypter = openssl::encrypt::Decrypter::new(&sp.key).unwrap();
        decrypter.set_rsa_padding(openssl::rsa::Padding::PKCS1_OAEP).unwrap();
        let mut key = vec![0; decrypter.decrypt_len(&sealed_key).unwrap()];
        let length = decrypter.decrypt(&sealed_key, &mut key).unwrap();
        key.truncate(length);
        let (iv, rest) = octets.split_at(cipher.iv_len().unwrap());
        let plain = if content.is_authenticated() {
            let (sealed, tag) = rest.split_at(rest.len() - 16);
            symm::decrypt_aead(cipher, &key, Some(iv), &[], sealed, tag).unwrap()
        } else {
            symm::decrypt(cipher, &key, Some(iv), rest).unwrap()
        };
        let assertion = String::from_utf8(plain).unwrap();
        assert!(xmlsec_accepts(&assertion, &idp.certificate), "{assertion}");
    }
}

#[test]
fn a_sibling_key_and_other_transports_keep_their_shape() {
    let idp = pair(KeyKind::P256);
    let sp = pair(KeyKind::Rsa(2048));
    let mut spec = spec();
    let mut encryption = Encryption::new(sp.certificate);
    encryption.key_location = EncryptedKeyLocation::Sibling;
    encryption.key_transport = KeyTransport::RsaOaepSha256;
    spec.encryption = Some(encryption);
    spec.signing = Signing::Both;
    let xml = spec.build(&idp.key, &idp.certificate, &SeededRandom::new(1)).unwrap();
    let document = parse(&xml).unwrap();
    let key = document.get_elements_by_tag_name_ns(namespace::ENCRYPTION, "EncryptedKey")[0];
    let parent = document.parent(key).unwrap();
    assert_eq!(document.element(parent).unwrap().name.local_name, "EncryptedAssertion");
    assert_eq!(document.get_elements_by_tag_name_ns(namespace::ENCRYPTION_11, "MGF").len(), 1);
    assert!(document.get_elements_by_tag_name_ns(namespace::SIGNATURE, "Signature").len() == 1);
}
