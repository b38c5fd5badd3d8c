use crate::attribute_path::*;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn parts(path: &AttributePath) -> (Option<&str>, &str, Option<&str>) {
    (path.schema(), path.name(), path.sub())
}

#[test]
fn names_are_read_whatever_their_form() {
    let cases = [
        ("userName", (None, "userName", None)),
        ("USERNAME", (None, "userName", None)),
        ("Name.GIVENNAME", (None, "name", Some("givenName"))),
        ("members.$REF", (None, "members", Some("$ref"))),
        ("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", (None, "name", Some("familyName"))),
        ("URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:nickname", (None, "nickName", None)),
        ("urn:ietf:params:scim:schemas:core:2.0:User:own", (None, "own", None)),
        ("department", (Some(ENTERPRISE), "department", None)),
        ("manager.displayname", (Some(ENTERPRISE), "manager", Some("displayName"))),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:costcenter",
            (Some(ENTERPRISE), "costCenter", None),
        ),
        // The older dotted form.
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department",
            (Some(ENTERPRISE), "department", None),
        ),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", (Some(ENTERPRISE), "", None)),
        ("urn:example:2.0:User", (Some("urn:example:2.0:User"), "", None)),
        ("urn:example:2.0:User:pet.name", (Some("urn:example:2.0:User"), "pet", Some("name"))),
        ("urn:example:2.0:User.pet", (Some("urn:example:2.0:User"), "pet", None)),
        ("urn:example:people:pet", (Some("urn:example:people"), "pet", None)),
        (
            "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
            (Some("http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"), "", None),
        ),
        ("own-Attribute_1", (None, "own-Attribute_1", None)),
    ];
    for (text, expected) in cases {
        let path = AttributePath::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parts(&path), expected, "{text}");
        assert_eq!(AttributePath::parse(&path.to_string()), Ok(path), "{text}");
    }
}

#[test]
fn what_is_no_name_is_refused() {
    let long = "a".repeat(MAX_PATH_BYTES + 1);
    for text in [
        "",
        ".",
        "a.",
        ".a",
        "a.b.c",
        "a b",
        "ä",
        "a\"",
        "a$b",
        "$",
        "userName.x",
        "urn:",
        ":",
        "urn:x",
        "x:y",
        "urn:a b:c:d",
        "urn:ietf:params:scim:schemas:core:2.0:User:",
        "urn:ietf:params:scim:schemas:core:2.0:User:a.b.c",
        &long,
    ] {
        assert!(matches!(AttributePath::parse(text), Err(Error::InvalidPath(_))), "{text}");
    }
}

#[test]
fn attributes_belong_to_kinds() {
    for (text, user, group) in [
        ("userName", true, false),
        ("members", false, true),
        ("displayName", true, true),
        ("externalId", true, true),
        ("department", true, false),
        ("description", true, true),
        ("urn:example:2.0:User:pet", true, true),
        ("urn:ietf:params:scim:schemas:core:2.0:Group", false, true),
    ] {
        let path = AttributePath::parse(text).unwrap();
        assert_eq!(
            (path.applies_to(ResourceType::User), path.applies_to(ResourceType::Group)),
            (user, group),
            "{text}"
        );
    }
}
