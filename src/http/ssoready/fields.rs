//! Reads the JSON object of a request according to protobuf's JSON mapping: names in
//! camelCase or snake_case, unknown ones ignored, `null` the zero value. Absent fields are distinguished from zero
//! values, because PATCH leaves the former and clears the latter.

use std::borrow::Cow;

use base::bounded_json::{self, Limits};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::app::{
    Error, Result,
    field_values::{self, FieldSource, FieldValue},
};

/// The limits of an API body: an organization with a thousand domains fits several times.
const LIMITS: Limits = Limits { depth: 32, values: 10_000, names: 500, name_bytes: 256, refuse_nul: false };

/// The fields of one JSON object.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body. An empty one is an empty object.
    pub fn parse(body: &[u8]) -> Result<Self> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        match bounded_json::parse(body, &LIMITS) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Error::invalid("", "the body must be a JSON object")),
            Err(error) => Err(Error::invalid("", error.to_string())),
        }
    }

    /// Removes the field `name` (camelCase). If both spellings are present, camelCase wins.
    fn take(&mut self, name: &'static str) -> Option<Value> {
        let camel = self.0.remove(name);
        let snake = self.0.remove(snake_case(name).as_ref());
        camel.or(snake)
    }

    /// Reads the change of a resource; see [`field_values`].
    pub fn change<T: DeserializeOwned>(&mut self) -> Result<T> {
        field_values::read(self)
    }

    /// A string; `null` is the empty string. NUL is refused: PostgreSQL cannot store it.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>> {
        self.take(name).map(|value| text(name, value)).transpose()
    }

    /// A list of strings; `null` is the empty list.
    pub fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(Vec::new())),
            Some(Value::Array(values)) => {
                values.into_iter().map(|value| text(name, value)).collect::<Result<_>>().map(Some)
            }
            Some(_) => Err(Error::invalid(name, "must be a list of strings")),
        }
    }

    /// A boolean; `null` is false.
    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(false)),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(Error::invalid(name, "must be true or false")),
        }
    }

    /// A non-negative integer, as a JSON number or, as protobuf allows, a string; `null` means absent.
    pub fn number(&mut self, name: &'static str) -> Result<Option<u64>> {
        let number = match self.take(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| Error::invalid(name, "must be a whole number that is not negative"))
    }
}

impl FieldSource for Fields {
    fn take(&mut self, name: &'static str) -> Option<FieldValue> {
        Fields::take(self, name).map(FieldValue::Json)
    }
}

fn text(name: &'static str, value: Value) -> Result<String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) if text.contains('\0') => Err(Error::invalid(name, "must not contain NUL")),
        Value::String(text) => Ok(text),
        _ => Err(Error::invalid(name, "must be a string")),
    }
}

/// The parameters of a query string: camelCase or snake_case, empty ones count as absent, unknown ones are
/// ignored.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string.
    pub fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The parameter `name` (camelCase).
    pub fn text(&self, name: &'static str) -> Option<String> {
        let find = |name: &str| self.0.iter().find(|(key, value)| key == name && !value.is_empty());
        find(name).or_else(|| find(&snake_case(name))).map(|(_, value)| value.clone())
    }
}

/// `idpRedirectUrl` → `idp_redirect_url`.
fn snake_case(name: &str) -> Cow<'_, str> {
    if !name.bytes().any(|b| b.is_ascii_uppercase()) {
        return name.into();
    }
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake.into()
}

/// Parses an id that the caller sent in `field`; the error message is SSOReady's.
pub fn id<T: std::str::FromStr<Err: std::fmt::Display>>(field: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|error| Error::invalid(field, ToString::to_string(&error)))
}

/// Parses a required id.
pub fn required_id<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &'static str,
    text: Option<String>,
) -> Result<T> {
    id(field, &required(field, text)?)
}

/// A parameter or field that must be there.
pub fn required(field: &'static str, text: Option<String>) -> Result<String> {
    text.filter(|text| !text.is_empty()).ok_or_else(|| Error::invalid(field, "is required"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use base::id::OrganizationId;

    fn fields(json: &str) -> Fields {
        Fields::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn both_spellings_are_read_and_the_rest_ignored() {
        let mut camel = fields(r#"{"displayName":"a","unknown":{"x":[1]}}"#);
        assert_eq!(camel.text("displayName").unwrap().as_deref(), Some("a"));
        let mut snake = fields(r#"{"display_name":"b","allow_sha1":true}"#);
        assert_eq!(snake.text("displayName").unwrap().as_deref(), Some("b"));
        assert_eq!(snake.flag("allowSha1").unwrap(), Some(true));
        let mut both = fields(r#"{"display_name":"b","displayName":"a"}"#);
        assert_eq!(both.text("displayName").unwrap().as_deref(), Some("a"));
        let mut url = fields(r#"{"idp_redirect_url":"u"}"#);
        assert_eq!(url.text("idpRedirectUrl").unwrap().as_deref(), Some("u"));
    }

    #[test]
    fn what_is_missing_is_not_what_is_null() {
        let mut missing = fields("{}");
        assert_eq!(missing.text("a").unwrap(), None);
        assert_eq!(missing.texts("a").unwrap(), None);
        assert_eq!(missing.flag("a").unwrap(), None);
        let mut null = fields(r#"{"a":null,"b":null,"c":null,"d":[null,"x"]}"#);
        assert_eq!(null.text("a").unwrap(), Some(String::new()));
        assert_eq!(null.texts("b").unwrap(), Some(Vec::new()));
        assert_eq!(null.flag("c").unwrap(), Some(false));
        assert_eq!(null.texts("d").unwrap(), Some(vec![String::new(), "x".into()]));
    }

    #[test]
    fn wrong_kinds_are_refused_by_the_fields_name() {
        for json in [r#"{"a":1}"#, r#"{"a":{}}"#, r#"{"a":[]}"#, r#"{"a":true}"#] {
            assert_eq!(fields(json).text("a").unwrap_err().to_string(), "a: must be a string", "{json}");
        }
        for json in [r#"{"a":"x"}"#, r#"{"a":{}}"#, r#"{"a":[1]}"#, r#"{"a":[["x"]]}"#] {
            assert!(fields(json).texts("a").is_err(), "{json}");
        }
        for json in [r#"{"a":"true"}"#, r#"{"a":1}"#, r#"{"a":[]}"#] {
            assert!(fields(json).flag("a").is_err(), "{json}");
        }
        assert_eq!(
            fields(r#"{"a":"x\u0000y"}"#).text("a").unwrap_err().to_string(),
            "a: must not contain NUL"
        );
    }

    #[test]
    fn numbers_are_whole() {
        assert_eq!(fields("{}").number("n").unwrap(), None);
        assert_eq!(fields(r#"{"n":null}"#).number("n").unwrap(), None);
        assert_eq!(fields(r#"{"n":7}"#).number("n").unwrap(), Some(7));
        assert_eq!(fields(r#"{"n":"7"}"#).number("n").unwrap(), Some(7));
        for bad in ["-1", "1.5", "true", "[]", "\"x\"", "1e400"] {
            assert!(
                Fields::parse(format!("{{\"n\":{bad}}}").as_bytes())
                    .and_then(|mut fields| fields.number("n"))
                    .is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn only_objects_are_bodies() {
        assert!(Fields::parse(b"").is_ok() && Fields::parse(b" \r\n").is_ok());
        let deep = "[".repeat(100_000);
        for body in [
            b"[]".as_slice(),
            b"null",
            b"1",
            b"\"x\"",
            b"{",
            b"{\"a\":}",
            b"\xff",
            b"{\"a\":\"\xff\"}",
            b"{}{}",
            b"{\"a\":\"\\ud800\"}",
            deep.as_bytes(),
        ] {
            assert!(
                Fields::parse(body).is_err(),
                "{:?}",
                String::from_utf8_lossy(&body[..body.len().min(20)])
            );
        }
    }

    #[test]
    fn bodies_that_hold_too_much_are_refused() {
        let names: Vec<String> = (0..115_000).map(|n| format!("\"{n}\":1")).collect();
        for (body, told) in [
            (format!("{{{}}}", names.join(",")), "500 names"),
            (format!("{{\"domains\":[{}1]}}", "1,".repeat(500_000)), "10000 values"),
            (r#"{"displayName":"a","displayName":"b"}"#.to_owned(), "twice"),
            (format!("{{\"{}\":1}}", "n".repeat(300)), "256 bytes"),
        ] {
            let error = Fields::parse(body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn queries_are_read_in_both_spellings() {
        let query =
            Query::parse("page_token=a%2Bb&organizationId=&organization_id=o&x=y&pageSize=3&pageSize=4");
        assert_eq!(query.text("pageToken").as_deref(), Some("a+b"));
        assert_eq!(query.text("organizationId").as_deref(), Some("o"));
        assert_eq!(query.text("pageSize").as_deref(), Some("3"));
        assert_eq!(query.text("missing"), None);
        assert_eq!(Query::parse("pageToken=a&page_token=b").text("pageToken").as_deref(), Some("a"));
        assert_eq!(Query::parse("a=%ff%00").text("a").as_deref(), Some("\u{fffd}\0"));
    }

    #[test]
    fn ids_are_refused_in_ssoreadys_words() {
        let refused = id::<OrganizationId>("id", "xxx").unwrap_err().to_string();
        assert_eq!(refused, r#"id: "xxx" does not have expected prefix "org_""#);
        assert!(required("id", None).is_err() && required("id", Some(String::new())).is_err());
    }

    proptest! {
        #[test]
        fn no_body_and_no_query_panics(body in prop_oneof![
            any::<Vec<u8>>(),
            "\\{\"(a|displayName|display_name)\":(null|true|1e400|\"[^\"\\\\]{0,8}\"|\\[(\"x\",?)*\\]|\\{\\})\\}".prop_map(String::into_bytes),
        ]) {
            let _ = Query::parse(&String::from_utf8_lossy(&body)).text("displayName");
            if let Ok(mut fields) = Fields::parse(&body) {
                let text = fields.text("displayName");
                prop_assert!(!text.is_ok_and(|text| text.is_some_and(|text| text.contains('\0'))));
                let _ = (fields.flag("a"), fields.texts("displayName"));
            }
        }
    }
}
