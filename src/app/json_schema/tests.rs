use serde_json::{Map, json};

use super::*;

fn compiled(schema: Value) -> CompiledSchema {
    CompiledSchema::compile(&schema).unwrap_or_else(|error| panic!("{error}: {schema}"))
}

fn refused(schema: Value) -> String {
    match CompiledSchema::compile(&schema) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("taken: {schema}"),
    }
}

fn violations(schema: Value, value: Value) -> Vec<String> {
    let named = compiled(schema).validate(&value);
    named.into_iter().map(|Violation { path, message }| format!("{path}: {message}")).collect()
}

fn nested(times: usize, innermost: Value, around: impl Fn(Value) -> Value) -> Value {
    (0..times).fold(innermost, |value, _| around(value))
}

#[test]
fn the_guides_schema_takes_what_it_should() {
    let schema = json!({
        "type": "object",
        "properties": {
            "salesforceId": {"type": "string", "maxLength": 18},
            "orgEntitlements": {"type": "array", "items": {"type": "string"}},
            "region": {"type": "string", "hidden": true}
        },
        "additionalProperties": false
    });
    for (value, told) in [
        (json!({"salesforceId": "001xx000003DGb2AAG", "orgEntitlements": ["premium"]}), vec![]),
        (json!({}), vec![]),
        (
            json!({"salesforceId": "001xx000003DGb2AAGX"}),
            vec!["/salesforceId: must be at most 18 characters long"],
        ),
        (json!({"x": 1}), vec![": must not have \"x\""]),
        (json!({"orgEntitlements": ["a", 1]}), vec!["/orgEntitlements/1: must be of type string"]),
        (json!([]), vec![": must be of type object"]),
    ] {
        assert_eq!(violations(schema.clone(), value), told);
    }
}

#[test]
fn what_is_wrong_is_said_in_words_and_without_the_value() {
    for (schema, value, told) in [
        (json!({"required": ["a"]}), json!({}), "\"a\" is missing"),
        (json!({"enum": ["a", 1]}), json!("secret"), "must be one of \"a\", 1"),
        (json!({"const": 1}), json!("secret"), "must be 1"),
        (json!({"type": ["string", "null"]}), json!(1), "must be of type null or string"),
        (json!({"pattern": "^a$"}), json!("secret"), "must match the pattern ^a$"),
        (json!({"uniqueItems": true}), json!([1, 1]), "must not hold the same twice"),
        (
            json!({"anyOf": [{"const": 1}, {"const": 2}]}),
            json!("secret"),
            "must fit one of the alternatives of the schema (anyOf)",
        ),
        (
            json!({"propertyNames": {"maxLength": 1}}),
            json!({"secret": 1}),
            "has a name that is not allowed: it must be at most 1 characters long",
        ),
        (json!({"properties": {"a": false}}), json!({"a": "secret"}), "must not be there"),
    ] {
        let named = compiled(schema).validate(&value);
        assert_eq!(named.len(), 1, "{named:?}");
        assert_eq!(named[0].message, told);
    }
}

#[test]
fn references_stay_within_the_schema() {
    let schema = json!({
        "$defs": {"a/b~c": {"type": "string"}, "tree": {"properties": {"next": {"$ref": "#/$defs/tree"}, "n": {"type": "integer"}}}},
        "properties": {"name": {"$ref": "#/$defs/a~1b~0c", "maxLength": 2}, "tree": {"$ref": "#/$defs/tree"}, "$ref": {"type": "null"}}
    });
    let value = json!({"name": "abc", "tree": {"next": {"next": {"n": "x"}}}, "$ref": 1});
    let mut told = violations(schema, value);
    told.sort();
    assert_eq!(
        told,
        [
            "/$ref: must be of type null",
            "/name: must be at most 2 characters long",
            "/tree/next/next/n: must be of type integer"
        ]
    );
    for reference in [
        "https://example.com/schema.json",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "other.json#/a",
        "urn:a:b",
        "#anchor",
        "#/%24defs/a",
        "//example.com/a",
        "",
    ] {
        let told = refused(json!({"$defs": {"a": {}}, "properties": {"x": {"$ref": reference}}}));
        assert!(told.starts_with("/properties/x/$ref: refers to something outside"), "{reference}: {told}");
    }
    for reference in ["#/enum/0", "#/properties", "#/properties/y", "#/unknown/0"] {
        let schema = json!({"enum": [{}], "unknown": [{}], "properties": {"x": {"$ref": reference}}});
        assert_eq!(
            refused(schema),
            "/properties/x/$ref: refers to something that is no part of the schema",
            "{reference}"
        );
    }
}

#[test]
fn what_could_change_the_meaning_of_a_reference_or_reach_out_is_ignored() {
    for schema in [
        json!({"$schema": "http://evil.example/meta", "type": "string"}),
        json!({"$id": "file:///etc/passwd", "type": "string"}),
        json!({"$dynamicRef": "http://evil.example/#x", "type": "string"}),
        json!({"$vocabulary": {"http://evil.example/": true}, "type": "string"}),
        json!({"format": "email", "contentEncoding": "base64", "hidden": 1, "type": "string"}),
    ] {
        let schema = compiled(schema);
        assert!(schema.validate(&json!("x")).is_empty());
        assert_eq!(schema.validate(&json!(1)).len(), 1);
    }
}

#[test]
fn what_is_no_schema_is_refused_by_its_place() {
    for (schema, told) in [
        (json!(true), "/: a schema must be an object"),
        (json!({"properties": []}), "/properties: must be an object of schemas"),
        (json!({"properties": {"a": 1}}), "/properties/a: a schema must be an object, true or false"),
        (json!({"allOf": {}}), "/allOf: must be a list of schemas"),
        (
            json!({"properties": {"a": {"type": "strin"}}}),
            "/properties/a/type: must be one of array, boolean, integer, null, number, object, string, or a list of them",
        ),
        (json!({"minLength": -1}), "/minLength: must be at least 0"),
        (json!({"required": "a"}), "/required: must be of type array"),
        (json!({"$ref": 1}), "/$ref: must be a string"),
    ] {
        assert_eq!(refused(schema), told);
    }
}

#[test]
fn patterns_that_are_not_linear_are_refused() {
    for pattern in
        ["(?=a)b", "(?!a)b", "(?<=a)b", r"(a)\1", "(a", "(a|b)*a(a|b){5000}", r"((\w{1,99}){1,99}){1,99}"]
    {
        let told = refused(json!({"properties": {"x": {"pattern": pattern}}}));
        assert!(told.starts_with("/properties/x/pattern: must be a regular expression without"), "{told}");
        let told = refused(json!({"patternProperties": {pattern: {}}}));
        assert!(told.contains("must be a regular expression without"), "{told}");
    }
    let schema = compiled(json!({"pattern": "^(a+)+$"}));
    assert_eq!(schema.validate(&json!("a".repeat(60_000) + "!")).len(), 1);
}

#[test]
fn schemas_are_bounded() {
    assert_eq!(
        refused(json!({"description": "x".repeat(MAX_SCHEMA_BYTES)})),
        "the schema must be at most 64 KiB"
    );
    let deep = nested(11, json!({}), |schema| json!({"not": {"not": schema}}));
    assert_eq!(refused(deep), "the schema must not be nested deeper than 20");
    let deep = nested(1000, json!(1), |value| json!([value]));
    assert_eq!(refused(json!({ "const": deep })), "the schema must not be nested deeper than 20");

    let many: Map<String, Value> = (0..1000).map(|n| (format!("p{n}"), json!({}))).collect();
    assert_eq!(refused(json!({"properties": many})), "the schema must have at most 1000 subschemas");
    let many: Vec<Value> = (0..21).map(|n| json!({"pattern": format!("a{n}")})).collect();
    assert!(refused(json!({"allOf": many})).contains("at most 20 patterns"));
    let targets: Map<String, Value> = (0..17).map(|n| (format!("d{n}"), json!({}))).collect();
    let names: Map<String, Value> =
        (0..17).map(|n| (format!("p{n}"), json!({"$ref": format!("#/$defs/d{n}")}))).collect();
    assert_eq!(
        refused(json!({"$defs": targets, "properties": names})),
        "the references of a schema must name at most 16 subschemas"
    );
}

#[test]
fn a_schema_does_not_apply_itself_to_the_same_value() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"if": {"$ref": "#/$defs/a"}}}}),
        json!({"dependentSchemas": {"a": {"$ref": "#"}}}),
    ] {
        assert!(refused(schema).ends_with("applies itself to the same value again"));
    }
}

/// A schema whose definitions apply the next one twice, by `around`, and the last of which is `innermost`.
fn doubling(steps: usize, innermost: Value, around: impl Fn(Value) -> Value) -> Value {
    let mut definitions: Map<String, Value> = (0..steps)
        .map(|n| (format!("d{n}"), around(json!({"$ref": format!("#/$defs/d{}", n + 1)}))))
        .collect();
    definitions.insert(format!("d{steps}"), innermost);
    json!({"$defs": definitions, "properties": {"x": {"$ref": "#/$defs/d0"}}})
}

#[test]
fn schemas_that_explode_are_refused_or_cost_nothing() {
    let told =
        refused(doubling(15, json!({"type": "string"}), |next| json!({"allOf": [next.clone(), next]})));
    assert!(told.starts_with("at most 16 schemas"), "{told}");
    // Doubled in the schema, but each child is looked at once.
    let schema = compiled(doubling(
        15,
        json!({"type": "string"}),
        |next| json!({"properties": {"x": next.clone(), "y": next}}),
    ));
    assert_eq!(schema.validate(&nested(17, json!(1), |value| json!({"x": value}))).len(), 1);
    // Twice as many looks with each level.
    let schema = compiled(json!({"properties": {"x": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}));
    assert!(schema.validate(&nested(10, json!(1), |value| json!({"x": value}))).is_empty());
    let told = schema.validate(&nested(20, json!(1), |value| json!({"x": value})));
    assert_eq!(told[0].message, "holds too much to be checked against so complex a schema");
    let schema =
        compiled(json!({"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}, {"const": 1}]}));
    let told = schema.validate(&nested(20, json!(2), |value| json!([value])));
    assert_eq!(told[0].message, "holds too much to be checked against so complex a schema");
}

#[test]
fn the_deepest_schemas_and_values_fit_the_stack() {
    // References from one to the next on each level, as many on the same value as may be.
    let chain = doubling(6, json!({"items": {"$ref": "#/properties/x"}}), |next| json!({"allOf": [next]}));
    let schema = compiled(chain);
    let value = nested(19, json!(1), |value| json!([value]));
    assert!(schema.validate(&json!({"x": value})).is_empty());
    let inner = nested(8, json!({"type": "string"}), |schema| json!({"properties": {"x": schema}}));
    let steps = doubling(15, inner, |next| nested(8, next, |schema| json!({"properties": {"x": schema}})));
    assert_eq!(compiled(steps).validate(&json!({"x": 1})), []);
}

#[test]
fn large_values_are_refused_or_checked_quickly() {
    let of_any = compiled(json!({}));
    assert_eq!(
        of_any.validate(&nested(21, json!(1), |value| json!([value])))[0].message,
        "must not be nested deeper than 20"
    );
    assert!(of_any.validate(&nested(20, json!(1), |value| json!([value]))).is_empty());
    assert_eq!(of_any.validate(&json!("x".repeat(MAX_VALUE_BYTES)))[0].message, "must be at most 64 KiB");

    let numbers: Vec<usize> = (0..12_000).collect();
    assert!(compiled(json!({"uniqueItems": true})).validate(&json!(numbers)).is_empty());
    let named = compiled(json!({"items": {"type": "string"}})).validate(&json!(numbers));
    assert_eq!(named.len(), MAX_VIOLATIONS);
    let schema = compiled(json!({"items": {"enum": (0..5000).map(|n| format!("e{n}")).collect::<Vec<_>>()}}));
    let told = schema.validate(&json!(numbers));
    assert_eq!(told[0].message, "holds too much to be checked against so complex a schema");
    let alternatives: Vec<Value> = (0..8).map(|n| json!({"const": n})).collect();
    let told = compiled(json!({"items": {"anyOf": alternatives}})).validate(&json!(numbers[..2500]));
    assert_eq!(told[0].message, "does not fit the schema; it holds too much for each fault to be named");
}

#[test]
fn messages_are_short() {
    let long = "x".repeat(5000);
    let told = compiled(json!({"const": long})).validate(&json!(1));
    assert_eq!(told[0].message.chars().count(), 300);
    let told = compiled(json!({"additionalProperties": {"type": "string"}})).validate(&json!({ long: 1 }));
    assert_eq!(told[0].path.chars().count(), 300);
}
