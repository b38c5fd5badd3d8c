use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Error, filter::*};

fn user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "u-A1",
        "externalId": "Ext1",
        "userName": "Jens@Example.com",
        "displayName": "Jens Ärger",
        "active": true,
        "name": {"givenName": "Jens", "familyName": "O'Mal%_ley"},
        "emails": [
            {"type": "work", "value": "jens@example.com", "primary": true},
            {"type": "home", "value": "jens@home.example"},
            {"value": "untyped@example.org"}
        ],
        "phoneNumbers": [],
        "meta": {"resourceType": "User", "created": "2026-01-31T23:30:00.000Z", "version": "W/\"1\""},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Sales",
            "employeeNumber": "701984",
            "manager": {"value": "u-B", "displayName": "Bo"}
        },
        "urn:example:2.0:User": {"level": 7, "since": "2026-01-01T00:00:00Z", "tags": ["a", "B"], "flag": false, "pets": [{"kind": "cat", "value": "Tom"}]},
        "custom": "x"
    })
}

#[test]
fn a_resource_matches_what_is_true_of_it() {
    let cases = [
        // Case of names, operators, values (RFC 7643 §2.1, §2.2).
        (r#"userName eq "jens@example.com""#, true),
        (r#"USERNAME Eq "JENS@EXAMPLE.COM""#, true),
        (r#"id eq "u-A1""#, true),
        (r#"id eq "u-a1""#, false),
        (r#"externalId eq "ext1""#, false),
        (r#"displayName co "ÄRGER""#, true),
        // URN-qualified names.
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "jens""#, true),
        (r#"URN:IETF:params:scim:schemas:extension:enterprise:2.0:user:DEPARTMENT eq "sales""#, true),
        (r#"department eq "sales""#, true),
        (r#"urn:example:2.0:User:level ge 7"#, true),
        (r#"urn:example:2.0:User:level gt 7"#, false),
        (r#"urn:example:2.0:User:level eq 7.0"#, true),
        (r#"urn:example:2.0:user:tags eq "b""#, true),
        (r#"urn:example:2.0:User:flag eq false"#, true),
        (r#"urn:example:2.0:User:since lt "2026-01-01T01:00:00+00:30""#, true),
        (r#"urn:example:2.0:User:pets eq "tom""#, true),
        (r#"urn:example:2.0:User:pets[kind eq "cat" and value sw "t"]"#, true),
        // Operators.
        (r#"userName ne "jens@example.com""#, false),
        (r#"nickName ne "x""#, true),
        (r#"nickName eq "x""#, false),
        (r#"nickName co "x""#, false),
        (r#"userName ew "example.com""#, true),
        (r#"userName gt "a""#, true),
        (r#"userName lt "a""#, false),
        (r#"userName le "jens@example.com""#, true),
        (r#"name.familyName co "%_""#, true),
        (r#"name.givenName co "%""#, false),
        (r#"name.familyName co "o'm""#, true),
        // Presence.
        ("userName pr", true),
        ("nickName pr", false),
        ("phoneNumbers pr", false),
        ("emails pr", true),
        ("emails.type pr", true),
        ("name.middleName pr", false),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr", true),
        // null is unassigned.
        ("nickName eq null", true),
        ("nickName ne null", false),
        ("userName eq null", false),
        ("userName ne null", true),
        ("phoneNumbers eq null", true),
        // Booleans, also quoted.
        ("active eq true", true),
        (r#"active eq "True""#, true),
        ("active ne true", false),
        ("active eq FALSE", false),
        // Dates as moments, with any offset; without one they are UTC.
        (r#"meta.created eq "2026-02-01T00:30:00+01:00""#, true),
        (r#"meta.created gt "2026-02-01T00:00:00+01:00""#, true),
        (r#"meta.created ge "2026-01-31T23:30:00""#, true),
        (r#"meta.created lt "2026-01-31T23:30:00Z""#, false),
        // Multi-valued: any value may match, for `ne` too.
        (r#"emails.value eq "JENS@home.example""#, true),
        (r#"emails eq "jens@home.example""#, true),
        (r#"emails co "example.org""#, true),
        (r#"emails.type ne "work""#, true),
        (r#"emails.type eq "work" and emails.value eq "jens@home.example""#, true),
        // A value path must match one element.
        (r#"emails[type eq "work" and value eq "jens@home.example"]"#, false),
        (r#"emails[type eq "home" and value co "home"]"#, true),
        (r#"emails[type eq "fax" or not (type pr)]"#, true),
        (r#"emails[not (type eq "work") and primary eq true]"#, false),
        (r#"emails[type eq "work"].value eq "jens@example.com""#, true),
        (r#"emails[type eq "work"].value eq "jens@home.example""#, false),
        (r#"emails[type eq "work" and primary eq "True"].value sw "jens""#, true),
        (r#"emails[type eq "work"].value pr"#, true),
        (r#"phoneNumbers[type eq "work"]"#, false),
        (r#"name[givenName eq "jens"]"#, true),
        (r#"emails[type eq "work"] and active eq true"#, true),
        (r#"emails[type eq "fax"] or active eq true"#, true),
        // A complex attribute is compared by its value.
        (r#"manager eq "u-B""#, true),
        (r#"manager eq "u-b""#, false),
        (r#"id eq "u-A1" and manager eq "u-B""#, true),
        (r#"schemas eq "URN:ietf:params:scim:schemas:core:2.0:user""#, true),
        // not > and > or; grouping.
        ("active eq false and active eq false or active eq true", true),
        ("active eq true or active eq false and active eq false", true),
        ("(active eq true or active eq false) and active eq false", false),
        ("not (active eq false) and active eq true", true),
        ("not(active eq true) or not (active eq false)", true),
        ("NOT (active eq true AND userName pr)", false),
        ("((((active eq true))))", true),
        // Attributes without a definition.
        (r#"custom eq "X""#, true),
        (r#"custom eq 1"#, false),
        (r#"custom ne 1"#, true),
        // An integer for text.
        ("employeeNumber eq 701984", true),
        // Strings are JSON strings.
        (r#"displayName eq "Jens \u00c4rger""#, true),
        (r#"meta.version eq "W/\"1\"""#, true),
        (r#"displayName eq "\\""#, false),
        // White space.
        ("  active\teq   true  ", true),
        ("( active eq true )and( userName pr )", true),
    ];
    let user = user();
    for (text, expected) in cases {
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(filter.matches(&user), expected, "{text}");
        assert_eq!(Filter::parse(&filter.to_string()), Ok(filter), "{text}");
    }
}

#[test]
fn what_is_no_filter_is_refused() {
    let long = format!(r#"userName eq "{}""#, "x".repeat(MAX_FILTER_BYTES));
    let deep = format!("{}active eq true{}", "(".repeat(100_000 / 16), ")".repeat(100_000 / 16));
    let parentheses = "(".repeat(MAX_FILTER_BYTES);
    let nots = "not (".repeat(MAX_FILTER_BYTES / 5);
    let terms = vec!["a pr"; MAX_FILTER_TERMS + 1].join(" or ");
    let cases = [
        "",
        " ",
        "userName",
        "userName eq",
        "userName eq ",
        r#"eq "x""#,
        r#"userName "x""#,
        r#"userName is "x""#,
        r#"userName eq"x""#,
        "userName eq jens",
        "userName eq 'jens'",
        r#"userName eq "jens"#,
        r#"userName eq "je\ns" x"#,
        r#"userName eq "\x""#,
        r#"userName eq "\ud800""#,
        r#"userName eq "\u0000""#,
        "userName eq \"a\nb\"",
        r#"userName eq "a" and"#,
        r#"userName eq "a" and and active eq true"#,
        r#"userName eq "a" userName eq "b""#,
        r#"(userName eq "a""#,
        r#"userName eq "a")"#,
        "()",
        "not active eq true",
        "emails[]",
        "emails[type eq \"work\"",
        "emails[type eq \"work\"]]",
        "emails[type eq \"work\"].",
        "emails[type eq \"work\"].value",
        "emails[type eq \"work\"]value eq \"x\"",
        "emails[value[type eq \"x\"]]",
        "emails[emails.type eq \"x\"]",
        "emails.value[type eq \"x\"]",
        "userName[value eq \"x\"]",
        "urn:ietf:params:scim:schemas:core:2.0:User[userName eq \"x\"]",
        // Incompatible comparisons.
        "active gt true",
        "active sw \"t\"",
        "active eq \"yes\"",
        "active eq 1",
        "userName eq true",
        "userName eq 1.5",
        "userName co null",
        "nickName gt null",
        "name eq \"x\"",
        "meta.created gt \"yesterday\"",
        "meta.created sw \"2026\"",
        "x509Certificates.value gt \"A\"",
        "custom gt true",
        "custom co 1",
        "userName.x eq \"a\"",
        "id.x pr",
        "urn:ietf:params:scim:schemas:core:2.0:User eq \"x\"",
        "a.b.c eq \"x\"",
        "user:name eq \"x\"",
        "größe eq 1",
        "custom eq 1e999",
        "custom eq {}",
        "custom eq [1]",
        // Attributes that must not be probed.
        "password pr",
        "password sw \"s\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:PASSWORD eq null",
        // Over the limits.
        &long,
        &deep,
        &parentheses,
        &nots,
        &terms,
    ];
    for text in cases {
        let shown: String = text.chars().take(80).collect();
        assert!(matches!(Filter::parse(text), Err(Error::InvalidFilter(_))), "{shown}");
    }
}

#[test]
fn and_binds_closer_than_or_and_not_closer_than_and() {
    let shape = |text: &str| Filter::parse(text).unwrap().to_string();
    assert_eq!(shape("a pr or b pr and c pr"), "a pr or b pr and c pr");
    assert!(matches!(Filter::parse("a pr or b pr and c pr").unwrap(), Filter::Or(parts) if parts.len() == 2));
    assert!(matches!(Filter::parse("a pr and b pr or c pr").unwrap(), Filter::Or(parts) if parts.len() == 2));
    assert!(matches!(Filter::parse("not (a pr) and b pr").unwrap(), Filter::And(parts) if parts.len() == 2));
    assert!(matches!(Filter::parse("a pr or b pr or c pr").unwrap(), Filter::Or(parts) if parts.len() == 3));
    assert_eq!(shape("(a pr or b pr) and c pr"), "(a pr or b pr) and c pr");
    assert_eq!(shape("(a pr and b pr) and c pr"), "(a pr and b pr) and c pr");
}

#[test]
fn names_and_literals_are_those_of_the_definitions() {
    let written = |text: &str| Filter::parse(text).unwrap().to_string();
    for (text, expected) in [
        (r#"MEMBERS EQ "g""#, r#"members.value eq "g""#),
        (r#"urn:ietf:params:scim:schemas:core:2.0:Group:displayname eq "g""#, r#"displayName eq "g""#),
        (r#"active eq "False""#, "active eq false"),
        (
            r#"Manager.VALUE eq "m""#,
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "m""#,
        ),
        (r#"emails[TYPE eq "work"].Value eq "x""#, r#"emails[type eq "work" and value eq "x"]"#),
    ] {
        assert_eq!(written(text), expected, "{text}");
    }
}

#[test]
fn paths_are_those_of_the_resource() {
    let filter = Filter::parse(r#"emails[type eq "a"] and not (userName pr or manager eq "x")"#).unwrap();
    let mut seen = Vec::new();
    filter.paths(&mut |path| seen.push(path.to_string()));
    assert_eq!(
        seen,
        ["emails", "userName", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"]
    );
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "id",
        "externalId",
        "userName",
        "displayName",
        "nickName",
        "name.givenName",
        "emails",
        "emails.type",
        "phoneNumbers.value",
        "department",
        "manager",
        "urn:example:2.0:User:level",
        "urn:ietf:params:scim:schemas:core:2.0:User:title",
        "members",
        "custom",
        "custom.part",
    ])
}

fn term() -> impl Strategy<Value = String> {
    let text = prop_oneof![any::<String>(), "[a-cA-C%_\\\\\"]{0,3}"];
    let text = text.prop_map(|text| Value::from(text.replace('\0', "")).to_string());
    let operator = prop::sample::select(vec!["eq", "NE", "co", "sw", "Ew", "gt", "ge", "lt", "le"]);
    let sub = prop::sample::select(vec!["type", "value", "display", "$ref", "other"]);
    prop_oneof![
        (name(), operator.clone(), text.clone())
            .prop_map(|(name, operator, text)| format!("{name} {operator} {text}")),
        name().prop_map(|name| format!("{name} pr")),
        (name(), any::<bool>())
            .prop_map(|(name, ne)| format!("{name} {} null", if ne { "ne" } else { "eq" })),
        any::<bool>().prop_map(|value| format!("active eq {value}")),
        any::<f64>()
            .prop_filter("JSON has no others", |number| number.is_finite())
            .prop_map(|number| format!("custom ge {}", Value::from(number))),
        any::<i64>().prop_map(|number| format!("custom lt {number}")),
        (0_u32..28, -12_i32..12).prop_map(|(day, zone)| format!(
            r#"meta.created ge "2026-02-{:02}T10:00:00{}{:02}:30""#,
            day + 1,
            if zone < 0 { '-' } else { '+' },
            zone.abs()
        )),
        (sub, operator, text.clone(), any::<bool>()).prop_map(|(sub, operator, text, not)| if not {
            format!("emails[not (primary eq true) or {sub} {operator} {text}]")
        } else {
            format!("emails[{sub} {operator} {text} and type pr].value ne {text}")
        }),
    ]
}

fn any_filter() -> impl Strategy<Value = String> {
    term().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.join(" and ")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.join(" or ")),
            inner.clone().prop_map(|part| format!("({part})")),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(text in any_filter()) {
        let filter = Filter::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
    }

    #[test]
    fn not_is_the_opposite(text in any_filter()) {
        let user = user();
        let filter = Filter::parse(&text).unwrap();
        let not = Filter::parse(&format!("not ({text})")).unwrap();
        prop_assert_ne!(filter.matches(&user), not.matches(&user));
    }

    #[test]
    fn and_and_or_are_what_they_say(one in any_filter(), other in any_filter()) {
        let user = user();
        let holds = |text: &str| Filter::parse(text).unwrap().matches(&user);
        prop_assert_eq!(holds(&format!("({one}) and ({other})")), holds(&one) && holds(&other));
        prop_assert_eq!(holds(&format!("({one}) or ({other})")), holds(&one) || holds(&other));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = Filter::parse(&text);
    }

    #[test]
    fn no_tokens_make_the_reader_panic(tokens in prop::collection::vec(prop::sample::select(vec![
        "(", ")", "[", "]", "not", "and", "or", "emails", "userName", "eq", "pr", "co", "\"", "\"x\"", "\\", ".", ":", "urn:", " ", " ", " ", "true", "1", "null", "ä", "$ref",
    ]), 0..40)) {
        if let Ok(filter) = Filter::parse(&tokens.concat()) {
            filter.matches(&user());
            prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
        }
    }
}

#[test]
fn values_may_stand_without_quotes() {
    for (text, strict) in [
        (
            "displayName eq App Admin and audience.value eq 1b4e28ba-2fa1-11d2-883f-0016d3cca427",
            r#"displayName eq "App Admin" and audience.value eq "1b4e28ba-2fa1-11d2-883f-0016d3cca427""#,
        ),
        ("userName eq ann", r#"userName eq "ann""#),
        ("  userName  EQ   ann   lee  ", r#"userName eq "ann lee""#),
        ("userName eq ann+b@x.com", r#"userName eq "ann+b@x.com""#),
        ("userName eq 100%25", r#"userName eq "100%25""#),
        ("userName eq true", r#"userName eq "true""#),
        ("userName eq 7", r#"userName eq "7""#),
        ("nickName eq null", "nickName eq null"),
        ("active eq true", "active eq true"),
        ("active eq 'False'", "active eq false"),
        ("own.a eq 7", "own.a eq 7"),
        ("own.a eq seven", r#"own.a eq "seven""#),
        (
            "userName eq Andor Nottingham and active eq true",
            r#"userName eq "Andor Nottingham" and active eq true"#,
        ),
        ("userName eq \"Salt and Pepper\"", r#"userName eq "Salt and Pepper""#),
        ("userName eq 'Salt and Pepper'", r#"userName eq "Salt and Pepper""#),
        ("userName eq O'Neil", r#"userName eq "O'Neil""#),
        (
            "userName eq 'a' AND (nickName co b c OR nickName pr)",
            r#"userName eq "a" and (nickName co "b c" or nickName pr)"#,
        ),
        ("meta.created gt 2026-01-01T00:00:00Z", r#"meta.created gt "2026-01-01T00:00:00Z""#),
        (
            "emails[type eq work and value co x].value eq a",
            r#"emails[type eq "work" and value co "x" and value eq "a"]"#,
        ),
    ] {
        let loose =
            Filter::parse_with(text, Quoting::Optional).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(Ok(&loose), Filter::parse(strict).as_ref(), "{text}");
        // Whoever writes quotes is understood all the same.
        assert_eq!(Filter::parse_with(strict, Quoting::Optional), Ok(loose), "{strict}");
    }
}

#[test]
fn what_stands_without_quotes_has_bounds() {
    for text in [
        "",
        "userName",
        "userName eq",
        "userName eq ",
        "userName eq and active eq true",
        "userName eq a and",
        "userName eq do not disturb",
        "userName eq \"a",
        "userName eq a\"",
        "userName eq \"a\"b",
        "userName eq 'a",
        "userName eq 'a'b",
        "userName eq a\"b\"",
        "userName eq a (b)",
        "userName eq a)",
        "(userName eq a",
        "users[value eq a",
        "userName eq a\0b",
        "userName is a",
        "active co true",
        "active eq perhaps",
        "meta.created gt yesterday",
        "password eq a",
    ] {
        let read = Filter::parse_with(text, Quoting::Optional);
        assert!(matches!(read, Err(Error::InvalidFilter(_))), "{text}: {read:?}");
    }
    let long = format!("userName eq {}", "a ".repeat(MAX_FILTER_BYTES));
    assert!(Filter::parse_with(&long, Quoting::Optional).is_err());
    let many = vec!["userName eq a"; MAX_FILTER_TERMS + 1].join(" and ");
    assert!(Filter::parse_with(&many, Quoting::Optional).is_err());
    // Nobody else is understood more loosely than before.
    assert!(Filter::parse("userName eq ann").is_err());
    assert!(Filter::parse("userName eq 'ann'").is_err());
}
