//! Redacts secrets in logged requests.

use serde_json::Value;

/// The replacement of a secret.
const REDACTED: &str = "(redacted)";

/// The body to store: `None` if it was empty; secrets redacted; at most `most` bytes. `length` is the full length
/// if `bytes` is only its beginning.
pub(super) fn body(bytes: &[u8], length: usize, most: usize) -> Option<String> {
    if bytes.is_empty() {
        return None;
    }
    let text = match serde_json::from_slice::<Value>(bytes) {
        Ok(mut value) => {
            redact(&mut value);
            value.to_string()
        }
        // A password, or an escaped spelling of the word, cannot be located in it.
        Err(_) => match String::from_utf8_lossy(bytes) {
            text if mentions_password(&text) || text.contains("\\u") => {
                format!("(not JSON and may hold a password: {length} bytes, not kept)")
            }
            text => storable(&text),
        },
    };
    if text.len() <= most && bytes.len() == length {
        return Some(text);
    }
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Some(format!("{}… ({length} bytes)", &text[..end]))
}

/// The path and query to store: a filter on passwords may contain one.
pub(super) fn path(path: &str, most: usize) -> String {
    let text = match path.split_once('?') {
        Some((path, query)) if mentions_password(&decoded(query)) => format!("{path}?{REDACTED}"),
        _ => path.to_owned(),
    };
    storable(&text.chars().take(most).collect::<String>())
}

/// A text without NUL, which PostgreSQL does not store.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn decoded(query: &str) -> String {
    url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| format!("{name}={value}&")).collect()
}

fn mentions_password(text: &str) -> bool {
    text.to_ascii_lowercase().contains("password")
}

/// Whether an attribute of this name, or at this path, holds a secret: `password`,
/// `urn:ietf:params:scim:schemas:core:2.0:User:password`, in any case.
fn is_secret(name: &str) -> bool {
    mentions_password(name)
}

fn redact(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => {
            // A PATCH operation names the attribute beside the value (RFC 7644 §3.5.2).
            let at_secret = fields.iter().any(|(name, path)| {
                name.eq_ignore_ascii_case("path") && path.as_str().is_some_and(is_secret)
            });
            for (name, field) in fields.iter_mut() {
                let is = |known: &str| name.eq_ignore_ascii_case(known);
                let text = field.as_str().filter(|text| is_secret(text));
                // A filter, or a path with a filter, contains the value it compares with.
                let compared = text.is_some_and(|text| is("filter") || (is("path") && text.contains('"')));
                if is_secret(name) || compared || (at_secret && is("value")) {
                    *field = Value::from(REDACTED);
                } else {
                    redact(field);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        body(text.as_bytes(), text.len(), 1000).unwrap()
    }

    #[test]
    fn no_password_survives_in_any_form() {
        for text in [
            r#"{"userName":"a","password":"S3cret"}"#,
            r#"{"userName":"a","Pass\u0077ord":"S3cret"}"#,
            r#"{"urn:ietf:params:scim:schemas:core:2.0:User:password":"S3cret"}"#,
            r#"{"Operations":[{"op":"replace","path":"password","value":"S3cret"}]}"#,
            r#"{"Operations":[{"op":"replace","PATH":"urn:x:User:PassWord","Value":{"x":"S3cret"}}]}"#,
            r#"{"Operations":[{"op":"replace","value":{"password":"S3cret"}}]}"#,
            r#"{"Operations":[{"method":"POST","data":{"password":["S3cret"]}}]}"#,
            r#"{"filter":"password sw \"S3cret\""}"#,
            r#"{"Operations":[{"op":"remove","path":"x[password eq \"S3cret\"]"}]}"#,
            r#"{"password":"S3cret""#,
            r#"{"pass\u0077ord":"S3cret""#,
        ] {
            assert!(!kept(text).contains("S3cret"), "{text} → {}", kept(text));
        }
        assert!(!path("/v1/scim/x/Users?filter=pass%77ord+sw+%22S3cret%22", 1000).contains("S3cret"));
    }

    #[test]
    fn the_rest_is_kept() {
        assert_eq!(kept(r#"{"userName":"a"}"#), r#"{"userName":"a"}"#);
        assert_eq!(kept("{nonsense\0"), "{nonsense\u{fffd}");
        assert_eq!(path("/v1/scim/x/Users?filter=a", 1000), "/v1/scim/x/Users?filter=a");
        assert_eq!(body(b"", 0, 10), None);
    }

    #[test]
    fn long_bodies_are_cut_at_a_character() {
        assert_eq!(body("ääää".as_bytes(), 8, 3).unwrap(), "ä… (8 bytes)");
        assert_eq!(body(b"abc", 9, 3).unwrap(), "abc… (9 bytes)");
    }
}
