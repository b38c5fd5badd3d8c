//! The API's answers match the OpenAPI document, field by field.

use ostiary::links::path;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, support::Answer};

/// Asserts that an answer matches the document: its status, its type, and every field of it.
pub fn assert_described(document: &Value, method: &Method, pattern: &str, answer: &Answer) {
    let at = format!("{method} {pattern}");
    let operation = &document["paths"][pattern][method.as_str().to_lowercase()];
    let described = &operation["responses"][answer.status.as_str()];
    assert!(described.is_object(), "{at}: {} is not described: {}", answer.status, answer.body);
    let kind = answer.header("content-type");
    let schema = &described["content"][kind]["schema"];
    assert!(schema.is_object(), "{at}: {kind} is not described");
    let lines =
        if kind == "application/json" { vec![answer.body.as_str()] } else { answer.body.lines().collect() };
    for line in lines {
        let value: Value = serde_json::from_str(line).unwrap();
        let schemas = &document["components"]["schemas"];
        if let Err(wrong) = check(&value, schema, schemas) {
            panic!("{at}: {wrong}\n{line}");
        }
    }
}

/// Whether a value is what a schema says (of JSON Schema, what the document uses), and an object has no field
/// that it does not name.
fn check(value: &Value, schema: &Value, schemas: &Value) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return check(value, &schemas[name], schemas).map_err(|wrong| format!("{name}: {wrong}"));
    }
    if let Some(alternatives) = schema["oneOf"].as_array() {
        let tried: Vec<_> = alternatives.iter().map(|one| check(value, one, schemas)).collect();
        return if tried.iter().any(Result::is_ok) { Ok(()) } else { Err(format!("{value}: {tried:?}")) };
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    // A whole number is a number.
    if !types.contains(&actual) && !(actual == "integer" && types.contains(&"number")) {
        return Err(format!("{value} is {actual}, not {types:?}"));
    }
    match value {
        Value::String(text) => {
            if let Some(names) = schema["enum"].as_array()
                && !names.contains(value)
            {
                return Err(format!("{text} is none of {names:?}"));
            }
            // Patterns are those of ids: ^prefix[0-9a-z]{25}$
            if let Some((prefix, _)) = schema["pattern"].as_str().and_then(|pattern| pattern.split_once('['))
            {
                let digits = text.strip_prefix(prefix.trim_start_matches('^')).unwrap_or_default();
                if digits.len() != 25 || !digits.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
                {
                    return Err(format!("{text} is not {}", schema["pattern"]));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                check(item, &schema["items"], schemas)?;
            }
        }
        Value::Object(members) => {
            let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
            if let Some(missing) = required.iter().find(|name| !members.contains_key(name.as_str().unwrap()))
            {
                return Err(format!("{missing} is missing"));
            }
            for (name, member) in members {
                let property = &schema["properties"][name];
                let more = &schema["additionalProperties"];
                // An object without a declaration of its members may have any.
                if schema["properties"].is_null() && more.is_null() {
                    continue;
                }
                match (property.is_object(), more) {
                    (true, _) => {
                        check(member, property, schemas).map_err(|wrong| format!("{name}: {wrong}"))?
                    }
                    (false, Value::Bool(true)) => {}
                    (false, Value::Object(_)) => check(member, more, schemas)?,
                    (false, _) => return Err(format!("{name} is not described")),
                }
            }
        }
        _ => {}
    }
    Ok(())
}

#[test]
fn a_check_that_finds_nothing_would_be_none() {
    let schemas = json!({ "Id": { "type": "string", "pattern": "^org_[0-9a-z]{25}$" } });
    let object = json!({
        "type": "object",
        "properties": {
            "id": { "$ref": "#/components/schemas/Id" },
            "many": { "type": "array", "items": { "type": "integer" } },
            "kind": { "type": ["string", "null"], "enum": ["a", "b", null] },
        },
        "required": ["id"],
    });
    let id = "org_12vqjrnxk9xeov6o4f05pan0g";
    for good in [
        json!({ "id": id }),
        json!({ "id": id, "many": [1], "kind": "b" }),
        json!({ "id": id, "kind": null }),
    ] {
        assert_eq!(check(&good, &object, &schemas), Ok(()));
    }
    for bad in [
        json!({}),
        json!([]),
        json!({ "id": "org_1" }),
        json!({ "id": id, "more": 1 }),
        json!({ "id": id, "many": ["x"] }),
        json!({ "id": id, "kind": "c" }),
        json!({ "id": id, "many": null }),
    ] {
        assert!(check(&bad, &object, &schemas).is_err(), "{bad}");
    }
}

both! {
    async fn anybody_reads_the_description(app: TestApp) {
        let answer = app.browser().get(&app.url(path::OPENAPI)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let document = answer.json();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        assert_eq!(document["servers"], json!([{ "url": app.base }]));
        assert_eq!(document["components"]["securitySchemes"]["managementKey"]["scheme"], "bearer");
        assert_eq!(document["paths"][path::SAML_REDEEM]["post"]["security"], json!([{ "apiKey": [] }]));
    }
}
