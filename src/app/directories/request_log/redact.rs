//! Redacts secrets in logged requests.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// The replacement of a secret.
const REDACTED: &str = "(redacted)";

/// Names that contain one of these words hold a secret, in any case and with any of `_`, `-` in them.
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "credential",
    "apikey",
    "privatekey",
    "authorization",
    "assertion",
    "bearer",
    "cookie",
];

/// Names that hold a secret if they are just that.
const SECRET_NAMES: &[&str] =
    &["pwd", "pass", "pin", "otp", "totp", "key", "code", "auth", "jwt", "signature"];

/// The query parameters of SCIM (RFC 7644 §3.4.2, RFC 9865): no other value of a query is kept.
const PARAMETERS: &[&str] =
    &["filter", "startindex", "count", "attributes", "excludedattributes", "sortby", "sortorder", "cursor"];

/// The members of an object that name what its `value` is of: a PATCH operation's path (RFC 7644 §3.5.2), and what
/// identity providers write into lists of attributes.
const NAMING_MEMBERS: &[&str] = &["path", "name", "type", "attribute", "key"];

/// How often JSON inside a text of JSON is read.
const MAX_NESTED_TEXTS: usize = 3;

/// The body to store: `None` if it was empty; secrets redacted; at most `most` bytes. `length` is the full length
/// if `bytes` is only its beginning.
pub(super) fn body(bytes: &[u8], length: usize, most: usize) -> Option<String> {
    if bytes.is_empty() {
        return None;
    }
    let text = match serde_json::from_slice::<Value>(bytes) {
        Ok(mut value) => {
            redact(&mut value, MAX_NESTED_TEXTS);
            value.to_string()
        }
        // A secret, or an escaped spelling of its name, cannot be located in it.
        Err(_) => match String::from_utf8_lossy(bytes) {
            text if mentions_secret(&text) || mentions_secret(&decoded(&text)) || text.contains("\\u") => {
                format!("(not JSON and may hold a secret: {length} bytes, not kept)")
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

/// The path and the query to store.
pub(super) fn target(target: &str, most: usize) -> (String, Option<String>) {
    let cut = |text: &str| storable(&text.chars().take(most).collect::<String>());
    match target.split_once('?') {
        Some((path, query)) => (cut(path), Some(cut(&self::query(query)))),
        None => (cut(target), None),
    }
}

/// A text without NUL, which PostgreSQL does not store.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The query: values of SCIM's own parameters, unless a filter compares a secret, and the names of the others.
fn query(query: &str) -> String {
    let parameter = |pair: &str| {
        let (name, value) = pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value)));
        let (plain, text) = (decoded(name), decoded(value.unwrap_or_default()));
        let known = PARAMETERS.iter().any(|known| plain.eq_ignore_ascii_case(known));
        // What stands where a name should be may be a secret itself.
        let is_name =
            plain.len() <= 24 && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let name = if is_name { name } else { REDACTED };
        match value {
            None => name.to_owned(),
            Some(value) if known && !(plain.eq_ignore_ascii_case("filter") && compares_secret(&text)) => {
                format!("{name}={value}")
            }
            Some(_) => format!("{name}={REDACTED}"),
        }
    };
    query.split('&').map(parameter).collect::<Vec<_>>().join("&")
}

/// A text of a query without its escapes.
fn decoded(text: &str) -> String {
    // Without `=` and `&` it is one name.
    let text = text.replace('=', "%3D").replace('&', "%26");
    form_urlencoded::parse(text.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

/// Whether an attribute or a parameter of this name holds a secret.
fn is_secret(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    SECRET_NAMES.contains(&&*name) || SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Whether one of the names in a text (a path, a filter, a message) is that of a secret:
/// `urn:ietf:params:scim:schemas:core:2.0:User:password`, `credentials.password`.
fn mentions_secret(text: &str) -> bool {
    text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "_-".contains(letter))).any(is_secret)
}

/// Whether a filter compares a secret. Words inside its quotes are values.
fn compares_secret(filter: &str) -> bool {
    let pieces = filter.split('"').count();
    // With an odd quote, or an escaped one, what is a name cannot be told.
    if pieces.is_multiple_of(2) || filter.contains('\\') {
        return mentions_secret(filter);
    }
    filter.split('"').step_by(2).any(mentions_secret)
}

fn redact(value: &mut Value, texts: usize) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, texts)),
        Value::Object(fields) => redact_object(fields, texts),
        Value::String(text) => redact_text(text, texts),
        _ => {}
    }
}

fn redact_object(fields: &mut Map<String, Value>, texts: usize) {
    let is = |name: &str, known: &[&str]| known.iter().any(|known| name.eq_ignore_ascii_case(known));
    let names_secret = fields
        .iter()
        .any(|(name, field)| is(name, NAMING_MEMBERS) && field.as_str().is_some_and(mentions_secret));
    for (name, field) in std::mem::take(fields) {
        let mut field = field;
        let text = field.as_str().unwrap_or_default();
        // A filter, or a path with a filter, contains the value that it compares with.
        let compares = (is(&name, &["filter"]) && compares_secret(text))
            || (is(&name, &["path"]) && text.contains('[') && compares_secret(text));
        if mentions_secret(&name) || compares || (names_secret && is(&name, &["value", "values"])) {
            field = Value::from(REDACTED);
        } else if let (true, Some((path, query))) = (is(&name, &["path"]), text.split_once('?')) {
            // An operation of a Bulk request.
            field = Value::from(format!("{path}?{}", self::query(query)));
        } else if !(is(&name, &["filter", "path"]) && field.is_string()) {
            redact(&mut field, texts);
        }
        // A path may stand in the place of a name.
        let name = if name.contains('"') && compares_secret(&name) { REDACTED.to_owned() } else { name };
        fields.insert(name, field);
    }
}

/// A text that is JSON is redacted like a body; one that may quote a secret, as messages do, is not kept.
fn redact_text(text: &mut String, texts: usize) {
    let is_json = text.trim_start().starts_with(['{', '[']);
    if is_json
        && texts > 0
        && let Ok(mut inner) = serde_json::from_str::<Value>(text)
    {
        redact(&mut inner, texts - 1);
        *text = inner.to_string();
    } else if text.contains(['"', '\'', '=', '\\']) && mentions_secret(text) {
        REDACTED.clone_into(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        body(text.as_bytes(), text.len(), 1000).unwrap()
    }

    fn kept_target(text: &str) -> String {
        let (path, query) = target(text, 1000);
        query.map_or(path.clone(), |query| format!("{path}?{query}"))
    }

    #[test]
    fn no_secret_survives_in_any_form() {
        for text in [
            r#"{"userName":"a","password":"S3cret"}"#,
            r#"{"userName":"a","Pass\u0077ord":"S3cret"}"#,
            r#"{"urn:ietf:params:scim:schemas:core:2.0:User:password":"S3cret"}"#,
            r#"{"urn:example:2.0:User":{"password":"S3cret"}}"#,
            r#"{"urn:example:2.0:User":{"PASSWORD":{"value":"S3cret"}}}"#,
            r#"{"credentials":{"password":"S3cret"}}"#,
            r#"{"login":{"credentials":[{"value":"S3cret"}]}}"#,
            r#"{"emails":[{"value":"a@b","api_key":"S3cret"}]}"#,
            r#"{"login":[[{"access-token":["S3cret"]}]]}"#,
            r#"{"client_secret":"S3cret","code":"S3cret","Key":"S3cret","pwd":"S3cret"}"#,
            r#"{"Operations":[{"op":"replace","path":"password","value":"S3cret"}]}"#,
            r#"{"Operations":[{"op":"replace","PATH":"urn:x:User:PassWord","Value":{"x":"S3cret"}}]}"#,
            r#"{"Operations":[{"op":"add","path":"urn:x:2.0:User:credentials.password","value":"S3cret"}]}"#,
            r#"{"Operations":[{"op":"add","path":"login[type eq \"a\"].accessToken","value":12345,"values":"S3cret"}]}"#,
            r#"{"Operations":[{"op":"replace","value":{"password":"S3cret"}}]}"#,
            r#"{"Operations":[{"op":"replace","value":{"login.password":"S3cret"}}]}"#,
            r#"{"Operations":[{"op":"replace","value":{"login[password eq \"S3cret\"].x":"y"}}]}"#,
            r#"{"Operations":[{"op":"replace","path":"urn:x:2.0:User","value":{"Password":"S3cret"}}]}"#,
            r#"{"Operations":[{"method":"POST","data":{"password":["S3cret"]}}]}"#,
            r#"{"Operations":[{"method":"PATCH","data":{"Operations":[{"op":"add","path":"x.password","value":"S3cret"}]}}]}"#,
            r#"{"Operations":[{"method":"POST","data":{"urn:x:2.0:User":{"a":{"secret":"S3cret"}}}}]}"#,
            r#"{"Operations":[{"method":"GET","path":"/Users?access_token=S3cret"}]}"#,
            r#"{"filter":{"x":"password sw \"S3cret\""}}"#,
            r#"{"filter":"password sw \"S3cret\""}"#,
            r#"{"filter":"userName eq \"a\" and urn:x:User:password eq \"S3cret\""}"#,
            r#"{"filter":"x[password eq \"S3cret\" and a pr]"}"#,
            r#"{"filter":"password eq 'S3cret'"}"#,
            r#"{"Operations":[{"op":"remove","path":"x[password eq \"S3cret\"]"}]}"#,
            r#"{"attributes":[{"name":"password","value":"S3cret"}]}"#,
            r#"{"detail":"the filter password eq \"S3cret\" is refused"}"#,
            r#"{"note":"{\"password\":\"S3cret\"}"}"#,
            r#"{"note":"{\"x\":\"{\\\"token\\\":\\\"S3cret\\\"}\"}"}"#,
            r#"{"note":"{\"password\":\"S3cret\""}"#,
            r#"{"password":"S3cret""#,
            r#"{"token":"S3cret""#,
            r#"{"pass\u0077ord":"S3cret""#,
            "grant_type=x&client_secret=S3cret",
            "pass%77ord=S3cret",
        ] {
            assert!(!kept(text).contains("S3cret"), "{text} → {}", kept(text));
        }
        for text in [
            "/v1/scim/x/Users?filter=pass%77ord+sw+%22S3cret%22",
            "/v1/scim/x/Users?filter=urn:x:User:credentials.password%20eq%20%22S3cret%22",
            "/v1/scim/x/Users?filter=password eq S3cret",
            "/v1/scim/x/Users?filter=a%20eq%20%22x%5C%22%20and%20password%20eq%20%22S3cret",
            "/v1/scim/x/Users?count=1&access_token=S3cret",
            "/v1/scim/x/Users?TOKEN=S3cret&count=1",
            "/v1/scim/x/Users?%74oken=S3cret",
            "/v1/scim/x/Users?anything=S3cret",
            "/v1/scim/x/Users?a?b=S3cret",
            "/v1/scim/x/Users?S3cret-that-is-not-a-name-but-a-token",
            "/v1/scim/x/Users?S3cret.of.three=1",
        ] {
            assert!(!kept_target(text).contains("S3cret"), "{text} → {}", kept_target(text));
        }
    }

    #[test]
    fn the_rest_is_kept() {
        for text in [
            r#"{"userName":"a"}"#,
            r#"{"displayName":"Token \"A\""}"#,
            r#"{"filter":"displayName eq \"Password Reset\""}"#,
            r#"{"Operations":[{"op":"replace","path":"emails[type eq \"work\"].value","value":"a@b"}]}"#,
            r#"{"addresses":[{"postalCode":"1","type":"work"}]}"#,
        ] {
            let expected = text.replace(r#""Token \"A\"""#, r#""(redacted)""#);
            assert_eq!(kept(text), expected);
        }
        assert_eq!(kept("{nonsense\0"), "{nonsense\u{fffd}");
        for text in [
            "/v1/scim/x/Users",
            "/v1/scim/x/Users?filter=userName+eq+%22a%22&startIndex=1&COUNT=2",
            "/v1/scim/x/Users?filter=displayName eq \"Password Reset\"&aadOptscim062020",
            "/v1/scim/x/Users?",
        ] {
            assert_eq!(kept_target(text), text);
        }
        let other = "/v1/scim/x/Users?count=1&aadOptscim062020=yes";
        assert_eq!(kept_target(other), "/v1/scim/x/Users?count=1&aadOptscim062020=(redacted)");
        assert_eq!(body(b"", 0, 10), None);
    }

    #[test]
    fn long_bodies_are_cut_at_a_character() {
        assert_eq!(body("ääää".as_bytes(), 8, 3).unwrap(), "ä… (8 bytes)");
        assert_eq!(body(b"abc", 9, 3).unwrap(), "abc… (9 bytes)");
    }
}
