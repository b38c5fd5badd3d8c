//! Checks that every text from outside passes before it becomes a value of the model.

use super::{Error, Result};
use crate::model::{http_url::HttpUrl, idp_kind::IdpKind};

/// A text of one line, kept as it came: at most `most` characters, none of them a control.
pub fn line(field: &'static str, text: &str, most: usize) -> Result<String> {
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not contain control characters"));
    }
    if text.chars().count() > most {
        return Err(Error::invalid(field, format!("must be at most {most} characters long")));
    }
    Ok(text.to_owned())
}

/// Like [`line()`]; an empty one stands for none.
pub fn optional_line(field: &'static str, text: &str, most: usize) -> Result<Option<String>> {
    Ok(Some(line(field, text, most)?).filter(|text| !text.is_empty()))
}

/// An http(s) URL; an empty text stands for none.
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

/// Whose product an identity provider is; an empty text stands for unknown.
pub fn idp_kind(name: &str) -> Result<Option<IdpKind>> {
    match name {
        "" => Ok(None),
        name => IdpKind::parse(name).map(Some).ok_or_else(|| {
            let names: Vec<&str> = IdpKind::ALL.iter().map(|kind| kind.as_str()).collect();
            Error::invalid("idpKind", format!("must be one of {}, or empty", names.join(", ")))
        }),
    }
}

/// How much of a text that cannot be taken is said back.
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
}
