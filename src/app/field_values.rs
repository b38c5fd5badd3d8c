//! Reads the change of a resource from the fields of a request: of a JSON object, or of a form.
//!
//! A change is a struct of `Option`s that derives `Deserialize` with `rename_all = "camelCase"`. A field that is absent
//! is `None`: it stays as it is. What a present field means is decided here, once:
//!
//! | type          | JSON                                     | form                                        |
//! |---------------|------------------------------------------|---------------------------------------------|
//! | `String`      | a string; `null` is the empty one        | the text, without spaces around it          |
//! | `bool`        | `true` or `false`; `null` is `false`     | a checkbox: sent empty when it is not ticked |
//! | `Vec<String>` | a list of strings; `null` is the empty one | a value for each field or line that is not empty |
//! | [`TextsByKey`] | an object of strings; `null` is the empty one | a line `key=value` for each |
//! | [`JsonField`] | an object; `null` is the empty one       | its text; without any, the empty object     |

use std::{collections::BTreeMap, fmt, slice, str::FromStr};

use base::bounded_json::{self, Limits};
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, MapAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};

use super::{Error, Result};

/// The value of one field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Of a JSON object.
    Json(Value),
    /// Of a form: every value that was sent under the name.
    Form(Vec<String>),
}

/// The fields of a request.
pub trait FieldSource {
    /// Removes and returns the field of this name (camelCase), if it was sent.
    fn take(&mut self, name: &'static str) -> Option<FieldValue>;
}

/// Reads a change. Fields that it does not know stay in the source. [`Error::Invalid`] names the field.
pub fn read<T: DeserializeOwned>(source: &mut impl FieldSource) -> Result<T> {
    T::deserialize(Fields(source)).map_err(|FieldError { field, reason }| Error::invalid(field, reason))
}

/// Why a field cannot be read.
#[derive(Debug)]
pub struct FieldError {
    field: &'static str,
    reason: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

impl std::error::Error for FieldError {}

impl serde::de::Error for FieldError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { field: "", reason: message.to_string() }
    }
}

struct Fields<'a, S>(&'a mut S);

impl<'de, S: FieldSource> Deserializer<'de> for Fields<'_, S> {
    type Error = FieldError;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        visitor.visit_map(Access { source: self.0, names: names.iter(), next: None })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, FieldError> {
        Err(FieldError::custom("only a struct is read from fields"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Access<'a, S> {
    source: &'a mut S,
    names: slice::Iter<'static, &'static str>,
    next: Option<(&'static str, FieldValue)>,
}

impl<'de, S: FieldSource> MapAccess<'de> for Access<'_, S> {
    type Error = FieldError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, FieldError> {
        for name in self.names.by_ref() {
            if let Some(value) = self.source.take(name) {
                self.next = Some((name, value));
                return seed.deserialize(serde::de::value::StrDeserializer::new(name)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, FieldError> {
        let (field, value) = self.next.take().ok_or_else(|| FieldError::custom("a value before its name"))?;
        seed.deserialize(value).map_err(|error| FieldError { field, ..error })
    }
}

const NUL: &str = "must not contain NUL";

const NOT_AN_OBJECT: &str = "must be a JSON object";

/// The limits of a JSON object in a form or an argument.
const OBJECT_LIMITS: Limits =
    Limits { depth: 32, values: 10_000, names: 2_000, name_bytes: 1024, refuse_nul: false };

/// A JSON object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JsonField(pub Map<String, Value>);

impl FromStr for JsonField {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        match bounded_json::parse(text.as_bytes(), &OBJECT_LIMITS) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(_) => Err(NOT_AN_OBJECT.to_owned()),
            Err(bounded_json::Error::Syntax(reason)) => Err(format!("{NOT_AN_OBJECT}: {reason}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for JsonField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = JsonField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_string<E: serde::de::Error>(self, text: String) -> Result<JsonField, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_newtype_struct("JsonField", Text)
    }
}

/// Texts by their keys; on the command line a JSON object.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct TextsByKey(pub BTreeMap<String, String>);

impl FromStr for TextsByKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let JsonField(map) = text.parse()?;
        let pairs = map.into_iter().map(|(key, value)| match value {
            Value::String(value) => Ok((key, value)),
            _ => Err("must be an object of strings".to_owned()),
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }
}

impl FieldValue {
    fn text(self) -> Result<String, FieldError> {
        let text = match self {
            Self::Json(Value::Null) => String::new(),
            Self::Json(Value::String(text)) => text,
            Self::Json(_) => return Err(FieldError::custom("must be a string")),
            // Browsers send line breaks as CRLF.
            Self::Form(values) => {
                values.first().map(|text| text.replace("\r\n", "\n").trim().to_owned()).unwrap_or_default()
            }
        };
        // PostgreSQL cannot store it.
        if text.contains('\0') { Err(FieldError::custom(NUL)) } else { Ok(text) }
    }

    fn flag(&self) -> Result<bool, FieldError> {
        match self {
            Self::Json(Value::Null) => Ok(false),
            Self::Json(Value::Bool(flag)) => Ok(*flag),
            Self::Json(_) => Err(FieldError::custom("must be true or false")),
            // The form sends an empty value before that of the checkbox.
            Self::Form(values) => Ok(values.last().is_some_and(|value| !value.is_empty())),
        }
    }

    fn object_text(self) -> Result<String, FieldError> {
        match self {
            Self::Json(Value::Null) => Ok(String::new()),
            Self::Json(Value::Object(map)) => Ok(Value::Object(map).to_string()),
            Self::Json(_) => Err(FieldError::custom(NOT_AN_OBJECT)),
            Self::Form(_) => self.text(),
        }
    }

    fn pairs(self) -> Result<Vec<(String, Self)>, FieldError> {
        let wrong = || FieldError::custom("must be an object of strings");
        match self {
            Self::Json(Value::Null) => Ok(Vec::new()),
            Self::Json(Value::Object(map)) => {
                if !map.values().all(Value::is_string) {
                    return Err(wrong());
                }
                Ok(map.into_iter().map(|(key, value)| (key, Self::Json(value))).collect())
            }
            Self::Json(_) => Err(wrong()),
            Self::Form(_) => {
                let pairs = self.list()?.into_iter().map(|line| {
                    let line = line.text()?;
                    let (key, value) = line
                        .split_once('=')
                        .ok_or_else(|| FieldError::custom("must be lines of the form key=value"))?;
                    Ok((key.trim().to_owned(), Self::Form(vec![value.to_owned()])))
                });
                pairs.collect()
            }
        }
    }

    fn list(self) -> Result<Vec<Self>, FieldError> {
        match self {
            Self::Json(Value::Null) => Ok(Vec::new()),
            Self::Json(Value::Array(values)) => Ok(values.into_iter().map(Self::Json).collect()),
            Self::Json(_) => Err(FieldError::custom("must be a list of strings")),
            Self::Form(values) => Ok(values
                .iter()
                .flat_map(|value| value.lines())
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(|line| Self::Form(vec![line.to_owned()]))
                .collect()),
        }
    }
}

impl<'de> serde::de::IntoDeserializer<'de, FieldError> for FieldValue {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for FieldValue {
    type Error = FieldError;

    /// A field that is there has a value, `null` and the empty text too.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_some(self)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_bool(self.flag()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_seq(SeqDeserializer::new(self.list()?.into_iter()))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        visitor.visit_string(self.object_text()?)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_map(MapDeserializer::new(self.pairs()?.into_iter()))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, FieldError> {
        Err(FieldError::custom("has a type that no field has"))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf unit unit_struct
        tuple tuple_struct struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Change {
        display_name: Option<String>,
        allow_sha1: Option<bool>,
        domains: Option<Vec<String>>,
        attributes: Option<TextsByKey>,
        metadata: Option<JsonField>,
    }

    impl FieldSource for BTreeMap<&'static str, FieldValue> {
        fn take(&mut self, name: &'static str) -> Option<FieldValue> {
            self.remove(name)
        }
    }

    fn json(fields: &[(&'static str, Value)]) -> Result<Change> {
        let mut source: BTreeMap<_, _> =
            fields.iter().map(|(name, value)| (*name, FieldValue::Json(value.clone()))).collect();
        read(&mut source)
    }

    fn form(fields: &[(&'static str, &[&str])]) -> Change {
        let owned = |values: &[&str]| values.iter().map(ToString::to_string).collect();
        let mut source: BTreeMap<_, _> =
            fields.iter().map(|(name, values)| (*name, FieldValue::Form(owned(values)))).collect();
        read(&mut source).unwrap()
    }

    #[test]
    fn what_is_absent_stays_and_what_is_null_is_cleared() {
        assert_eq!(json(&[]).unwrap(), Change::default());
        assert_eq!(form(&[]), Change::default());
        let cleared = Change {
            display_name: Some(String::new()),
            allow_sha1: Some(false),
            domains: Some(Vec::new()),
            ..Change::default()
        };
        let null = [("displayName", Value::Null), ("allowSha1", Value::Null), ("domains", Value::Null)];
        assert_eq!(json(&null).unwrap(), cleared);
        assert_eq!(
            form(&[("displayName", &[" "]), ("allowSha1", &[""]), ("domains", &["", "\r\n"])]),
            cleared
        );
    }

    #[test]
    fn each_kind_of_value_is_read_in_both_forms() {
        let set = Change {
            display_name: Some("Acme\nInc".into()),
            allow_sha1: Some(true),
            domains: Some(vec!["a.example".into(), "b.example".into()]),
            ..Change::default()
        };
        let sent = [
            ("displayName", json!("Acme\nInc")),
            ("allowSha1", json!(true)),
            ("domains", json!(["a.example", "b.example"])),
        ];
        assert_eq!(json(&sent).unwrap(), set);
        let lines: &[&str] = &["a.example\r\n\r\n b.example "];
        let boxes: &[&str] = &["", "a.example", "b.example"];
        for domains in [lines, boxes] {
            let sent: [(_, &[&str]); 3] =
                [("displayName", &[" Acme\r\nInc "]), ("allowSha1", &["", "true"]), ("domains", domains)];
            assert_eq!(form(&sent), set);
        }
    }

    #[test]
    fn objects_are_json_or_lines() {
        let pairs = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string()));
            Some(TextsByKey(pairs.collect()))
        };
        let Value::Object(map) = json!({ "a": [1, null, "\0"] }) else { panic!() };
        let set = Change {
            attributes: pairs(&[("a", "1=2"), ("b", "")]),
            metadata: Some(JsonField(map.clone())),
            ..Change::default()
        };
        let sent = [("attributes", json!({ "a": "1=2", "b": "" })), ("metadata", Value::Object(map))];
        assert_eq!(json(&sent).unwrap(), set);
        let text: &[&str] = &[r#" {"a": [1, null, "\u0000"]} "#];
        assert_eq!(form(&[("attributes", &["a = 1=2\r\nb=\n"]), ("metadata", text)]), set);
        let cleared =
            Change { attributes: pairs(&[]), metadata: Some(JsonField::default()), ..Change::default() };
        assert_eq!(json(&[("attributes", Value::Null), ("metadata", Value::Null)]).unwrap(), cleared);
        assert_eq!(form(&[("attributes", &[""]), ("metadata", &[" "])]), cleared);
        for (name, value, told) in [
            ("attributes", json!({ "a": 1 }), "attributes: must be an object of strings"),
            ("attributes", json!(["a=1"]), "attributes: must be an object of strings"),
            ("metadata", json!("{}"), "metadata: must be a JSON object"),
            ("metadata", json!([]), "metadata: must be a JSON object"),
        ] {
            assert_eq!(json(&[(name, value.clone())]).unwrap_err().to_string(), told, "{value}");
        }
        let mut source = BTreeMap::from([("metadata", FieldValue::Form(vec!["{".to_owned()]))]);
        assert!(read::<Change>(&mut source).unwrap_err().to_string().starts_with("metadata: "));
        assert_eq!(r#"{"a":"b"}"#.parse(), Ok(pairs(&[("a", "b")]).unwrap()));
        assert!("[]".parse::<JsonField>().is_err() && r#"{"a":1}"#.parse::<TextsByKey>().is_err());
    }

    #[test]
    fn what_has_another_type_is_refused_by_the_fields_name() {
        for (name, value, told) in [
            ("displayName", json!(1), "displayName: must be a string"),
            ("displayName", json!(["x"]), "displayName: must be a string"),
            ("displayName", json!("x\0y"), "displayName: must not contain NUL"),
            ("allowSha1", json!("true"), "allowSha1: must be true or false"),
            ("allowSha1", json!(1), "allowSha1: must be true or false"),
            ("domains", json!("x"), "domains: must be a list of strings"),
            ("domains", json!({ "x": 1 }), "domains: must be a list of strings"),
            ("domains", json!([["x"]]), "domains: must be a string"),
        ] {
            assert_eq!(json(&[(name, value.clone())]).unwrap_err().to_string(), told, "{value}");
        }
    }
}
