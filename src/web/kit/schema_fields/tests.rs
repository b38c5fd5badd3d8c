//! Forms of schemas that people write, and of hostile ones.

use serde_json::json;

use super::{field::FieldKind, *};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn schema() -> Map<String, Value> {
    object(json!({
        "type": "object",
        "required": ["crm", "name"],
        "$defs": { "seat": { "type": "integer", "title": "Seats" } },
        "properties": {
            "name": { "type": "string", "title": "Full name" },
            "crm": { "type": "string", "title": "CRM id", "description": "From the CRM.", "maxLength": 18 },
            "plan": { "enum": ["free", "pro"], "title": "Plan" },
            "vip": { "type": ["boolean", "null"] },
            "seats": { "$ref": "#/$defs/seat" },
            "tags": { "type": "array", "items": { "type": "string" } },
            "points": { "type": "array", "items": { "type": "integer" } },
            "address": { "type": "object", "title": "Address", "properties": { "city": { "type": "string" }, "a/b": { "type": "string" } } },
        },
    }))
}

fn post(fields: &[(&str, &str)]) -> FormValues {
    fields.iter().fold(FormValues::new(), |values, (name, value)| values.with(name, value))
}

#[test]
fn a_form_reads_what_it_shows() {
    let current = object(json!({
        "name": "Dana", "crm": "1", "plan": "pro", "vip": false, "seats": 3, "tags": ["a", "b"], "points": [1, 2],
        "address": { "city": "Bonn", "a/b": "x", "more": 1 }, "other": { "x": 1 },
    }));
    let form = SchemaForm::new("payload", "Profile", &schema(), &current);
    let names: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "payload/name",
            "payload/crm",
            "payload/address/a~1b",
            "payload/address/city",
            "payload/plan",
            "payload/points",
            "payload/seats",
            "payload/tags",
            "payload/vip",
        ]
    );
    let values = form.values(&current, FormValues::new());
    let shown: Vec<(&str, &str)> =
        names.iter().copied().chain(["payload"]).map(|name| (name, values.text(name))).collect();
    assert_eq!(form.read(&post(&shown), &current), (current.clone(), FormErrors::none()));
    // From nothing the same is made, but for what no field shows.
    let (made, errors) = form.read(&post(&shown), &Map::new());
    let mut expected = current.clone();
    expected["address"].as_object_mut().unwrap().remove("more");
    assert_eq!((made, errors), (expected, FormErrors::none()));
}

#[test]
fn what_is_changed_changes_and_the_rest_stays() {
    let current = object(json!({
        "name": 7, "address": { "city": "Bonn" }, "vip": null, "tags": ["a"], "other": 1,
    }));
    let form = SchemaForm::new("payload", "Profile", &schema(), &current);
    let (changed, errors) = form.read(
        &post(&[
            ("payload/name", "7"),
            ("payload/address/city", ""),
            ("payload/vip", "true"),
            ("payload/tags", "a\r\nb\r\n"),
            ("payload/seats", "4"),
            ("payload", "{ \"other\": 2 }"),
        ]),
        &current,
    );
    assert_eq!(errors, FormErrors::none());
    let expected = json!({ "name": 7, "vip": true, "tags": ["a", "b"], "seats": 4, "other": 2 });
    assert_eq!(Value::from(changed), expected);
    // Fields that were not sent stay; what cannot be read is told.
    let (same, errors) = form.read(
        &post(&[
            ("payload/seats", "many"),
            ("payload/plan", "gold"),
            ("payload/points", "[1"),
            ("payload", "[]"),
        ]),
        &current,
    );
    assert_eq!(same, current);
    for field in ["payload/seats", "payload/plan", "payload/points", "payload"] {
        assert!(errors.of(field).is_some(), "{field}: {errors:?}");
    }
    let (_, errors) = form.read(&post(&[("payload", "{\"name\": \"x\"}")]), &current);
    assert_eq!(errors.of("payload"), Some("Name has a field of its own above."));
}

#[test]
fn a_violation_stands_at_its_field() {
    let form = SchemaForm::new("payload", "Profile", &schema(), &Map::new());
    for (path, message, field, said) in [
        ("payload/crm", "must be short", "payload/crm", "must be short"),
        ("payload", "\"crm\" is missing", "payload/crm", "is required"),
        ("payload/address", "\"city\" is missing", "payload/address/city", "is required"),
        ("payload/points/1", "must be of type integer", "payload/points", "/1 must be of type integer"),
        ("payload", "must not have \"x\"", "payload", "must not have \"x\""),
        ("payload/other/x", "must be short", "payload", "/other/x must be short"),
    ] {
        assert_eq!(form.locate(path, message), (field.to_owned(), said.to_owned()), "{path}");
    }
    assert!(form.owns("payload/crm") && form.owns("payload") && !form.owns("payloads"));
}

#[test]
fn hostile_schemas_make_small_forms() {
    let many: Map<String, Value> =
        (0..500).map(|at| (format!("p{at:03}"), json!({ "type": "string" }))).collect();
    let form = SchemaForm::new("payload", "Profile", &object(json!({ "properties": many })), &Map::new());
    assert_eq!((form.fields.len(), form.open), (MAX_FIELDS, true));
    let endless = object(json!({
        "properties": { "a": { "$ref": "#/properties/a" }, "b": { "$ref": "https://x.example/" }, "c": { "$ref": "#/$defs/n" }, "d": 7 },
        "$defs": { "n": { "type": "object", "properties": { "n": { "$ref": "#/$defs/n" } } } },
    }));
    let form = SchemaForm::new("payload", "Profile", &endless, &Map::new());
    let names: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["payload/c/n/n"]);
    assert_eq!(form.fields[0].kind, FieldKind::Json);
}
