use crate::resource::*;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

#[test]
fn an_answer_has_what_the_server_adds() {
    let user = Resource::parse(ResourceType::User, json!({"userName": "a", ENTERPRISE: {"division": "D"}}))
        .unwrap()
        .resource;
    let metadata = ResourceMetadata {
        id: "u1",
        created: Timestamp::from_millis(0),
        last_modified: Timestamp::from_millis(1),
        location: "https://x/Users/u1",
        version: "W/\"1\"",
    };
    assert_eq!(
        user.to_json(&metadata),
        json!({
            "schemas": [USER, ENTERPRISE], "id": "u1", "userName": "a", ENTERPRISE: {"division": "D"},
            "meta": {"resourceType": "User", "created": "1970-01-01T00:00:00.000Z",
                "lastModified": "1970-01-01T00:00:00.001Z", "location": "https://x/Users/u1", "version": "W/\"1\""},
        })
    );
}

#[test]
fn addresses_are_told_apart() {
    let body = json!({"userName": "a", "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x", "primary": true}, {"display": "c"}]});
    let user = Resource::parse(ResourceType::User, body).unwrap().resource;
    assert_eq!(
        user.emails(),
        [
            EmailEntry { value: "a@x".into(), primary: false, kind: Some("work".into()) },
            EmailEntry { value: "b@x".into(), primary: true, kind: None },
        ]
    );
}
