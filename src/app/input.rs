//! Validation of texts from outside.

use clap::builder::PossibleValuesParser;
use model::{http_url::HttpUrl, idp_kind::IdpKind};
use strum::VariantArray;

use super::{Error, Result, outgoing};

/// A single-line text, unchanged: at most `most` characters, no control characters.
pub fn line(field: &'static str, text: &str, most: usize) -> Result<String> {
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not contain control characters"));
    }
    if text.chars().count() > most {
        return Err(Error::invalid(field, format!("must be at most {most} characters long")));
    }
    Ok(text.to_owned())
}

/// [`line()`]; empty means none.
pub fn optional_line(field: &'static str, text: &str, most: usize) -> Result<Option<String>> {
    Ok(Some(line(field, text, most)?).filter(|text| !text.is_empty()))
}

/// An http(s) URL; empty means none.
pub fn optional_url(field: &'static str, text: &str) -> Result<Option<HttpUrl>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    url(field, text).map(Some)
}

/// An http(s) URL.
pub fn url(field: &'static str, text: &str) -> Result<HttpUrl> {
    HttpUrl::parse(text.trim()).ok_or_else(|| {
        Error::invalid(
            field,
            "must be an absolute http or https URL of at most 2000 characters, without user name and password",
        )
    })
}

/// The error for an http URL that browsers would carry codes and personal data to.
const PLAIN_HTTP: &str = "must begin with https://, because anybody on the way can read and change what goes to an http \
                       address; http:// is taken only for the machine itself (localhost, 127.0.0.1, [::1])";

/// A URL to which browsers are redirected with codes and personal data: https, or http on loopback (RFC 9700
/// §2.6, RFC 8252 §7.3). A URL that is `stored` already is accepted.
pub fn browser_url(field: &'static str, text: &str, stored: &[HttpUrl]) -> Result<HttpUrl> {
    let url = url(field, text)?;
    if url.is_insecure() && !stored.contains(&url) {
        return Err(Error::invalid(field, PLAIN_HTTP));
    }
    Ok(url)
}

/// [`browser_url()`]; empty means none.
pub fn optional_browser_url(
    field: &'static str,
    text: &str,
    stored: &Option<HttpUrl>,
) -> Result<Option<HttpUrl>> {
    match text.trim() {
        "" => Ok(None),
        text => browser_url(field, text, stored.as_slice()).map(Some),
    }
}

/// The maximum number of redirect URIs of an environment or a client.
const MAX_REDIRECT_URIS: usize = 100;

/// Redirect URIs have no fragment (RFC 6749 §3.1.2), and are https or on loopback (RFC 9700 §2.6).
pub fn redirect_uris(field: &'static str, texts: &[String], stored: &[HttpUrl]) -> Result<Vec<HttpUrl>> {
    if texts.len() > MAX_REDIRECT_URIS {
        return Err(Error::invalid(field, format!("must be at most {MAX_REDIRECT_URIS}")));
    }
    let mut uris = Vec::new();
    for text in texts {
        let uri = browser_url(field, text, stored)?;
        if uri.as_str().contains('#') {
            return Err(Error::invalid(field, "must not have a fragment (#…)"));
        }
        if !uris.contains(&uri) {
            uris.push(uri);
        }
    }
    Ok(uris)
}

/// A URL of a third party that the server calls: https, or http on loopback if `outgoing.allow_private_targets`
/// is on; never a forbidden target. A URL that is `stored` already is accepted.
pub fn endpoint_url(
    allow_private_targets: bool,
    field: &'static str,
    text: &str,
    stored: &Option<HttpUrl>,
) -> Result<HttpUrl> {
    let url = url(field, text)?;
    if stored.as_ref() == Some(&url) {
        return Ok(url);
    }
    let parts = url.to_url().ok_or_else(|| Error::internal("an HTTP URL that does not parse"))?;
    if parts.scheme() != "https" && (url.is_insecure() || !allow_private_targets) {
        return Err(Error::invalid(
            field,
            "must begin with https://; http:// is taken only for the machine itself (localhost, 127.0.0.1, [::1]), and \
             only where outgoing.allow_private_targets is on",
        ));
    }
    // Host names are resolved and checked at each request.
    outgoing::check(allow_private_targets, &parts)
        .map_err(|error| Error::invalid(field, error.to_string()))?;
    Ok(url)
}

/// The product of an identity provider; empty means unknown.
pub fn idp_kind(name: &str) -> Result<Option<IdpKind>> {
    match name {
        "" => Ok(None),
        name => name.parse().map(Some).map_err(|_| {
            let names: Vec<&str> = IdpKind::VARIANTS.iter().map(<&str>::from).collect();
            Error::invalid("idpKind", format!("must be one of {}, or empty", names.join(", ")))
        }),
    }
}

/// The names of the products as values of a flag.
pub(super) fn idp_kinds() -> PossibleValuesParser {
    IdpKind::VARIANTS.iter().map(<&str>::from).into()
}

/// The beginning of an invalid text, quoted for an error message.
pub fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(80).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_free_of_controls() {
        assert_eq!(line("f", " Äb", 3).unwrap(), " Äb");
        assert_eq!(line("f", "abcd", 3).unwrap_err().to_string(), "f: must be at most 3 characters long");
        for text in ["a\0b", "a\nb", "a\u{85}b"] {
            assert!(line("f", text, 9).is_err(), "{text:?}");
        }
        assert_eq!(optional_line("f", "", 3).unwrap(), None);
    }

    #[test]
    fn urls_are_of_the_web() {
        assert_eq!(optional_url("f", " ").unwrap(), None);
        assert_eq!(
            optional_url("f", " https://a.example/ ").unwrap().unwrap().as_str(),
            "https://a.example/"
        );
        assert!(optional_url("f", "javascript:alert(1)").is_err());
    }

    #[test]
    fn plain_http_is_taken_for_the_machine_itself_and_for_what_is_stored() {
        let stored = HttpUrl::parse("http://old.example/cb");
        for (text, taken) in [
            ("https://a.example/cb", true),
            ("http://localhost:3000/cb", true),
            ("http://127.0.0.1/cb", true),
            ("http://[::1]/cb", true),
            ("http://old.example/cb", true),
            ("http://old.example/cb2", false),
            ("http://10.0.0.1/cb", false),
        ] {
            assert_eq!(optional_browser_url("f", text, &stored).is_ok(), taken, "{text}");
        }
        for (text, guarded, open) in [
            ("https://a.example/", true, true),
            ("https://127.0.0.1/", false, true),
            ("https://10.0.0.1/", false, true),
            ("http://127.0.0.1/", false, true),
            ("http://localhost/", false, true),
            ("http://10.0.0.1/", false, false),
            ("http://a.example/", false, false),
            ("http://old.example/cb", true, true),
            ("https://169.254.169.254/", false, false),
            ("https://[::ffff:169.254.169.254]/", false, false),
            ("https://[fe80::1]/", false, false),
        ] {
            let taken = |allow| endpoint_url(allow, "f", text, &stored).is_ok();
            assert_eq!((taken(false), taken(true)), (guarded, open), "{text}");
        }
    }
}
