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

/// The operators of a filter (RFC 7644 table 3) that a value follows.
const OPERATORS: &[&str] = &["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

/// How often JSON inside a text of JSON is read.
const MAX_NESTED_TEXTS: usize = 3;

/// The body to store: `None` if it was empty; secrets redacted; at most `most` bytes. In anything but whole JSON a
/// secret cannot be located, so that it is not kept: `bytes` is shorter than `length` if the body was not read.
pub(super) fn body(bytes: &[u8], length: usize, most: usize) -> Option<String> {
    if length == 0 {
        return None;
    }
    if bytes.len() < length {
        return Some(format!("(not kept: {length} bytes, more than the log reads)"));
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else {
        return Some(format!("(not kept: {length} bytes that cannot be read as JSON)"));
    };
    redact(&mut value, MAX_NESTED_TEXTS);
    let text = value.to_string();
    if text.len() <= most {
        return Some(text);
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Some(format!("{}… ({length} bytes)", &text[..end]))
}

/// The path and the query to store.
pub(super) fn target(target: &str, most: usize) -> (String, Option<String>) {
    let cut = |text: &str| storable(&text.chars().take(most).collect::<String>());
    match target.split_once('?') {
        Some((path, query)) => (cut(&self::path(path)), Some(cut(&self::query(query)))),
        None => (cut(&path(target)), None),
    }
}

/// A text without NUL, which PostgreSQL does not store.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The path of a request: up to the name of a secret, if it has one (`/Users/x;password=…`).
fn path(path: &str) -> String {
    let plain = unescaped(&decoded(path));
    let mut end = 0;
    for piece in plain.split_inclusive(ends_name) {
        end += piece.len();
        if is_secret(piece) && end < plain.len() {
            return format!("{}{REDACTED}", &plain[..end]);
        }
    }
    path.to_owned()
}

/// The query: values of SCIM's own parameters up to one that names a secret, and the names of the others.
fn query(query: &str) -> String {
    // What follows may be the rest of a value with a raw `&`.
    let mut found_secret = false;
    let parameter = |pair: &str| {
        let (name, value) = pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value)));
        let (plain, text) = (decoded(name), decoded(value.unwrap_or_default()));
        let known = PARAMETERS.iter().any(|known| plain.eq_ignore_ascii_case(known));
        found_secret |= known && compares_secret(&text);
        // What stands where a name should be may be a secret itself.
        let is_name =
            plain.len() <= 24 && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let name = if is_name { name } else { REDACTED };
        match value {
            None => name.to_owned(),
            Some(value) if known && !found_secret => format!("{name}={value}"),
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

/// A text without JSON's escapes: `passw\u006frd`.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('\\');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.strip_prefix('u').and_then(|rest| rest.split_at_checked(4));
        let letter = digits
            .and_then(|(digits, rest)| Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, rest)));
        match letter {
            Some((letter, rest)) => {
                plain.push(letter);
                plain.push_str(rest);
            }
            None => plain.push_str(piece),
        }
    }
    plain
}

/// Whether an attribute or a parameter of this name holds a secret.
fn is_secret(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    SECRET_NAMES.contains(&&*name) || SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Whether a letter is not part of a name.
fn ends_name(letter: char) -> bool {
    !(letter.is_ascii_alphanumeric() || "_-".contains(letter))
}

/// Whether one of the names in a text (a path, a filter, a message) is that of a secret, also in escapes:
/// `urn:ietf:params:scim:schemas:core:2.0:User:password`, `credentials.password`.
fn mentions_secret(text: &str) -> bool {
    let names = |text: &str| text.split(ends_name).any(is_secret);
    names(text) || (text.contains(['\\', '%']) && names(&unescaped(&decoded(text))))
}

/// Whether a filter compares a secret. Words inside the quotes after an operator are values.
fn compares_secret(filter: &str) -> bool {
    let pieces: Vec<&str> = filter.split('"').collect();
    let ends_with_operator = |piece: &&str| {
        let word = piece.split_whitespace().next_back().unwrap_or_default();
        OPERATORS.iter().any(|operator| word.eq_ignore_ascii_case(operator))
    };
    // With an odd quote, an escape, or quotes elsewhere, what is a name cannot be told.
    let is_clear = !pieces.len().is_multiple_of(2)
        && !filter.contains('\\')
        && pieces.iter().step_by(2).take(pieces.len() / 2).all(ends_with_operator);
    if is_clear { pieces.into_iter().step_by(2).any(mentions_secret) } else { mentions_secret(filter) }
}

/// Whether a path is nothing but the name of an attribute: `urn:x:2.0:User:credentials.password`.
fn is_attribute(path: &str) -> bool {
    path.chars().all(|letter| !ends_name(letter) || ":.$".contains(letter))
}

/// The path of an operation: of PATCH, an attribute or a filter, which contains the value that it compares with; of
/// Bulk, that of a request.
fn operation_path(path: &str) -> String {
    if is_attribute(path) {
        return path.to_owned();
    }
    let is_request = path.starts_with('/');
    if !is_request && compares_secret(path) {
        return REDACTED.to_owned();
    }
    if !is_request && !path.contains('?') {
        return path.to_owned();
    }
    match target(path, usize::MAX) {
        (path, Some(query)) => format!("{path}?{query}"),
        (path, None) => path,
    }
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
    let mentions = |field: &Value| match field {
        Value::String(text) => mentions_secret(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).any(mentions_secret),
        _ => false,
    };
    let names_secret =
        |members: &[&str]| fields.iter().any(|(name, field)| is(name, members) && mentions(field));
    // Of an operation on a secret only `op` and `path` are kept.
    let (is_operation_on_secret, is_secret_value) = (names_secret(&["path"]), names_secret(NAMING_MEMBERS));
    for (name, mut field) in std::mem::take(fields) {
        let text = field.as_str();
        let withheld = (is_operation_on_secret && !(text.is_some() && is(&name, &["op", "path"])))
            || (is_secret_value && is(&name, &["value", "values"]))
            || (is(&name, &["filter"]) && text.is_some_and(compares_secret));
        match text {
            _ if withheld || mentions_secret(&name) => field = Value::from(REDACTED),
            Some(path) if is(&name, &["path"]) => field = Value::from(operation_path(path)),
            Some(_) if is(&name, &["filter"]) => {}
            _ => redact(&mut field, texts),
        }
        // A path may stand in the place of a name.
        let name = if !is_attribute(&name) && compares_secret(&name) { REDACTED.to_owned() } else { name };
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
    } else if text.contains(['"', '\'', '=', '\\', '%']) && mentions_secret(text) {
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
            r#"{"Operations":[{"op":"remove","path":"password eq \"S3cret\""}]}"#,
            r#"{"Operations":[{"op":"remove","path":"password eq S3cret"}]}"#,
            r#"{"Operations":[{"op":"replace","path":"password","old":"S3cret","new":["S3cret"],"Op":{"x":"S3cret"}}]}"#,
            r#"{"Operations":[{"op":"replace","path":["password"],"value":"S3cret"}]}"#,
            r#"{"Operations":[{"op":"replace","path":"passw\\u006frd","value":"S3cret"}]}"#,
            r#"{"Operations":[{"method":"GET","path":"/Users/password=S3cret"}]}"#,
            r#"{"Operations":[{"method":"GET","path":"/Users/x;pass%77ord%3DS3cret"}]}"#,
            r#"{"Operations":[{"method":"GET","path":"/Users/passw\\u006frd=S3cret?count=1"}]}"#,
            r#"{"Operations":[{"method":"GET","path":"/Users?attributes=password eq \"S3cret\""}]}"#,
            r#"{"Operations":[{"op":"replace","value":{"login[password eq S3cret].x":"y"}}]}"#,
            r#"{"filter":"passw\\u006frd eq \"S3cret\""}"#,
            r#"{"filter":"\"password\" eq \"S3cret\""}"#,
            r#"{"detail":"the filter passw\\u006frd eq \"S3cret\" is refused"}"#,
            r#"{"password":"S3cret""#,
            r#"{"Operations":[{"value":"S3cret","path":""#,
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
            "/v1/scim/x/Users?attributes=password%20eq%20%22S3cret%22",
            "/v1/scim/x/Users?sortBy=userName,password=S3cret",
            "/v1/scim/x/Users?cursor=token:S3cret",
            "/v1/scim/x/Users?filter=password%20eq%20%22a&count=S3cret%22",
            "/v1/scim/x/Users?filter=passw%5Cu006frd%20eq%20%22S3cret%22",
            "/v1/scim/x/Users?filter=%22passw%5Cu006frd%22%20eq%20%22S3cret%22",
            "/v1/scim/x/Users/x;password=S3cret",
            "/v1/scim/x/Users/x;a=1;PASS%77ord%3dS3cret?count=1",
            "/v1/scim/x/Users/password/S3cret",
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
            r#"{"Operations":[{"op":"remove","path":"roles[value eq \"Password Admin\"].display"}]}"#,
            r#"{"Operations":[{"op":"remove","path":"urn:x:2.0:User:credentials.password"}]}"#,
            r#"{"Operations":[{"method":"DELETE","path":"/Users/1"}]}"#,
            r#"{"filter":"userName eq \"A\\\\b\""}"#,
            r#"{"addresses":[{"postalCode":"1","type":"work"}]}"#,
        ] {
            let expected = text.replace(r#""Token \"A\"""#, r#""(redacted)""#);
            assert_eq!(kept(text), expected);
        }
        assert_eq!(
            kept(r#"{"op":"add","path":"password","value":"x"}"#),
            r#"{"op":"add","path":"password","value":"(redacted)"}"#
        );
        assert_eq!(kept_target("/Users/x;password=x"), "/Users/x;password=(redacted)");
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
    fn only_whole_json_is_kept() {
        let utf16: Vec<u8> = r#"{"password":"S3cret"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let refused = "(not kept: 42 bytes that cannot be read as JSON)";
        assert_eq!(body(&utf16, 42, 1000).unwrap(), refused);
        assert_eq!(kept("{nonsense\0"), "(not kept: 10 bytes that cannot be read as JSON)");
        let cut = "(not kept: 300000 bytes, more than the log reads)";
        assert_eq!(body(b"", 300_000, 1000).unwrap(), cut);
        assert_eq!(body(br#"{"value":"S3cret","#, 300_000, 1000).unwrap(), cut);
        assert_eq!(body(b"1", 300_000, 1000).unwrap(), cut);
    }

    #[test]
    fn long_bodies_are_cut_at_a_character() {
        assert_eq!(body("\"ääää\"".as_bytes(), 10, 4).unwrap(), "\"ä… (10 bytes)");
        assert_eq!(body(b"1234", 4, 3).unwrap(), "123… (4 bytes)");
    }
}
