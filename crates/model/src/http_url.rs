//! Absolute http and https URLs, validated by type.

use std::fmt;

use url::{Host, Url};

/// An absolute http(s) URL without user and password. The text is kept unchanged, because identity
/// providers and OAuth clients compare URLs byte for byte (RFC 6749 §3.1.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// Parses an absolute http(s) URL of at most 2,000 characters.
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

    /// The parsed URL.
    pub fn to_url(&self) -> Option<Url> {
        Url::parse(&self.0).ok()
    }

    /// Whether it is plain http to another host, so that traffic can be read and changed on the network.
    /// Loopback addresses are not insecure (RFC 8252 §8.3).
    pub fn is_insecure(&self) -> bool {
        self.to_url().is_none_or(|url| url.scheme() != "https" && !is_loopback(&url))
    }

    /// The URL with `pairs` appended to its query.
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

/// Whether a URL's host is loopback: 127.0.0.0/8, ::1, `localhost` and its subdomains (RFC 6761 §6.3).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(host)) => host == "localhost" || host.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
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
    fn http_is_exposed_but_for_this_machine() {
        for (text, exposed) in [
            ("https://a.example/", false),
            ("http://localhost:3000/", false),
            ("http://app.localhost/", false),
            ("http://127.9.0.1/", false),
            ("http://2130706433/", false),
            ("http://[::1]:8080/x", false),
            ("http://a.example/", true),
            ("http://localhost.a.example/", true),
            ("http://127.0.0.1.a.example/", true),
            ("http://10.0.0.1/", true),
            ("http://0.0.0.0/", true),
            ("http://[::ffff:10.0.0.1]/", true),
        ] {
            assert_eq!(HttpUrl::parse(text).unwrap().is_insecure(), exposed, "{text}");
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
