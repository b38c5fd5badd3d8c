//! Signs an RSA-PSS document once more in a way that xmlsec 1.2 knows, so that the second opinion judges everything but
//! the RSA-PSS value itself: which element is referred to, how it and `SignedInfo` are canonicalized, and its digest.
//!
//! The document's signatures verified before with the connection's keys. Only their algorithm and value are replaced, by
//! ECDSA with a key of this process; where the response's signature covers that of the assertion, its digest is made
//! anew. The replacements are textual. Whatever in the document is not as expected makes the new signatures wrong or is an
//! error, so the check fails closed.

use std::{ops::Range, sync::OnceLock};

use base::{random::SystemRandom, time::Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::hash::hash;
use samael::crypto::CertificateDer;

use crate::{
    key_pair::{KeyKind, KeyPair},
    signature::SignedElement,
};

/// A document that was signed again.
pub(super) struct SignedAgain {
    pub document: String,
    /// The certificate over the key of this process.
    pub certificate: CertificateDer,
    /// The signed bytes that must be found in it.
    pub canonical: String,
}

const UNEXPECTED: &str = "an RSA-PSS signature cannot be compared: it is not written as expected";

/// Signs the document again; `signed` is the response, the assertion, or both in this order.
pub(super) fn sign_again(document: &str, signed: &[&SignedElement]) -> Result<SignedAgain, &'static str> {
    let key = key().ok_or("no key for the comparison")?;
    if signed.iter().any(|signed| !signed.algorithm.is_pss()) {
        return Err("signatures of two kinds cannot be compared");
    }
    let values = contents(document, "SignatureValue");
    let digests = contents(document, "DigestValue");
    if values.len() != signed.len() || digests.len() != signed.len() {
        return Err(UNEXPECTED);
    }
    let mut again = document.to_owned();
    let mut inner: Option<(&SignedElement, String)> = None;
    let mut canonical = String::new();
    // From the end on, so that the places before stay where they are.
    for (signed, (value, digest)) in signed.iter().zip(values.into_iter().zip(digests)).rev() {
        let mut signed_info = signed.signed_info.clone();
        canonical.clone_from(&signed.canonical);
        let mut new_digest = None;
        if let Some((inner, inner_value)) = &inner {
            canonical = with_content(&with_ecdsa(&canonical, inner)?, "SignatureValue", inner_value)?;
            let digest = hash(signed.digest, canonical.as_bytes()).map_err(|_| UNEXPECTED)?;
            let digest = STANDARD.encode(digest);
            signed_info = with_content(&signed_info, "DigestValue", &digest)?;
            new_digest = Some(digest);
        }
        let signed_info = with_ecdsa(&signed_info, signed)?;
        let octets = signed_info.as_bytes();
        let new_value = signed.algorithm.ecdsa().sign_octets(octets, &key.key).map_err(|_| UNEXPECTED)?;
        let new_value = STANDARD.encode(new_value);
        again.replace_range(value, &new_value);
        if let Some(new_digest) = new_digest {
            again.replace_range(digest, &new_digest);
        }
        inner = Some((signed, new_value));
    }
    let algorithms = signed.iter().map(|signed| signed.algorithm.uri());
    for uri in algorithms.clone() {
        if again.matches(uri).count() != algorithms.clone().filter(|other| *other == uri).count() {
            return Err(UNEXPECTED);
        }
    }
    for signed in signed {
        again = again.replace(signed.algorithm.uri(), signed.algorithm.ecdsa().uri());
    }
    let certificate = key.certificate.to_der().map_err(|_| UNEXPECTED)?.into();
    Ok(SignedAgain { document: again, certificate, canonical })
}

/// The key of this process; it verifies nothing but this comparison.
fn key() -> Option<&'static KeyPair> {
    static KEY: OnceLock<Option<KeyPair>> = OnceLock::new();
    let make =
        || KeyPair::generate(KeyKind::P256, "comparison", Timestamp::from_seconds(0), &SystemRandom).ok();
    KEY.get_or_init(make).as_ref()
}

/// The canonical text with the algorithm of `signed` replaced where it stands, once.
fn with_ecdsa(text: &str, signed: &SignedElement) -> Result<String, &'static str> {
    let uri = signed.algorithm.uri();
    match text.matches(uri).count() {
        1 => Ok(text.replace(uri, signed.algorithm.ecdsa().uri())),
        _ => Err(UNEXPECTED),
    }
}

/// The text with the content of its only element of this name replaced.
fn with_content(text: &str, name: &str, content: &str) -> Result<String, &'static str> {
    let [place] = &*contents(text, name) else { return Err(UNEXPECTED) };
    let mut replaced = text.to_owned();
    replaced.replace_range(place.clone(), content);
    Ok(replaced)
}

/// Where the contents of the elements with this local name stand, whatever their prefix.
fn contents(text: &str, name: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('<') {
        let tag = &text[at + 1..];
        let end = tag.find(['>', '/', ' ', '\t', '\n', '\r']).unwrap_or(tag.len());
        if tag[..end].rsplit(':').next() != Some(name) {
            continue;
        }
        if let Some(open) = tag.find('>')
            && let Some(length) = tag[open + 1..].find('<')
        {
            let start = at + 1 + open + 1;
            found.push(start..start + length);
        }
    }
    found
}
