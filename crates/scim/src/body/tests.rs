use serde_json::json;

use crate::{Member, body::*, resource::MAX_KEY_BYTES};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn attributes(kind: ResourceType, body: Value) -> Value {
    match Resource::parse(kind, body.clone()) {
        Ok(parsed) => Value::Object(parsed.resource.attributes),
        Err(error) => panic!("{body}: {error}"),
    }
}

#[test]
fn a_user_takes_its_normal_form() {
    let cases = [
        // What Okta sends: empty lists, empty strings, a password, read-only parts.
        (
            json!({
                "schemas": [USER], "userName": "a@example.com", "name": {"givenName": "A", "familyName": "B", "middleName": ""},
                "emails": [{"primary": true, "value": "a@example.com", "type": "work", "display": "a"}], "displayName": "A B",
                "locale": "en-US", "externalId": "00u1", "groups": [], "password": "S3cret", "active": true,
                "id": "other", "meta": {"resourceType": "User"},
            }),
            json!({
                "userName": "a@example.com", "name": {"givenName": "A", "familyName": "B"},
                "emails": [{"primary": true, "value": "a@example.com", "type": "work", "display": "a"}], "displayName": "A B",
                "locale": "en-US", "externalId": "00u1", "active": true,
            }),
        ),
        // What Entra sends (§2.2): nulls, booleans in quotes, forms of manager.
        (
            json!({
                "schemas": [USER, ENTERPRISE], "userName": "a", "active": "True", "nickName": null, "roles": [],
                "emails": [{"primary": "True", "type": "work", "value": "a@x.com"}, {"type": "home", "value": null, "primary": false}],
                "phoneNumbers": [{"type": "mobile", "value": null}],
                ENTERPRISE: {"department": null, "manager": "m1"},
            }),
            json!({
                "userName": "a", "active": true, "emails": [{"primary": true, "type": "work", "value": "a@x.com"}],
                ENTERPRISE: {"manager": {"value": "m1"}},
            }),
        ),
        (
            json!({"userName": "a", ENTERPRISE: {"manager": [{"$ref": "https://x/m1", "value": "m1", "displayName": "M"}]}}),
            json!({"userName": "a", ENTERPRISE: {"manager": {"$ref": "https://x/m1", "value": "m1", "displayName": "M"}}}),
        ),
        (
            json!({"userName": "a", ENTERPRISE: {"manager": {"$ref": null, "value": ""}}}),
            json!({"userName": "a"}),
        ),
        (json!({"userName": "a", ENTERPRISE: {}}), json!({"userName": "a"})),
        (json!({"userName": "a", ENTERPRISE: null}), json!({"userName": "a"})),
        // What OneLogin's templates send (§2.3).
        (
            json!({"USERNAME": "a", "emails": {"value": "a@x.com"}, "title": null, "employeeNumber": 42}),
            json!({"userName": "a", "emails": [{"value": "a@x.com"}], ENTERPRISE: {"employeeNumber": "42"}}),
        ),
        (
            json!({"userName": "a", "emails": {"value": "a@x.com"}}),
            json!({"userName": "a", "emails": [{"value": "a@x.com"}]}),
        ),
        (json!({"userName": ["a"], "active": [false]}), json!({"userName": "a", "active": false})),
        // Names that are paths.
        (
            json!({"userName": "a", "name.givenName": "A", format!("{ENTERPRISE}:department"): "D", format!("{USER}:title"): "T"}),
            json!({"userName": "a", "name": {"givenName": "A"}, ENTERPRISE: {"department": "D"}, "title": "T"}),
        ),
        // Attributes without a definition are kept, without their unassigned parts.
        (
            json!({
                "userName": "a", "Colour": "red", "empty": {"a": null, "b": []},
                "urn:example:2.0:User": {"Pet": {"name": "Tom", "age": null}, "list": [1, null, "x"], "schemas": ["urn:example:2.0:User"]},
                "http://example.com/person": {"a": 1},
            }),
            json!({
                "userName": "a", "Colour": "red", "urn:example:2.0:User": {"Pet": {"name": "Tom"}, "list": [1, "x"]},
                "http://example.com/person": {"a": 1},
            }),
        ),
        // Duplicates are merged; attributes of the other resource type are ignored.
        (
            json!({"userName": "a", "members": [{"value": "u"}], "emails": [
                {"value": "A@x.com", "type": "work"}, {"value": "a@x.com", "type": "work", "primary": true}, {"value": "a@x.com"}]}),
            json!({"userName": "a", "emails": [{"value": "a@x.com", "type": "work", "primary": true}, {"value": "a@x.com"}]}),
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(attributes(ResourceType::User, body.clone()), expected, "{body}");
    }
}

#[test]
fn a_group_takes_its_normal_form() {
    let body = json!({
        "schemas": [GROUP.to_uppercase(), "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "e", "displayName": "G", "userName": "nobody", "description": "d",
        "members": [{"value": "u1", "display": "U", "$ref": null}, "u2", {"value": "u1"}],
    });
    let mut group = Resource::parse(ResourceType::Group, body).unwrap().resource;
    assert_eq!(group.display_name(), Some("G"));
    assert_eq!(group.members().len(), 2);
    let members = group.take_members();
    assert_eq!(members[0].to_json(), json!({"value": "u1", "display": "U"}));
    assert_eq!(members[1], Member::new("u2"));
    assert_eq!(
        Value::Object(group.attributes),
        json!({"displayName": "G", "externalId": "e", "description": "d"})
    );
}

#[test]
fn a_password_below_an_extension_or_an_attribute_is_not_kept() {
    const CUSTOM: &str = "urn:example:2.0:User";
    for body in [
        json!({ CUSTOM: { "password": "S3cret", "x": "y" } }),
        json!({ CUSTOM: { "PassWord": { "value": "S3cret" }, "x": "y" } }),
        json!({ format!("{CUSTOM}:password"): "S3cret" }),
        json!({ format!("{CUSTOM}:login.password"): "S3cret" }),
        json!({ CUSTOM: { "logins": [{ "id": 1, "password": "S3cret" }] } }),
        json!({ "name": { "givenName": "A", "password": "S3cret" } }),
        json!({ "name.password": "S3cret" }),
        json!({ "emails": [{ "value": "a@x.example", "PASSWORD": "S3cret" }] }),
        json!({ "credentials": { "a": [[{ "password": "S3cret" }]], "b": 1 } }),
        json!({ "credentials.password": "S3cret" }),
    ] {
        let mut body = body;
        body["userName"] = json!("a");
        let parsed = Resource::parse(ResourceType::User, body.clone()).unwrap();
        let kept = Value::Object(parsed.resource.attributes).to_string();
        assert!(!kept.contains("S3cret"), "{body} → {kept}");
        assert_eq!(parsed.password, None, "{body}");
    }
}

#[test]
fn a_password_is_handed_over_and_not_kept() {
    let parsed = Resource::parse(ResourceType::User, json!({"userName": "a", "PassWord": "S3cret"})).unwrap();
    assert_eq!(parsed.password.as_deref(), Some("S3cret"));
    assert!(!format!("{parsed:?}").contains("S3cret"));
    assert!(!Value::Object(parsed.resource.attributes).to_string().contains("S3cret"));
}

#[test]
fn what_does_not_fit_is_refused() {
    let long = "x".repeat(MAX_KEY_BYTES + 1);
    let many: Vec<_> =
        (0..=crate::normalise::MAX_ELEMENTS).map(|n| json!({"value": n.to_string()})).collect();
    let value = |body: Value| (body, "invalidValue");
    let syntax = |body: Value| (body, "invalidSyntax");
    let cases = [
        value(json!({})),
        value(json!({"userName": null})),
        value(json!({"userName": ""})),
        value(json!({"userName": "  "})),
        value(json!({"userName": 1.5})),
        value(json!({"userName": 12345})),
        value(json!({"userName": "a", "displayName": 12})),
        value(json!({"userName": "a", "emails": "a@x.com"})),
        value(json!({"userName": "a", "emails": ["a@x.com"]})),
        value(json!({"userName": "a", "roles": "admin"})),
        value(json!({"userName": true})),
        value(json!({"userName": {}})),
        value(json!({"userName": ["a", "b"]})),
        value(json!({"userName": long})),
        value(json!({"userName": "a", "externalId": long})),
        value(json!({"userName": "a", "emails": [{"value": long}]})),
        value(json!({"userName": "a", "active": "yes"})),
        value(json!({"userName": "a", "active": 1})),
        value(json!({"userName": "a", "name": "A"})),
        value(json!({"userName": "a", "name": [1, 2]})),
        value(json!({"userName": "a", "emails": [{"value": {}}]})),
        value(json!({"userName": "a", "emails": [true]})),
        value(
            json!({"userName": "a", "emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
        ),
        value(json!({"userName": "a", "roles": many})),
        value(json!({"userName": "a", "own": many})),
        value(json!({"userName": "a", ENTERPRISE: "x"})),
        value(json!({"userName": "a", "urn:example:2.0:User": []})),
        syntax(json!([])),
        syntax(json!("x")),
        syntax(json!({"schemas": [GROUP], "userName": "a"})),
        syntax(json!({"schemas": ["urn:unknown"], "userName": "a"})),
        syntax(json!({"schemas": [1], "userName": "a"})),
        syntax(json!({"schemas": {}, "userName": "a"})),
        syntax(json!({"userName": "a", "username": "b"})),
        syntax(json!({"userName": "a", format!("{USER}:userName"): "b"})),
        syntax(json!({"userName": "a", "name": {"givenName": "A", "givenname": "B"}})),
        syntax(json!({"userName": "a", "own": {"x": 1, "X": 2}})),
        syntax(json!({"userName": "a", "not a name": 1})),
        syntax(json!({"userName": "a", "": 1})),
    ];
    for (body, keyword) in cases {
        let error = Resource::parse(ResourceType::User, body.clone()).expect_err(&body.to_string());
        assert_eq!(error.scim_type(), Some(keyword), "{error}");
    }
    let error =
        Resource::parse(ResourceType::Group, json!({"displayName": "G", "members": [{"display": "x"}]}));
    assert!(matches!(error, Err(Error::InvalidValue(_))));
}

#[test]
fn who_is_made_is_active_and_who_is_replaced_stays_what_he_was() {
    let made = Resource::parse_create(ResourceType::User, json!({"userName": "a"})).unwrap().resource;
    assert_eq!(made.attributes["active"], true);
    let off =
        Resource::parse_create(ResourceType::User, json!({"userName": "a", "active": "False", "title": "T"}))
            .unwrap()
            .resource;
    assert!(!off.active());
    let replaced = off.parse_replace(json!({"userName": "b"})).unwrap().resource;
    assert_eq!(Value::Object(replaced.attributes), json!({"userName": "b", "active": false}));
    let on = off.parse_replace(json!({"userName": "b", "active": true})).unwrap().resource;
    assert!(on.active());
    let group = Resource::parse_create(ResourceType::Group, json!({"displayName": "g"})).unwrap().resource;
    assert_eq!(group.attributes.get("active"), None);
}

#[test]
fn a_normal_form_is_its_own() {
    let body = json!({
        "userName": "a", "emails": [{"value": "x@y", "type": "work"}, {"value": "z@y"}], "own": {"deep": [{"x": [1]}]},
        ENTERPRISE: {"manager": "m"}, "addresses": [{"type": "work", "locality": "L"}, {"type": "home"}],
    });
    let once = attributes(ResourceType::User, body);
    assert_eq!(attributes(ResourceType::User, once.clone()), once);
    assert_eq!(once["addresses"], json!([{"type": "work", "locality": "L"}]));
}
