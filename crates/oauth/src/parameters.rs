//! Parameters of a query or form by OAuth's rules: a repeated parameter is an error, an empty one is absent
//! (RFC 6749 §3.1), and values are UTF-8 text.

use crate::{
    Error,
    limits::{MAX_PARAMETERS, MAX_REQUEST_BYTES, MAX_VALUE_BYTES},
};

/// The decoded name-value pairs of `application/x-www-form-urlencoded` text.
#[derive(Debug)]
pub struct Parameters(Vec<(Vec<u8>, Vec<u8>)>);

impl Parameters {
    /// Splits and decodes the text. Unknown parameters may have any value; number and total size are bounded.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_REQUEST_BYTES {
            return Err(Error::RequestTooLarge);
        }
        let pairs = || text.split('&').filter(|pair| !pair.is_empty());
        if pairs().nth(MAX_PARAMETERS).is_some() {
            return Err(Error::RequestTooLarge);
        }
        let decoded = pairs().map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_bytes(name), decode_bytes(value))
        });
        Ok(Self(decoded.collect()))
    }

    /// The value of `name`; `None` when absent or empty. It must occur once, be UTF-8 without NUL, and have
    /// at most [`MAX_VALUE_BYTES`] bytes.
    pub fn get(&self, name: &'static str) -> Result<Option<&str>, Error> {
        self.get_within(name, MAX_VALUE_BYTES)
    }

    /// The same for a value of at most `max_bytes` bytes.
    pub fn get_within(&self, name: &'static str, max_bytes: usize) -> Result<Option<&str>, Error> {
        let mut found = self.0.iter().filter(|(n, _)| n == name.as_bytes());
        let first = found.next();
        if found.next().is_some() {
            return Err(Error::Repeated(name));
        }
        let Some((_, value)) = first.filter(|(_, value)| !value.is_empty()) else { return Ok(None) };
        let malformed = |reason: &str| Error::Malformed { name, reason: reason.to_owned() };
        if value.len() > max_bytes {
            return Err(malformed(&format!("is longer than {max_bytes} bytes")));
        }
        let text = std::str::from_utf8(value).map_err(|_| malformed("is not UTF-8"))?;
        if text.contains('\0') {
            return Err(malformed("contains a NUL character"));
        }
        Ok(Some(text))
    }

    /// The value of `snake`, else of `camel`: Auth.js passes its callers' camelCase names on unchanged.
    pub fn either(&self, snake: &'static str, camel: &'static str) -> Result<Option<&str>, Error> {
        match self.get(snake)? {
            Some(value) => Ok(Some(value)),
            None => self.get(camel),
        }
    }

    /// The value of `name`, which is required.
    pub fn require(&self, name: &'static str) -> Result<&str, Error> {
        self.get(name)?.ok_or(Error::Missing(name))
    }
}

/// Decodes the form encoding of one name or value; `None` when the result is not UTF-8.
pub fn decode(text: &str) -> Option<String> {
    String::from_utf8(decode_bytes(text)).ok()
}

fn decode_bytes(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped =
            (byte == b'%').then(|| Some((hex(*bytes.get(at + 1)?)?, hex(*bytes.get(at + 2)?)?))).flatten();
        match (byte, escaped) {
            (_, Some((high, low))) => {
                out.push(high << 4 | low);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Appends `pairs` to `uri`, which is kept unchanged: RFC 6749 §3.1.2 requires that its query is retained,
/// and clients compare strings.
pub fn append(uri: &str, pairs: &[(&str, &str)]) -> String {
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{}", encode_pairs(pairs))
}

/// Encodes pairs as a query. Everything but unreserved characters is escaped, a space as `%20`, so that form
/// decoders and plain URI decoders give the same result.
pub fn encode_pairs<T: AsRef<[u8]>>(pairs: &[(T, T)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        encode(name.as_ref(), &mut out);
        out.push('=');
        encode(value.as_ref(), &mut out);
    }
    out
}

fn encode(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_value_is_absent_and_a_repeated_one_refused() {
        let parameters = Parameters::parse("a=&b=1&b=2&c=3&d&=x&&c2=%20+x").unwrap();
        assert_eq!(parameters.get("a"), Ok(None));
        assert_eq!(parameters.get("b"), Err(Error::Repeated("b")));
        assert_eq!(parameters.get("c"), Ok(Some("3")));
        assert_eq!(parameters.get("d"), Ok(None));
        assert_eq!(parameters.get("c2"), Ok(Some("  x")));
        assert_eq!(parameters.get("z"), Ok(None));
        assert_eq!(parameters.require("z"), Err(Error::Missing("z")));
        // Two empty values still count as repeated.
        assert_eq!(Parameters::parse("a=&a=").unwrap().get("a"), Err(Error::Repeated("a")));
    }

    #[test]
    fn what_no_database_can_hold_is_refused() {
        for (text, reason) in [("s=%00", "contains a NUL character"), ("s=%ff", "is not UTF-8")] {
            let expected = Error::Malformed { name: "s", reason: reason.to_owned() };
            assert_eq!(Parameters::parse(text).unwrap().get("s"), Err(expected));
        }
        let long = format!("s={}", "x".repeat(MAX_VALUE_BYTES + 1));
        assert!(Parameters::parse(&long).unwrap().get("s").is_err());
        assert!(Parameters::parse(&long[..long.len() - 1]).unwrap().get("s").is_ok());
        let parameters = Parameters::parse("s=12345").unwrap();
        assert!(parameters.get_within("s", 5).is_ok() && parameters.get_within("s", 4).is_err());
    }

    #[test]
    fn a_request_is_bounded_before_it_is_taken_apart() {
        let many = |count: usize| (0..count).map(|n| format!("p{n}=&&")).collect::<String>();
        assert!(Parameters::parse(&many(MAX_PARAMETERS)).is_ok());
        assert_eq!(Parameters::parse(&many(MAX_PARAMETERS + 1)).unwrap_err(), Error::RequestTooLarge);
        assert!(Parameters::parse(&"x".repeat(MAX_REQUEST_BYTES)).is_ok());
        assert_eq!(
            Parameters::parse(&"x".repeat(MAX_REQUEST_BYTES + 1)).unwrap_err(),
            Error::RequestTooLarge
        );
        assert_eq!(Error::RequestTooLarge.code(), "invalid_request");
    }

    #[test]
    fn the_snake_spelling_wins() {
        let both = Parameters::parse("organizationId=camel&organization_id=snake").unwrap();
        assert_eq!(both.either("organization_id", "organizationId"), Ok(Some("snake")));
        let empty = Parameters::parse("organizationId=camel&organization_id=").unwrap();
        assert_eq!(empty.either("organization_id", "organizationId"), Ok(Some("camel")));
    }

    #[test]
    fn appending_keeps_the_uri_and_its_query() {
        for (uri, expected) in [
            ("https://a.example/cb", "https://a.example/cb?code=x&state=a%20b"),
            ("https://a.example/cb?x=1", "https://a.example/cb?x=1&code=x&state=a%20b"),
            ("https://a.example/cb?", "https://a.example/cb?code=x&state=a%20b"),
            ("http://localhost:3000", "http://localhost:3000?code=x&state=a%20b"),
        ] {
            assert_eq!(append(uri, &[("code", "x"), ("state", "a b")]), expected);
        }
    }

    proptest! {
        #[test]
        fn decoding_agrees_with_the_standard(text in "[a-c%+=&0-9A-F]{0,40}|\\PC{0,20}") {
            let ours: Vec<_> = Parameters::parse(&text).unwrap().0.into_iter()
                .map(|(n, v)| (String::from_utf8_lossy(&n).into_owned(), String::from_utf8_lossy(&v).into_owned()))
                .collect();
            let theirs: Vec<_> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn any_state_comes_back_exactly(state in "(?s).{1,60}") {
            let url = append("https://a.example/cb?x=1", &[("code", "c"), ("state", &state)]);
            let query = url.split_once('?').unwrap().1;
            let back: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            prop_assert_eq!(&back[2].1, &state);
        }
    }
}
