//! Reads JSON that a stranger sent: one value, no doubled names, bounded depth and size.
//!
//! RFC 8259 leaves open what a doubled name means and RFC 7643 §2.1 makes names case-insensitive; two
//! readers that choose differently are how a check is passed by one value and the other one is used. So
//! a doubled name is refused here, and one that differs in case only is refused where names are read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::Error;

/// How deep arrays and objects may stand in one another. A PATCH of a multi-valued attribute needs 5.
pub const MAX_DEPTH: usize = 32;

/// How many values a body may hold, every element and member counted.
pub const MAX_VALUES: usize = 400_000;

/// How long the name of an attribute may be, in bytes.
pub const MAX_NAME: usize = 256;

/// Reads one JSON value of at most [`MAX_DEPTH`] and [`MAX_VALUES`], without doubled names and without
/// U+0000 (which PostgreSQL's text cannot hold). Lone surrogates and bytes that are not UTF-8 are
/// refused by the JSON reader itself.
pub fn read(bytes: &[u8]) -> Result<Value, Error> {
    let mut values = 0;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Bounded { depth: 0, values: &mut values }
        .deserialize(&mut reader)
        .map_err(|error| refusal(&error))?;
    reader.end().map_err(|error| refusal(&error))?;
    Ok(value)
}

fn refusal(error: &serde_json::Error) -> Error {
    Error::InvalidSyntax(format!("the body is not acceptable JSON: {error}"))
}

struct Bounded<'a> {
    depth: usize,
    values: &'a mut usize,
}

impl Bounded<'_> {
    fn deeper(&mut self) -> Bounded<'_> {
        Bounded { depth: self.depth + 1, values: self.values }
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        *self.values += 1;
        if *self.values > MAX_VALUES {
            return Err(D::Error::custom(format_args!("more than {MAX_VALUES} values")));
        }
        if self.depth > MAX_DEPTH {
            return Err(D::Error::custom(format_args!("nested deeper than {MAX_DEPTH}")));
        }
        deserializer.deserialize_any(self)
    }
}

fn without_nul<E: serde::de::Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') { Err(E::custom("a string holds U+0000")) } else { Ok(()) }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        without_nul(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        without_nul(&value)?;
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self.deeper())? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            without_nul(&name)?;
            if name.len() > MAX_NAME {
                return Err(A::Error::custom(format_args!("a name is longer than {MAX_NAME} bytes")));
            }
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "the name {} stands twice",
                    super::error::quoted(&name)
                )));
            }
            let value = members.next_value_seed(self.deeper())?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// The member of an object by its name, whatever the case (RFC 7643 §2.1).
pub(super) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Takes the member of an object by its name, whatever the case; two of them are an error.
pub(super) fn take(object: &mut Map<String, Value>, name: &str) -> Result<Option<Value>, Error> {
    let mut keys = object.keys().filter(|key| key.eq_ignore_ascii_case(name));
    let first = keys.next().cloned();
    if keys.next().is_some() {
        return Err(Error::InvalidSyntax(format!("\"{name}\" stands twice")));
    }
    Ok(first.and_then(|key| object.remove(&key)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_json_can_say_is_read() {
        let text = r#"{"a":[1,-2,2.5,true,null,"\u00e9\ud83d\ude00"],"b":{}}"#;
        assert_eq!(read(text.as_bytes()).unwrap(), json!({"a": [1, -2, 2.5, true, null, "é😀"], "b": {}}));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n)).into_bytes();
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("doubled name", br#"{"a":1,"a":2}"#.to_vec()),
            ("doubled by escape", br#"{"a":1,"\u0061":2}"#.to_vec()),
            ("NUL", br#"{"a":"x\u0000"}"#.to_vec()),
            ("NUL in a name", br#"{"a\u0000":1}"#.to_vec()),
            ("lone surrogate", br#"{"a":"\ud800"}"#.to_vec()),
            ("not UTF-8", b"{\"a\":\"\xff\"}".to_vec()),
            ("byte order mark", b"\xef\xbb\xbf{}".to_vec()),
            ("UTF-16", b"{\0}\0".to_vec()),
            ("NaN", b"NaN".to_vec()),
            ("beyond a double", b"1e999".to_vec()),
            ("more after the value", b"{} {}".to_vec()),
            ("nothing", Vec::new()),
            ("too deep", deep(MAX_DEPTH + 2)),
            ("far too deep", deep(100_000)),
            ("too many", format!("[{}1]", "1,".repeat(MAX_VALUES)).into_bytes()),
            ("too long a name", format!("{{\"{}\":1}}", "n".repeat(MAX_NAME + 1)).into_bytes()),
        ];
        for (case, bytes) in cases {
            assert!(matches!(read(&bytes), Err(Error::InvalidSyntax(_))), "{case}");
        }
        assert!(read(&deep(MAX_DEPTH)).is_ok());
    }

    #[test]
    fn members_are_found_whatever_their_case() {
        let Value::Object(mut object) = json!({"Operations": 1, "OPERATIONS": 2, "schemas": 3}) else {
            panic!()
        };
        assert_eq!(member(&object, "SCHEMAS"), Some(&json!(3)));
        assert!(take(&mut object, "operations").is_err());
        assert_eq!(take(&mut object, "Schemas").unwrap(), Some(json!(3)));
        assert_eq!(take(&mut object, "schemas").unwrap(), None);
    }
}
