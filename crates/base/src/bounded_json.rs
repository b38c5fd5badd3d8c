//! A bounded JSON parser for untrusted bodies: one value, no duplicate names, limits checked while parsing.
//!
//! RFC 8259 §4 leaves the meaning of duplicate names open. If two parsers choose differently, one value may
//! be validated and the other used, so duplicates are rejected. The parser counts values and stops at the
//! first limit exceeded without reading the rest. [`quoted`] shortens a client's text for the errors of any
//! parser.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Limits on a body. The number of bytes is limited where the body is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum nesting depth of arrays and objects.
    pub depth: usize,
    /// Maximum number of values: the root, and every element and member.
    pub values: usize,
    /// Maximum number of names in one object.
    pub names: usize,
    /// Maximum length of a name in bytes.
    pub name_bytes: usize,
    /// Whether U+0000 is rejected in names and strings: PostgreSQL's text type cannot hold it.
    pub refuse_nul: bool,
}

/// Why a body was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not JSON, has duplicate names, or is nested too deeply.
    #[error("the body is not acceptable JSON: {0}")]
    Syntax(String),
    /// It holds more values than [`Limits::values`].
    #[error("the body holds more than {0} values; send it in parts")]
    Values(usize),
    /// One of its objects has more names than [`Limits::names`].
    #[error("an object of the body has more than {0} names")]
    Names(usize),
}

/// How much of a body was parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadCounts {
    /// The number of values started.
    pub values: usize,
    /// The number of names read.
    pub names: usize,
}

/// Parses one JSON value within these limits. Lone surrogates and invalid UTF-8 are rejected.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    parse_counted(bytes, limits).0
}

/// The same, and returns how much was parsed, which bounds the work done on a rejected body.
pub fn parse_counted(bytes: &[u8], limits: &Limits) -> (Result<Value, Error>, ReadCounts) {
    let mut progress = Progress { limits: *limits, work: ReadCounts::default(), exceeded: None };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let outcome = Bounded { depth: 0, progress: &mut progress }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    let outcome =
        outcome.map_err(|error| progress.exceeded.take().unwrap_or_else(|| Error::Syntax(error.to_string())));
    (outcome, progress.work)
}

struct Progress {
    limits: Limits,
    work: ReadCounts,
    exceeded: Option<Error>,
}

struct Bounded<'a> {
    depth: usize,
    progress: &'a mut Progress,
}

impl Bounded<'_> {
    fn deeper(&mut self) -> Bounded<'_> {
        Bounded { depth: self.depth + 1, progress: self.progress }
    }

    fn exceeded<E: serde::de::Error>(&mut self, error: Error) -> E {
        let text = E::custom(&error);
        self.progress.exceeded = Some(error);
        text
    }

    fn check_text<E: serde::de::Error>(&self, text: &str) -> Result<(), E> {
        match self.progress.limits.refuse_nul && text.contains('\0') {
            true => Err(E::custom("a string holds U+0000")),
            false => Ok(()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<Value, D::Error> {
        let limits = self.progress.limits;
        self.progress.work.values += 1;
        if self.progress.work.values > limits.values {
            return Err(self.exceeded(Error::Values(limits.values)));
        }
        if self.depth > limits.depth {
            return Err(D::Error::custom(format_args!("nested deeper than {}", limits.depth)));
        }
        deserializer.deserialize_any(self)
    }
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
        self.check_text(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        self.check_text(&value)?;
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
        let limits = self.progress.limits;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.progress.work.names += 1;
            self.check_text(&name)?;
            if object.len() == limits.names {
                return Err(self.exceeded(Error::Names(limits.names)));
            }
            if name.len() > limits.name_bytes {
                let text = format_args!("a name is longer than {} bytes", limits.name_bytes);
                return Err(A::Error::custom(text));
            }
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the name {} appears twice", quoted(&name))));
            }
            let value = members.next_value_seed(self.deeper())?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// Text from a client, shortened and escaped for an error message.
pub fn quoted(text: &str) -> String {
    let mut short: String =
        text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if short.len() < text.len() && text.chars().nth(64).is_some() {
        short.push('…');
    }
    format!("\"{short}\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIMITS: Limits = Limits { depth: 4, values: 100, names: 10, name_bytes: 16, refuse_nul: true };

    #[test]
    fn what_json_can_say_is_read() {
        let text = r#"{"a":[1,-2,2.5,true,null,"\u00e9\ud83d\ude00"],"b":{}}"#;
        let expected = json!({"a": [1, -2, 2.5, true, null, "é😀"], "b": {}});
        assert_eq!(parse(text.as_bytes(), &LIMITS), Ok(expected));
    }

    #[test]
    fn a_body_is_read_up_to_its_limit_and_no_further() {
        let names = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"n{n}\":1")).collect();
            format!("{{{}}}", members.join(",")).into_bytes()
        };
        let (outcome, work) = parse_counted(&names(115_000), &LIMITS);
        assert_eq!((outcome, work), (Err(Error::Names(10)), ReadCounts { values: 11, names: 11 }));
        assert!(parse(&names(10), &LIMITS).is_ok());

        let list = |count: usize| format!("[{}1]", "1,".repeat(count - 1)).into_bytes();
        let (outcome, work) = parse_counted(&list(500_000), &LIMITS);
        assert_eq!((outcome, work), (Err(Error::Values(100)), ReadCounts { values: 101, names: 0 }));
        assert!(parse(&list(99), &LIMITS).is_ok());

        // One name in each of many objects: the values are counted over all of them.
        let many = format!("[{}{{}}]", "{\"a\":1},".repeat(300_000));
        assert_eq!(parse_counted(many.as_bytes(), &LIMITS).1.values, 101);

        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let (outcome, work) = parse_counted(deep.as_bytes(), &LIMITS);
        assert!(matches!(outcome, Err(Error::Syntax(_))));
        assert_eq!(work.values, 6);

        let twice = br#"{"a":1,"a":2,"b":3}"#;
        let (outcome, work) = parse_counted(twice, &LIMITS);
        assert!(matches!(outcome, Err(Error::Syntax(text)) if text.contains("twice")));
        assert_eq!(work.names, 2);
    }

    #[test]
    fn long_texts_and_long_numbers_are_one_value() {
        let limits = Limits { name_bytes: 256, ..LIMITS };
        for text in [
            format!("\"{}\"", "x".repeat(1_000_000)),
            format!("0.{}1", "0".repeat(900_000)),
            format!("{}.5e-899990", "1".repeat(900_000)),
            format!("\"{}\"", "\\u00e9".repeat(150_000)),
        ] {
            let (outcome, work) = parse_counted(text.as_bytes(), &limits);
            assert!(outcome.is_ok(), "{}: {outcome:?}", &text[..20]);
            assert_eq!(work, ReadCounts { values: 1, names: 0 });
        }
        let (outcome, _) = parse_counted("9".repeat(900_000).as_bytes(), &limits);
        assert!(matches!(outcome, Err(Error::Syntax(_))));
    }

    #[test]
    fn nul_is_refused_where_it_cannot_be_stored() {
        for text in [r#"{"a":"x\u0000"}"#, r#"{"a\u0000":1}"#] {
            assert!(parse(text.as_bytes(), &LIMITS).is_err());
            assert!(parse(text.as_bytes(), &Limits { refuse_nul: false, ..LIMITS }).is_ok());
        }
    }

    #[test]
    fn what_is_quoted_is_short_and_printable() {
        assert_eq!(quoted("a\nb"), "\"a\u{fffd}b\"");
        assert_eq!(quoted(&"ä".repeat(64)), format!("\"{}\"", "ä".repeat(64)));
        assert_eq!(quoted(&"ä".repeat(65)), format!("\"{}…\"", "ä".repeat(64)));
    }
}
