//! The front-channel bindings HTTP-Redirect and HTTP-POST (SAML Bindings §3.4, §3.5).

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use openssl::pkey::{PKeyRef, Private};
use url::Url;

use crate::signature_algorithm::{SignatureAlgorithm, SigningError};

/// A front-channel binding (SAML Bindings §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// HTTP-POST: a form that the browser posts (§3.5).
    Post,
    /// HTTP-Redirect: a query that the browser is redirected with (§3.4).
    Redirect,
}

/// A form to be posted by the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostForm {
    /// The URL to post to.
    pub action: String,
    /// Its hidden fields: names and values.
    pub fields: Vec<(&'static str, String)>,
}

/// The form that carries a request (Bindings §3.5.4). The values still need escaping for HTML, which
/// the page does.
pub fn post_form(destination: &str, xml: &str, relay_state: Option<&str>) -> PostForm {
    let mut fields = vec![("SAMLRequest", BASE64.encode(xml))];
    fields.extend(relay_state.map(|value| ("RelayState", value.to_owned())));
    PostForm { action: destination.to_owned(), fields }
}

/// The URL that carries a request (Bindings §3.4.4). Its parameters are appended to the destination's own
/// query. With a key they are signed (§3.4.4.1), over exactly the octets that are sent.
pub fn redirect_url(
    destination: &Url,
    xml: &str,
    relay_state: Option<&str>,
    signing_key: Option<&PKeyRef<Private>>,
) -> Result<Url, SigningError> {
    let mut query = format!("SAMLRequest={}", percent_encode(&BASE64.encode(deflate(xml))));
    if let Some(relay_state) = relay_state {
        query.push_str("&RelayState=");
        query.push_str(&percent_encode(relay_state));
    }
    if let Some(key) = signing_key {
        let algorithm = SignatureAlgorithm::for_key(key);
        query.push_str("&SigAlg=");
        query.push_str(&percent_encode(algorithm.uri()));
        let value = BASE64.encode(algorithm.sign_octets(query.as_bytes(), key)?);
        query.push_str("&Signature=");
        query.push_str(&percent_encode(&value));
    }
    let mut url = destination.clone();
    url.set_fragment(None);
    let query = match url.query() {
        Some(own) if !own.is_empty() => format!("{own}&{query}"),
        _ => query,
    };
    url.set_query(Some(&query));
    Ok(url)
}

/// Raw DEFLATE (RFC 1951), as HTTP-Redirect requires it (Bindings §3.4.4.1).
fn deflate(xml: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(xml.as_bytes())
        .and_then(|()| encoder.finish())
        .expect("writing to memory does not fail")
}

/// Inflates raw DEFLATE. `None` when it is malformed or inflates to more than `limit` bytes.
pub fn inflate(octets: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let read = DeflateDecoder::new(octets).take(limit as u64 + 1).read_to_end(&mut out).ok()?;
    (read <= limit).then_some(out)
}

/// Percent-encoding that leaves only RFC 3986 §2.3's unreserved characters, so that no receiver can
/// read the signed octets in two ways.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => write!(out, "%{byte:02X}").expect("writing to memory does not fail"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use openssl::{hash::MessageDigest, sign::Verifier};
    use proptest::prelude::*;

    use super::*;
    use crate::key_pair::{KeyKind, KeyPair};
    use base::{random::SeededRandom, time::Timestamp};

    fn parameters(url: &Url) -> HashMap<String, String> {
        url.query_pairs().into_owned().collect()
    }

    #[test]
    fn a_form_carries_request_and_relay_state() {
        let form = post_form("https://idp.example/sso", "<a/>", Some("flow"));
        assert_eq!(form.action, "https://idp.example/sso");
        assert_eq!(form.fields, [("SAMLRequest", "PGEvPg==".into()), ("RelayState", "flow".into())]);
        assert_eq!(post_form("https://idp.example/sso", "<a/>", None).fields.len(), 1);
    }

    #[test]
    fn a_destination_keeps_its_own_query() {
        let destination = Url::parse("https://idp.example/sso?app=a%20b&x=1#top").unwrap();
        let url = redirect_url(&destination, "<a/>", Some("r&s=1 +"), None).unwrap();
        assert!(url.as_str().starts_with("https://idp.example/sso?app=a%20b&x=1&SAMLRequest="));
        assert_eq!(url.fragment(), None);
        let parameters = parameters(&url);
        assert_eq!(parameters["app"], "a b");
        assert_eq!(parameters["RelayState"], "r&s=1 +");
        let octets = BASE64.decode(&parameters["SAMLRequest"]).unwrap();
        assert_eq!(inflate(&octets, 100).unwrap(), b"<a/>");
        assert!(!parameters.contains_key("Signature"));
    }

    #[test]
    fn the_query_is_signed_as_it_is_sent() {
        let pair = KeyPair::generate(
            KeyKind::Rsa(2048),
            "SP",
            Timestamp::from_seconds(1_790_000_000),
            &SeededRandom::new(1),
        )
        .unwrap();
        for relay_state in [None, Some("a b/ü~*'()")] {
            for destination in ["https://idp.example/sso", "https://idp.example/sso?tenant=1"] {
                let destination = Url::parse(destination).unwrap();
                let url = redirect_url(&destination, "<a/>", relay_state, Some(&pair.key)).unwrap();
                let query = url.query().unwrap();
                let signed = &query[query.find("SAMLRequest=").unwrap()..query.find("&Signature=").unwrap()];
                assert_eq!(signed.contains("RelayState="), relay_state.is_some());
                assert!(
                    signed
                        .ends_with("&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256")
                );
                let value = BASE64.decode(&parameters(&url)["Signature"]).unwrap();
                let mut verifier = Verifier::new(MessageDigest::sha256(), &pair.key).unwrap();
                assert!(verifier.verify_oneshot(&value, signed.as_bytes()).unwrap());
            }
        }
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let bomb = deflate(&"a".repeat(1_000_000));
        assert!(bomb.len() < 2_000);
        assert_eq!(inflate(&bomb, 10_000), None);
        assert_eq!(inflate(&bomb, 1_000_000).unwrap().len(), 1_000_000);
    }

    proptest! {
        #[test]
        fn what_is_deflated_inflates(text: String, relay_state: String) {
            let destination = Url::parse("https://idp.example/sso").unwrap();
            let url = redirect_url(&destination, &text, Some(&relay_state), None).unwrap();
            let parameters = parameters(&url);
            prop_assert_eq!(&parameters["RelayState"], &relay_state);
            let octets = BASE64.decode(&parameters["SAMLRequest"]).unwrap();
            prop_assert_eq!(inflate(&octets, 1 << 20).unwrap(), text.as_bytes());
        }

        #[test]
        fn no_octets_panic(octets: Vec<u8>) {
            let _ = inflate(&octets, 1000);
        }
    }
}
