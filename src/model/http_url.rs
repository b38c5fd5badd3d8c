//! Addresses on the web that somebody gave us: http or https, by type.

use std::fmt;

use url::Url;

/// An absolute http(s) URL without user and password. It is kept as it was given, because identity
/// providers and OAuth clients compare such texts byte for byte (RFC 6749 §3.1.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// Reads an absolute http(s) URL of at most 2,000 characters.
    pub fn parse(text: &str) -> Option<Self> {
        let good_text = text.len() <= 2000 && !text.chars().any(|c| c.is_control() || c.is_whitespace());
        let url = Url::parse(text).ok()?;
        let good_url = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none();
        (good_text && good_url).then(|| Self(text.to_owned()))
    }

    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL in parts, to add query parameters to.
    pub fn to_url(&self) -> Option<Url> {
        Url::parse(&self.0).ok()
    }

    /// The URL with `pairs` added to whatever query it has.
    pub fn with_query(&self, pairs: &[(&str, &str)]) -> String {
        match self.to_url() {
            Some(mut url) => {
                url.query_pairs_mut().extend_pairs(pairs);
                url.into()
            }
            None => self.0.clone(),
        }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for HttpUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_read() {
        for text in ["https://a.example/cb?x=1", "http://localhost:3000/", "http://[::1]:8080/x"] {
            assert_eq!(HttpUrl::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "a.example",
            "/x",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://a/",
            "https://u:p@a/",
            "https://a/\nx",
            "https://a/ x",
        ] {
            assert_eq!(HttpUrl::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_query_is_added_to_not_replaced() {
        let url = HttpUrl::parse("https://a.example/cb?x=1").unwrap();
        assert_eq!(
            url.with_query(&[("code", "a b"), ("state", "&")]),
            "https://a.example/cb?x=1&code=a+b&state=%26"
        );
    }
}
