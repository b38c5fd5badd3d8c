//! Places in JSON objects, and texts as they are compared.

use serde_json::{Map, Value};

use super::field::unreadable;
use crate::web::kit::json;

/// A JSON pointer (RFC 6901).
pub(super) fn pointer(path: &[String]) -> String {
    path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

pub(super) fn at<'v>(object: &'v Map<String, Value>, path: &[String]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(object.get(first)?, |value, part| value.get(part))
}

/// Sets or removes a value; objects on the way are made, and removed when nothing is left in them.
pub(super) fn set(object: &mut Map<String, Value>, path: &[String], value: Option<Value>) {
    match path {
        [] => {}
        [last] => {
            match value {
                Some(value) => object.insert(last.clone(), value),
                None => object.remove(last),
            };
        }
        [first, rest @ ..] => {
            let mut inner = match object.remove(first) {
                Some(Value::Object(inner)) => inner,
                _ => Map::new(),
            };
            set(&mut inner, rest, value);
            if !inner.is_empty() {
                object.insert(first.clone(), Value::Object(inner));
            }
        }
    }
}

/// A text as it is compared: browsers send line breaks as CRLF.
pub(super) fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

pub(super) fn shown_rest(rest: &Map<String, Value>) -> String {
    match rest.is_empty() {
        true => String::new(),
        false => json::pretty(&Value::Object(rest.clone())),
    }
}

pub(super) fn read_rest(typed: &str) -> Result<Map<String, Value>, String> {
    match typed {
        "" => Ok(Map::new()),
        typed => serde_json::from_str(typed).map_err(|error| unreadable("a JSON object", &error)),
    }
}
