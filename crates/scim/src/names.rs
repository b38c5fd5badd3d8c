//! Case-insensitive names of the members of an object (RFC 7643 §2.1).

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::Error;

/// The names of an object by their lower-case form: a case-insensitive lookup in constant time.
#[derive(Debug, Default)]
pub(super) struct NameIndex(HashMap<String, String>);

impl NameIndex {
    /// Indexes the names of an object. Of two that differ only in case, the last one is found.
    pub(super) fn of(object: &Map<String, Value>) -> Self {
        Self(object.keys().map(|key| (key.to_ascii_lowercase(), key.clone())).collect())
    }

    /// The object's key for a name.
    pub(super) fn key(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// Records that the object now has this key.
    pub(super) fn insert(&mut self, key: &str) {
        self.0.insert(key.to_ascii_lowercase(), key.to_owned());
    }

    /// Records that the object no longer has this key.
    pub(super) fn remove(&mut self, key: &str) {
        self.0.remove(&key.to_ascii_lowercase());
    }
}

/// The member of an object by its case-insensitive name (RFC 7643 §2.1).
pub(super) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Removes and returns the member of an object by its case-insensitive name; two matches are an error.
pub(super) fn take(object: &mut Map<String, Value>, name: &str) -> Result<Option<Value>, Error> {
    let mut keys = object.keys().filter(|key| key.eq_ignore_ascii_case(name));
    let first = keys.next().cloned();
    if keys.next().is_some() {
        return Err(Error::InvalidSyntax(format!("\"{name}\" appears twice")));
    }
    Ok(first.and_then(|key| object.remove(&key)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_index_finds_names_whatever_their_case() {
        let Value::Object(object) = json!({"UserName": 1, "ä": 2, "Ä": 3}) else { panic!() };
        let mut index = NameIndex::of(&object);
        assert_eq!(index.key("USERNAME"), Some("UserName"));
        // Case is ignored in ASCII only, as everywhere (RFC 7643 §2.1).
        assert_eq!((index.key("ä"), index.key("Ä")), (Some("ä"), Some("Ä")));
        index.insert("Title");
        index.remove("username");
        assert_eq!((index.key("title"), index.key("userName")), (Some("Title"), None));
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
