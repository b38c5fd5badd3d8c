//! A JSON object that is kept as it was validated: its text is read where it is needed only.

use serde_json::{Map, Value};

/// A JSON object, as its shortest text with sorted names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonObject(String);

impl JsonObject {
    /// The object without members.
    pub fn empty() -> Self {
        Self("{}".to_owned())
    }

    /// The text of an object.
    pub fn from_map(map: &Map<String, Value>) -> Self {
        // Maps with text keys always serialise.
        serde_json::to_string(map).map_or_else(|_| Self::empty(), Self)
    }

    /// A text that [`JsonObject::as_str`] returned.
    pub fn from_stored(text: &str) -> Option<Self> {
        (text.starts_with('{') && text.ends_with('}')).then(|| Self(text.to_owned()))
    }

    /// The members.
    pub fn to_map(&self) -> Map<String, Value> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.0 == "{}"
    }
}

impl Default for JsonObject {
    fn default() -> Self {
        Self::empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_stored_as_text_and_read_again() {
        let Value::Object(map) = json!({ "b": [1, { "c": null }], "a": "\u{0}x" }) else { panic!() };
        let object = JsonObject::from_map(&map);
        assert_eq!(object.as_str(), r#"{"a":"\u0000x","b":[1,{"c":null}]}"#);
        assert_eq!(JsonObject::from_stored(object.as_str()).unwrap(), object);
        assert_eq!(object.to_map(), map);
        assert!(JsonObject::default().is_empty() && !object.is_empty());
        for text in ["", "[]", "null", "{"] {
            assert_eq!(JsonObject::from_stored(text), None, "{text}");
        }
    }
}
