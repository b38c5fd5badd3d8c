//! The bodies of the fuzz targets: the invariants for any input bytes. `fuzz/` runs them with a fuzzer; the
//! tests here run them on samples of what identity providers send and on mutations of these, on stable Rust.
//!
//! The invariants: nothing panics, every error is a client error (4xx), and parsing is stable: a parsed value
//! that is formatted and parsed again is the same.

use base::bounded_json;
use serde_json::{Map, Value, json};

use crate::{
    BulkRequest, Error, Filter, ListQuery, PatchRequest, Path, Projection, Resource, ResourceType,
    WorkBudget, bulk::Method, comparison::is_present, filter::Quoting, json, work_budget::MAX_WORK_UNITS,
};

fn user() -> Map<String, Value> {
    let user = json!({
        "userName": "a@x.com", "externalId": "e1", "active": true, "name": {"givenName": "A", "familyName": "B"},
        "emails": [{"type": "work", "value": "a@x.com", "primary": true}, {"type": "home", "value": "a@home.x"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "D", "manager": {"value": "m1"}},
        "own": [{"a": 1}, {"a": 2}],
    });
    user.as_object().cloned().unwrap_or_default()
}

fn assert_client_error(error: &Error) {
    assert!((400..500).contains(&error.status()), "{error}");
    let _ = error.to_json();
}

/// A filter: parsed, evaluated, formatted and parsed again.
pub fn filter(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Filter::parse(&text) {
        Ok(filter) => {
            filter.matches(&Value::Object(user()));
            let written = filter.to_string();
            // Escapes make the text longer; it may be rejected only if it exceeds the limit.
            if written.len() <= crate::filter::MAX_FILTER_BYTES {
                assert_eq!(Filter::parse(&written), Ok(filter), "{written}");
            }
        }
        Err(error) => assert!(matches!(error, Error::InvalidFilter(_)), "{error}"),
    }
    match Filter::parse_with(&text, Quoting::Optional) {
        Ok(filter) => {
            filter.matches(&Value::Object(user()));
            let written = filter.to_string();
            // What was read without quotes is written with them, and is the same with either rule.
            if written.len() <= crate::filter::MAX_FILTER_BYTES {
                assert_eq!(Filter::parse(&written), Ok(filter.clone()), "{written}");
                assert_eq!(Filter::parse_with(&written, Quoting::Optional), Ok(filter), "{written}");
            }
        }
        Err(error) => {
            assert!(matches!(error, Error::InvalidFilter(_)), "{error}");
        }
    }
    if let Ok(path) = Path::parse(&text) {
        let written = path.to_string();
        if written.len() <= crate::attribute_path::MAX_PATH_BYTES {
            assert_eq!(Path::parse(&written), Ok(path), "{written}");
        }
    }
    if let Ok(projection) = Projection::parse(Some(&text), None) {
        projection.apply(Value::Object(user()));
    }
}

/// A PATCH of a user and of a group: the result has a user name, no password and no read-only attributes, and
/// is in normal form.
pub fn patch(bytes: &[u8]) {
    let body = match json::parse(bytes) {
        Ok(body) => body,
        Err(error) => return assert_client_error(&error),
    };
    let request = match PatchRequest::parse(body) {
        Ok(request) => request,
        Err(error) => return assert_client_error(&error),
    };
    for kind in ResourceType::ALL {
        let before = match kind {
            ResourceType::User => user(),
            ResourceType::Group => Map::from_iter([("displayName".to_owned(), Value::from("G"))]),
        };
        match request.apply(&Resource::from_stored(kind, before)) {
            Ok(patched) => assert_normal(&patched.resource),
            Err(error) => assert_client_error(&error),
        }
    }
}

/// A body of a POST, a PUT, a SearchRequest and a Bulk request.
pub fn resource(bytes: &[u8]) {
    let body = match json::parse(bytes) {
        Ok(body) => body,
        Err(error) => return assert_client_error(&error),
    };
    for kind in ResourceType::ALL {
        match Resource::parse_create(kind, body.clone()) {
            Ok(parsed) => assert_normal(&parsed.resource),
            Err(error) => assert_client_error(&error),
        }
    }
    if let Err(error) = Resource::from_stored(ResourceType::User, user()).parse_replace(body.clone()) {
        assert_client_error(&error);
    }
    if let Err(error) = ListQuery::from_search(body.clone()) {
        assert_client_error(&error);
    }
    match BulkRequest::parse(body, 100) {
        Ok(request) => {
            let mut order = request.execution_order();
            order.sort_unstable();
            assert!(order.into_iter().eq(0..request.operations.len()));
        }
        Err(error) => assert_client_error(&error),
    }
}

/// A whole request body, as each endpoint parses it: the bounded JSON parser, then a resource, a PATCH, a
/// SearchRequest or a Bulk request with the data of each of its operations. The parser stops at its limits,
/// and the work stays within the request's budget.
pub fn request(bytes: &[u8]) {
    let limits = bounded_json::Limits { values: 200, names: 20, ..json::LIMITS };
    let (small, read) = bounded_json::parse_counted(bytes, &limits);
    assert!(read.values <= limits.values + 1 && read.names <= read.values + 1, "{read:?}");
    let body = match json::parse(bytes) {
        Ok(body) => body,
        Err(error) => {
            assert!(small.is_err());
            return assert_client_error(&error);
        }
    };
    if let Ok(small) = small {
        assert_eq!(small, body);
    }
    resource(bytes);
    patch(bytes);
    let Ok(request) = BulkRequest::parse(body, 100) else { return };
    for operation in request.operations {
        if let Err(error) = operation.target() {
            assert_client_error(&error);
        }
        let Some(data) = operation.data else { continue };
        if operation.method == Method::Patch {
            apply(data);
        } else if let Err(error) = Resource::parse(ResourceType::User, data) {
            assert_client_error(&error);
        }
    }
}

fn apply(body: Value) {
    let request = match PatchRequest::parse(body) {
        Ok(request) => request,
        Err(error) => return assert_client_error(&error),
    };
    let before = Resource::from_stored(ResourceType::User, user());
    for limit in [50, MAX_WORK_UNITS] {
        let mut work = WorkBudget::new(limit);
        let outcome = request.apply_within(&before, &mut work);
        assert!(work.spent() <= limit);
        match outcome {
            Ok(patched) => assert_normal(&patched.resource),
            Err(error) => {
                assert_client_error(&error);
                assert!(!work.is_exhausted() || matches!(error, Error::TooLarge(_)), "{error}");
            }
        }
    }
}

fn assert_normal(resource: &Resource) {
    for name in ["id", "meta", "schemas", "groups", "password"] {
        assert!(!resource.attributes.contains_key(name), "{name}");
    }
    assert!(resource.attributes.values().all(is_present));
    let attributes = Value::Object(resource.attributes.clone());
    match Resource::parse(resource.kind, attributes.clone()) {
        Ok(again) => assert_eq!(again.resource, *resource, "{attributes}"),
        Err(error) => panic!("{attributes}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::random::{Random, SeededRandom};

    const FILTERS: &[&str] = &[
        r#"userName eq "a@x.com""#,
        r#"emails[type eq "work"].value eq "a@x.com" and not (active eq false)"#,
        r#"(id eq "A" and manager eq "B") or meta.created gt "2026-01-01T00:00:00Z""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr"#,
        r#"own.a ge 1.5 or own[a eq 2] or nickName ne null"#,
    ];

    const LOOSE_FILTERS: &[&str] = &[
        "displayName eq App Admin and audience.value eq 1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        "userName eq ann+b@x.com and not (name.familyName co O'Neil)",
        "(userName sw PRIMARY/kim or emails.value ew x.com) and active eq true",
        "users[value eq 1b4e28ba-2fa1-11d2-883f-0016d3cca427]",
        "emails[type eq 'work'].value eq a@x.com or own.a ge 7 or nickName eq null",
    ];

    const PATCHES: &[&str] = &[
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#,
        r#"{"Operations":[{"op":"add","path":"emails[type eq \"other\"].value","value":"o@x.com"},{"op":"remove","path":"own[a eq 1]"}]}"#,
        r#"{"Operations":[{"op":"replace","value":{"name.givenName":"G","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager":[{"value":"m"}],"urn:x:2.0:User":{"a":[1,{"b":null}]}}}]}"#,
        r#"{"Operations":[{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"add","path":"members","value":[{"value":"u2","display":"U"}]},{"op":"replace","path":"displayName","value":"H"}]}"#,
        r#"{"Operations":[{"op":"remove","path":"emails","value":[{"value":"a@x.com"}]},{"op":"add","path":"own","value":[{"a":3}]}]}"#,
    ];

    const BODIES: &[&str] = &[
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a","name":{"givenName":"A"},"emails":[{"value":"a@x","primary":"True"}],"groups":[],"password":"p","active":true}"#,
        r#"{"displayName":"G","members":[{"value":"u1","$ref":null},"u2"]}"#,
        r#"{"userName":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":"m","x":{"y":[[1]]}},"urn:x:y":{"z":1},"name.familyName":"B"}"#,
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"userName pr","attributes":["id"],"count":1}"#,
        r#"{"failOnErrors":1,"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"x":"bulkId:b"}},{"method":"PUT","path":"/Users/bulkId:a","bulkId":"b","data":{}}]}"#,
    ];

    const REQUESTS: &[&str] = &[
        r#"{"Operations":[{"method":"PATCH","path":"/Users/1","data":{"Operations":[{"op":"add","path":"emails","value":[{"value":"b@x.com"}]},{"op":"replace","path":"emails[type eq \"home\"].value","value":"c@x.com"}]}}]}"#,
        r#"{"Operations":[{"method":"POST","path":"/Groups","bulkId":"g","data":{"displayName":"G","members":[{"value":"bulkId:u"}]}},{"method":"POST","path":"/Users","bulkId":"u","data":{"userName":"u"}},{"method":"DELETE","path":"/Users/2","version":"W/\"1\""}]}"#,
        r#"{"Operations":[{"method":"PATCH","path":"/Groups/bulkId:g","bulkId":"p","data":{"Operations":[{"op":"remove","path":"members[display co \"x\" or value eq \"bulkId:u\"]"}]}}],"failOnErrors":0}"#,
        r#"{"userName":"a","a1":1,"A1":2,"b":{"c":{"d":[[],[{}],"",null]}},"n":123456789012345678901234567890.5e-3}"#,
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:a","urn:b"],"userName":"a","urn:x:2.0:User":{"a":1},"URN:X:2.0:USER":{"A":2},"own[a eq 1].b":"c"}"#,
    ];

    const TOKENS: &[&str] = &[
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        ",",
        ":",
        ".",
        "null",
        "true",
        "1e308",
        "-0.0",
        "\"\"",
        "[]",
        "{}",
        " eq ",
        " pr",
        " and ",
        " or ",
        "not (",
        "urn:a:2.0:B",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "userName",
        "members",
        "password",
        "emails",
        "$ref",
        "primary",
        "ä",
        "\u{212a}",
        "\u{130}",
        "\0",
        "\u{feff}",
    ];

    struct Mutator {
        random: SeededRandom,
    }

    impl Mutator {
        fn below(&self, end: usize) -> usize {
            usize::try_from(self.random.bits() % (end.max(1) as u128)).unwrap()
        }

        fn mutated(&self, corpus: &[&str]) -> Vec<u8> {
            let mut bytes = corpus[self.below(corpus.len())].as_bytes().to_vec();
            for _ in 0..=self.below(4) {
                let at = self.below(bytes.len());
                match self.below(5) {
                    0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                    1 => drop(bytes.drain(at..(at + self.below(20)).min(bytes.len()))),
                    2 => {
                        let other = corpus[self.below(corpus.len())].as_bytes();
                        let start = self.below(other.len());
                        let piece = other[start..(start + self.below(40)).min(other.len())].to_vec();
                        drop(bytes.splice(at..at, piece));
                    }
                    3 => {
                        let piece = bytes[at..(at + self.below(30)).min(bytes.len())].to_vec();
                        drop(bytes.splice(at..at, piece));
                    }
                    _ => drop(bytes.splice(at..at, TOKENS[self.below(TOKENS.len())].bytes())),
                }
            }
            bytes
        }
    }

    #[test]
    fn mutations_of_what_is_sent_break_nothing() {
        let mutator = Mutator { random: SeededRandom::new(7) };
        for (corpus, target) in [
            (FILTERS, filter as fn(&[u8])),
            (LOOSE_FILTERS, filter),
            (PATCHES, patch),
            (BODIES, resource),
            (REQUESTS, request),
            (PATCHES, request),
        ] {
            corpus.iter().for_each(|sample| target(sample.as_bytes()));
            for _ in 0..4_000 {
                target(&mutator.mutated(corpus));
            }
        }
    }

    #[test]
    fn the_corpus_is_understood() {
        assert!(FILTERS.iter().all(|text| Filter::parse(text).is_ok()));
        let is_loose = |text: &&str| {
            Filter::parse_with(text, Quoting::Optional).is_ok()
                || Path::parse_with(text, Quoting::Optional).is_ok()
        };
        assert!(LOOSE_FILTERS.iter().all(is_loose));
        assert!(
            PATCHES.iter().all(|text| PatchRequest::parse(json::parse(text.as_bytes()).unwrap()).is_ok())
        );
        assert!(BODIES.iter().all(|text| json::parse(text.as_bytes()).is_ok()));
        assert!(REQUESTS.iter().all(|text| json::parse(text.as_bytes()).is_ok()));
        let bulk = |text: &&str| BulkRequest::parse(json::parse(text.as_bytes()).unwrap(), 100).is_ok();
        assert_eq!(REQUESTS.iter().filter(|text| bulk(text)).count(), 3);
    }
}
