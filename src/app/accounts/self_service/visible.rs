//! What of a user's JSON objects is shown to them, and what of it they may change: by the schema's `hidden` (a word of
//! SecureAuth's) and `readOnly` (JSON Schema Validation 2020-12 §9.4).

use serde_json::{Map, Value};

/// How deep objects within objects are followed.
const MAX_DEPTH: usize = 8;

/// How many references in a row are followed.
const MAX_REFERENCES: usize = 5;

/// What is left of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The members that the user sees.
    Shown,
    /// The members that the user may change.
    Editable,
}

/// The addresses of a person, which are proven before they count, are changed at the account's addresses only.
const PROVEN: [&str; 4] = ["email", "email_verified", "phone_number", "phone_number_verified"];

/// The schema of that part of an object. It has no members but its own.
pub(super) fn schema(schema: &Map<String, Value>, part: Part) -> Map<String, Value> {
    let mut left = without(schema, schema, part, 0);
    if part == Part::Editable
        && let Some(Value::Object(properties)) = left.get_mut("properties")
    {
        properties.retain(|name, _| !PROVEN.contains(&name.as_str()));
    }
    // References of what is left are resolved within the whole document.
    for place in ["$defs", "definitions"] {
        if let Some(definitions) = schema.get(place) {
            left.insert(place.to_owned(), definitions.clone());
        }
    }
    left
}

fn without(
    root: &Map<String, Value>,
    object: &Map<String, Value>,
    part: Part,
    depth: usize,
) -> Map<String, Value> {
    let mut left = object.clone();
    left.insert("additionalProperties".to_owned(), Value::Bool(false));
    if let Some(Value::Object(properties)) = object.get("properties") {
        let kept = properties.iter().filter_map(|(name, schema)| {
            let inner = member(root, schema, part, depth)?;
            Some((name.clone(), Value::Object(inner)))
        });
        left.insert("properties".to_owned(), Value::Object(kept.collect()));
    }
    left
}

/// The schema of a member, if it is part.
fn member(root: &Map<String, Value>, schema: &Value, part: Part, depth: usize) -> Option<Map<String, Value>> {
    let own = schema.as_object()?;
    let resolved = resolve(root, own)?;
    if is_kept_back(own, part) || is_kept_back(resolved, part) {
        return None;
    }
    let is_object = resolved.get("properties").and_then(Value::as_object).is_some_and(|own| !own.is_empty());
    if is_object && depth < MAX_DEPTH {
        return Some(without(root, resolved, part, depth + 1));
    }
    // What is hidden within a list or an alternative hides all of it: only the whole could be shown.
    (!mentions(root, schema, part, 0)).then(|| resolved.clone())
}

fn is_kept_back(schema: &Map<String, Value>, part: Part) -> bool {
    let says = |word: &str| schema.get(word) == Some(&Value::Bool(true));
    says("hidden") || (part == Part::Editable && says("readOnly"))
}

fn resolve<'s>(
    root: &'s Map<String, Value>,
    schema: &'s Map<String, Value>,
) -> Option<&'s Map<String, Value>> {
    let mut schema = schema;
    for _ in 0..MAX_REFERENCES {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return Some(schema) };
        schema = referred(root, reference)?.as_object()?;
        if schema.get("hidden") == Some(&Value::Bool(true)) {
            return Some(schema);
        }
    }
    None
}

fn referred<'s>(root: &'s Map<String, Value>, reference: &str) -> Option<&'s Value> {
    let path = reference.strip_prefix("#/")?;
    let mut parts = path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
    let first = root.get(&parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// Whether a schema keeps anything back at any depth. One that is too deep counts as if it did.
fn mentions(root: &Map<String, Value>, schema: &Value, part: Part, depth: usize) -> bool {
    if depth > 2 * MAX_DEPTH {
        return true;
    }
    match schema {
        Value::Object(object) => {
            let reference = object.get("$ref").and_then(Value::as_str);
            is_kept_back(object, part)
                || reference.is_some_and(|text| {
                    referred(root, text).is_none_or(|inner| mentions(root, inner, part, depth + 1))
                })
                || object.values().any(|inner| mentions(root, inner, part, depth + 1))
        }
        Value::Array(items) => items.iter().any(|inner| mentions(root, inner, part, depth + 1)),
        _ => false,
    }
}

/// What of an object this schema, which [`schema`] made, has members for.
pub(super) fn members(schema: &Map<String, Value>, object: &Map<String, Value>) -> Map<String, Value> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Map::new() };
    let kept = object.iter().filter_map(|(name, value)| {
        let inner = properties.get(name)?.as_object()?;
        let value = match (value, inner.get("properties")) {
            (Value::Object(object), Some(_)) => Value::Object(members(inner, object)),
            (value, _) => value.clone(),
        };
        Some((name.clone(), value))
    });
    kept.collect()
}

/// `new`, but with every member that this schema has no member for as it is in `stored`.
pub(super) fn keep_others(
    schema: &Map<String, Value>,
    stored: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Map<String, Value> {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let mut kept: Map<String, Value> = stored
        .iter()
        .filter(|(name, _)| !properties.contains_key(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, inner) in properties {
        let old = stored.get(name);
        let is_object = inner.get("properties").is_some();
        let value = match (old, new.get(name), inner.as_object()) {
            (Some(Value::Object(old)), given, Some(inner)) if is_object => {
                let given = given.and_then(Value::as_object).unwrap_or(&empty);
                let merged = keep_others(inner, old, given);
                (!merged.is_empty()).then_some(Value::Object(merged))
            }
            (None, Some(Value::Object(given)), Some(inner)) if is_object => {
                Some(Value::Object(members(inner, given)))
            }
            (_, given, _) => given.cloned(),
        };
        kept.extend(value.map(|value| (name.clone(), value)));
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn example() -> Map<String, Value> {
        object(json!({
            "type": "object",
            "properties": {
                "name": { "type": "string" },
                "email": { "type": "string" },
                "risk": { "type": "number", "hidden": true },
                "plan": { "type": "string", "readOnly": true },
                "secret": { "$ref": "#/$defs/secret" },
                "home": {
                    "type": "object",
                    "properties": { "city": { "type": "string" }, "score": { "type": "number", "hidden": true } }
                },
                "devices": {
                    "type": "array",
                    "items": { "type": "object", "properties": { "key": { "type": "string", "hidden": true } } }
                },
                "tags": { "type": "array", "items": { "type": "string" } }
            },
            "$defs": { "secret": { "type": "string", "hidden": true } },
            "additionalProperties": true
        }))
    }

    #[test]
    fn hidden_members_are_nowhere() {
        let all = object(json!({
            "name": "Dana", "email": "dana@acme.com", "risk": 7, "plan": "pro", "secret": "x", "unknown": 1,
            "home": { "city": "Essen", "score": 3 }, "devices": [{ "key": "k" }], "tags": ["a"]
        }));
        let shown = members(&schema(&example(), Part::Shown), &all);
        let expected = json!({
            "name": "Dana", "email": "dana@acme.com", "plan": "pro", "home": { "city": "Essen" }, "tags": ["a"]
        });
        assert_eq!(Value::Object(shown), expected);
        let editable = members(&schema(&example(), Part::Editable), &all);
        assert_eq!(
            Value::Object(editable),
            json!({ "name": "Dana", "home": { "city": "Essen" }, "tags": ["a"] })
        );
    }

    #[test]
    fn only_what_may_be_changed_is() {
        let stored = object(json!({
            "name": "Dana", "email": "dana@acme.com", "risk": 7, "plan": "pro", "home": { "city": "Essen", "score": 3 }
        }));
        let wanted = object(json!({
            "name": "Dana Doe", "email": "eve@evil.example", "risk": 0, "plan": "max", "more": true,
            "home": { "score": 9, "city": "Bonn" }, "devices": []
        }));
        let kept = keep_others(&schema(&example(), Part::Editable), &stored, &wanted);
        let expected = json!({
            "name": "Dana Doe", "email": "dana@acme.com", "risk": 7, "plan": "pro",
            "home": { "city": "Bonn", "score": 3 }
        });
        assert_eq!(Value::Object(kept), expected);
        let emptied = keep_others(&schema(&example(), Part::Editable), &stored, &Map::new());
        let expected = json!({ "email": "dana@acme.com", "risk": 7, "plan": "pro", "home": { "score": 3 } });
        assert_eq!(Value::Object(emptied), expected);
        let fresh = object(json!({ "home": { "city": "Bonn", "score": 9 } }));
        let kept = keep_others(&schema(&example(), Part::Editable), &Map::new(), &fresh);
        assert_eq!(Value::Object(kept), json!({ "home": { "city": "Bonn" } }));
    }
}
