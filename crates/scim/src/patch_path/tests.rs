use serde_json::json;

use crate::patch_path::*;

#[test]
fn a_path_chooses_values() {
    let path = Path::parse(r#"Emails[TYPE eq "work" and primary eq "True"].VALUE"#).unwrap();
    assert_eq!(path.to_string(), r#"emails[type eq "work" and primary eq true].value"#);
    assert_eq!(Path::parse(&path.to_string()), Ok(path.clone()));
    assert!(path.selects(&json!({"type": "Work", "primary": true})));
    assert!(!path.selects(&json!({"type": "work"})));
    let path = Path::parse(r#"urn:ietf:params:scim:schemas:core:2.0:Group:members[value eq "a]b"]"#).unwrap();
    assert!(path.selects(&json!({"value": "a]b"})));
    let path = Path::parse(r#"urn:example:2.0:User:pets[kind eq "cat"].name"#).unwrap();
    assert_eq!(path.attribute().schema(), Some("urn:example:2.0:User"));
    assert!(Path::parse(" members ").unwrap().filter().is_none());
}

#[test]
fn a_path_that_chooses_nothing_is_refused() {
    let deep = format!("emails[{}type eq \"x\"]", "(".repeat(1000));
    for (text, filter) in [
        ("emails[", true),
        ("emails[]", true),
        ("emails[type]", true),
        ("emails[type eq \"work\"", true),
        ("emails[type eq work]", true),
        ("emails[value[type eq \"x\"]]", true),
        (&deep, true),
        ("[type eq \"x\"]", false),
        ("emails.value[type eq \"x\"]", false),
        ("emails[type eq \"x\"]value", false),
        ("emails[type eq \"x\"].a.b", false),
        ("emails[type eq \"x\"][type eq \"y\"]", false),
        ("userName[value eq \"x\"]", false),
        ("urn:ietf:params:scim:schemas:core:2.0:User[userName eq \"x\"]", false),
    ] {
        match Path::parse(text) {
            Err(Error::InvalidFilter(_)) if filter => {}
            Err(Error::InvalidPath(_)) if !filter => {}
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn the_filter_of_a_path_may_have_no_quotes() {
    let loose = |text: &str| Path::parse_with(text, Quoting::Optional);
    assert_eq!(loose("users[value eq u-1]"), Path::parse(r#"users[value eq "u-1"]"#));
    assert_eq!(loose("members[value eq 'u-1']"), Path::parse(r#"members[value eq "u-1"]"#));
    assert!(loose("users[value eq]").is_err());
    assert!(loose("users[value eq u-1] x").is_err());
    assert!(Path::parse("users[value eq u-1]").is_err());
}
