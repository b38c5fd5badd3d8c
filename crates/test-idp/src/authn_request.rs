//! Parses the AuthnRequests sent to the test identity provider (SAML Core §3.4.1).

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use saml::{
    binding::inflate,
    identifiers::{self, namespace},
};

/// The maximum size of a request in bytes; real ones have two to five kilobytes.
const MAX_BYTES: usize = 32 * 1024;
/// The maximum length of a value in bytes.
const MAX_VALUE: usize = 2000;

/// The parts of an AuthnRequest that are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedAuthnRequest {
    /// `ID`, to be repeated in the response.
    pub id: String,
    /// `Issuer`: the service provider's entity ID.
    pub issuer: String,
    /// `AssertionConsumerServiceURL`, if present.
    pub acs_url: Option<String>,
    /// `ForceAuthn`: whether the person must authenticate again.
    pub force_authn: bool,
}

/// Why a request cannot be answered, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The parameter is not base64, or not DEFLATE over HTTP-Redirect.
    #[error(
        "The SAMLRequest is not what its binding says: base64 over HTTP-POST, raw DEFLATE and base64 over HTTP-Redirect."
    )]
    Encoding,
    /// It exceeds the maximum size.
    #[error("The SAMLRequest is larger than {} kB.", MAX_BYTES / 1024)]
    TooLarge,
    /// It is not XML, or not an AuthnRequest.
    #[error("The SAMLRequest is not a SAML 2.0 AuthnRequest.")]
    NotARequest,
    /// A part that every request has is missing or unusable.
    #[error("The AuthnRequest has no usable {0}.")]
    Missing(&'static str),
    /// Its Destination is not this identity provider.
    #[error("The AuthnRequest is addressed to {0}, not to this identity provider.")]
    WrongDestination(String),
    /// It requests a response binding that is not supported.
    #[error("The AuthnRequest asks for the binding {0}; this identity provider answers over HTTP-POST only.")]
    WrongBinding(String),
}

/// Parses the `SAMLRequest` of a posted form.
pub fn parse_post(parameter: &str, sso_url: &str) -> Result<ParsedAuthnRequest, RequestError> {
    read(&decode(parameter)?, sso_url)
}

/// Parses the `SAMLRequest` of a query.
pub fn parse_redirect(parameter: &str, sso_url: &str) -> Result<ParsedAuthnRequest, RequestError> {
    let xml = inflate(&decode(parameter)?, MAX_BYTES).ok_or(RequestError::Encoding)?;
    read(&xml, sso_url)
}

fn decode(parameter: &str) -> Result<Vec<u8>, RequestError> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    if parameter.len() > MAX_BYTES * 2 {
        return Err(RequestError::TooLarge);
    }
    let packed: String = parameter.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    LENIENT.decode(packed).map_err(|_| RequestError::Encoding)
}

fn read(xml: &[u8], sso_url: &str) -> Result<ParsedAuthnRequest, RequestError> {
    if xml.len() > MAX_BYTES {
        return Err(RequestError::TooLarge);
    }
    let text = std::str::from_utf8(xml).map_err(|_| RequestError::NotARequest)?;
    let document = uppsala::Parser::new()
        .with_forbid_dtd(true)
        .with_max_depth(16)
        .parse(text)
        .map_err(|_| RequestError::NotARequest)?;
    let root = document.document_element().ok_or(RequestError::NotARequest)?;
    let element = document.element(root).ok_or(RequestError::NotARequest)?;
    if !element.matches_name_ns(namespace::PROTOCOL, "AuthnRequest") {
        return Err(RequestError::NotARequest);
    }
    let attribute = |name: &str| {
        let mut all = element.attributes.iter();
        all.find(|a| a.name.namespace_uri.is_none() && a.name.local_name == name).map(|a| a.value.trim())
    };
    let short = |value: &str| value.chars().take(200).collect::<String>();
    if attribute("Version") != Some("2.0") {
        return Err(RequestError::Missing("Version"));
    }
    let id = attribute("ID").filter(|id| is_xml_id(id)).ok_or(RequestError::Missing("ID"))?;
    if let Some(destination) = attribute("Destination")
        && destination != sso_url
    {
        return Err(RequestError::WrongDestination(short(destination)));
    }
    if let Some(binding) = attribute("ProtocolBinding")
        && binding != identifiers::binding::POST
    {
        return Err(RequestError::WrongBinding(short(binding)));
    }
    let acs_url = attribute("AssertionConsumerServiceURL");
    let issuer = document
        .first_child_element_by_name_ns(root, namespace::ASSERTION, "Issuer")
        .map(|issuer| document.text_content_deep(issuer).trim().to_owned());
    let fits = |value: &str| !value.is_empty() && value.len() <= MAX_VALUE;
    if acs_url.is_some_and(|url| !fits(url)) {
        return Err(RequestError::Missing("AssertionConsumerServiceURL"));
    }
    Ok(ParsedAuthnRequest {
        id: id.to_owned(),
        issuer: issuer.filter(|issuer| fits(issuer)).ok_or(RequestError::Missing("Issuer"))?,
        acs_url: acs_url.map(str::to_owned),
        force_authn: matches!(attribute("ForceAuthn"), Some("true" | "1")),
    })
}

/// Whether a text is an `xs:ID` of ASCII characters, at most 256 of them.
pub fn is_xml_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    starts && text.len() <= 256 && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD as BASE64;
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use base::time::Timestamp;
    use saml::{authn_request::AuthnRequest, binding::redirect_url};

    const SSO: &str = "http://localhost:8080/test-idp/sso";

    fn request() -> String {
        AuthnRequest {
            id: "_0123",
            issue_instant: Timestamp::from_seconds(1_790_000_000),
            issuer: "https://sp.example/?a=1&b",
            destination: SSO,
            acs_url: "https://sp.example/acs?a&b",
            force_authn: true,
        }
        .to_xml()
    }

    fn read_xml(xml: &str) -> Result<ParsedAuthnRequest, RequestError> {
        parse_post(&BASE64.encode(xml), SSO)
    }

    #[test]
    fn our_own_request_is_read_over_both_bindings() {
        let expected = ParsedAuthnRequest {
            id: "_0123".into(),
            issuer: "https://sp.example/?a=1&b".into(),
            acs_url: Some("https://sp.example/acs?a&b".into()),
            force_authn: true,
        };
        assert_eq!(read_xml(&request()), Ok(expected.clone()));
        let url = redirect_url(&Url::parse(SSO).unwrap(), &request(), None, None).unwrap();
        let parameter = url.query_pairs().next().unwrap().1.into_owned();
        assert_eq!(parse_redirect(&parameter, SSO), Ok(expected));
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        let changed = |from: &str, to: &str| {
            let xml = request();
            assert!(xml.contains(from), "{from}");
            read_xml(&xml.replace(from, to)).unwrap_err()
        };
        assert_eq!(changed("\"2.0\"", "\"1.1\""), RequestError::Missing("Version"));
        assert_eq!(changed("_0123", "0123"), RequestError::Missing("ID"));
        assert_eq!(changed("https://sp.example/?a=1&amp;b", " "), RequestError::Missing("Issuer"));
        assert_eq!(changed("AuthnRequest", "LogoutRequest"), RequestError::NotARequest);
        assert!(matches!(changed("localhost", "elsewhere"), RequestError::WrongDestination(_)));
        assert!(matches!(changed("HTTP-POST", "HTTP-Artifact"), RequestError::WrongBinding(_)));
        assert_eq!(read_xml("<!DOCTYPE x><x/>"), Err(RequestError::NotARequest));
        assert_eq!(parse_post("*", SSO), Err(RequestError::Encoding));
        assert_eq!(parse_redirect(&BASE64.encode(request()), SSO), Err(RequestError::Encoding));
        assert_eq!(read_xml(&"x".repeat(MAX_BYTES + 1)), Err(RequestError::TooLarge));
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>, at in 0usize..600, byte: u8) {
            let _ = parse_post(&BASE64.encode(&bytes), SSO);
            let _ = parse_redirect(&BASE64.encode(&bytes), SSO);
            let mut xml = request().into_bytes();
            let length = xml.len();
            xml[at % length] = byte;
            let _ = read(&xml, SSO);
        }
    }
}
