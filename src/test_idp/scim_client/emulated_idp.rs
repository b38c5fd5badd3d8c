//! The SCIM requests that Okta and Entra ID send.

use openssl::sha::sha256;
use reqwest::Method;
use serde_json::{Map, Value, json};
use test_idp_protocol::parties::TestUser;

const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Entra ID's own, which no standard describes.
const ENTRA_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// The job titles that a change cycles through.
const TITLES: [&str; 4] = ["Engineer", "Senior engineer", "Principal engineer", "Fellow"];

/// The provider whose requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmulatedIdp {
    /// An Okta catalogue app: PUT for users, PATCH for switching off and for groups.
    Okta,
    /// An Entra ID enterprise application without the `aadOptscim062020` flag: PATCH for everything, with
    /// capitalised operations and booleans as strings.
    Entra,
}

/// One request, below the directory's base URL.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
}

impl Request {
    pub fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), body: None }
    }

    fn with(method: Method, path: String, body: Value) -> Self {
        Self { method, path, body: Some(body) }
    }

    fn patch(path: String, operations: Value) -> Self {
        Self::with(Method::PATCH, path, json!({ "schemas": [PATCH], "Operations": operations }))
    }

    fn search(path: &str, pairs: &[(&str, &str)]) -> Self {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Self::get(&format!("{path}?{query}"))
    }
}

/// A value in a filter is a JSON string (RFC 7644 §3.4.2.2).
fn eq_filter(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", Value::from(value))
}

/// The identity provider's own id of a user or a group.
fn idp_id(prefix: &str, name: &str) -> String {
    let digest = sha256(name.as_bytes());
    prefix
        .chars()
        .chain(digest[..8].iter().flat_map(|byte| format!("{byte:02x}").chars().collect::<Vec<_>>()))
        .collect()
}

impl EmulatedIdp {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Okta, Self::Entra];

    /// Its value in the form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Okta => "okta",
            Self::Entra => "entra",
        }
    }

    /// Its display name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Okta => "Okta",
            Self::Entra => "Microsoft Entra ID",
        }
    }

    /// The style with this form value.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.name() == name)
    }

    pub(super) const fn user_agent(self) -> &'static str {
        match self {
            Self::Okta => "Okta SCIM Client 1.0.0",
            Self::Entra => "Ostiary test identity provider",
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Okta => "application/scim+json",
            Self::Entra => "application/scim+json; charset=utf-8",
        }
    }

    pub(super) fn test_connection(self) -> Request {
        match self {
            Self::Okta => Request::search("/Users", &[("startIndex", "1"), ("count", "2")]),
            Self::Entra => {
                let nobody = "5f9be1ed-3b0e-4d31-9ee1-1c3e7d06b7c2";
                Request::search("/Users", &[("filter", &eq_filter("userName", nobody))])
            }
        }
    }

    pub(super) fn find_user(self, user: &TestUser) -> Request {
        let filter = eq_filter("userName", &user.email);
        match self {
            Self::Okta => {
                Request::search("/Users", &[("filter", &filter), ("startIndex", "1"), ("count", "100")])
            }
            Self::Entra => Request::search("/Users", &[("filter", &filter)]),
        }
    }

    pub(super) fn create(self, user: &TestUser) -> Request {
        let TestUser { email, first_name, last_name, .. } = user;
        let emails = json!([{ "primary": true, "value": email, "type": "work" }]);
        let full_name = format!("{first_name} {last_name}");
        let body = match self {
            Self::Okta => json!({
                "schemas": [CORE_USER],
                "userName": email,
                "name": { "givenName": first_name, "familyName": last_name },
                "emails": emails,
                "displayName": full_name,
                "locale": "en-US",
                "externalId": idp_id("00u", email),
                "groups": [],
                "password": idp_id("", email),
                "active": true,
            }),
            Self::Entra => json!({
                "schemas": [CORE_USER, ENTERPRISE],
                "externalId": idp_id("", email),
                "userName": email,
                "active": true,
                "displayName": full_name,
                "emails": emails,
                "meta": { "resourceType": "User" },
                "name": { "formatted": full_name, "familyName": last_name, "givenName": first_name },
                "roles": [],
                "title": null,
                ENTERPRISE: { "department": user.groups.first() },
            }),
        };
        Request::with(Method::POST, "/Users".to_owned(), body)
    }

    /// Updates a stored user.
    pub(super) fn update(self, id: &str, stored: Value, user: &TestUser) -> Request {
        let full_name = format!("{} {}", user.first_name, user.last_name);
        match self {
            Self::Okta => put(id, stored, &[("displayName", json!(full_name)), ("active", json!(true))]),
            Self::Entra => Request::patch(
                format!("/Users/{id}"),
                json!([
                    { "op": "Replace", "path": "displayName", "value": full_name },
                    { "op": "Replace", "path": "active", "value": "True" },
                    { "op": "Add", "path": "emails[type eq \"work\"].value", "value": user.email },
                ]),
            ),
        }
    }

    pub(super) fn change(&self, id: &str, stored: Value, user: &TestUser) -> Request {
        // Okta: the title after the stored one. Entra does not read the user, so its title depends on the
        // name.
        let now = stored["title"].as_str().and_then(|title| TITLES.iter().position(|known| *known == title));
        match self {
            Self::Okta => {
                put(id, stored, &[("title", json!(TITLES[now.map_or(0, |at| (at + 1) % TITLES.len())]))])
            }
            Self::Entra => Request::patch(
                format!("/Users/{id}"),
                json!([
                    { "op": "Add", "path": "title", "value": TITLES[user.first_name.len() % TITLES.len()] },
                    { "op": "Replace", "path": format!("{ENTERPRISE}:department"), "value": "Special projects" },
                    { "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+49 30 1234567" },
                ]),
            ),
        }
    }

    pub(super) fn deactivate(&self, id: &str, _: Value, _: &TestUser) -> Request {
        self.set_active(id, false)
    }

    pub(super) fn reactivate(&self, id: &str, _: Value, _: &TestUser) -> Request {
        self.set_active(id, true)
    }

    fn set_active(self, id: &str, active: bool) -> Request {
        let operation = match (self, active) {
            (Self::Okta, _) => json!({ "op": "replace", "value": { "active": active } }),
            (Self::Entra, true) => json!({ "op": "Replace", "path": "active", "value": "True" }),
            (Self::Entra, false) => json!({ "op": "Replace", "path": "active", "value": "False" }),
        };
        Request::patch(format!("/Users/{id}"), json!([operation]))
    }

    pub(super) fn delete(&self, id: &str, _: Value, _: &TestUser) -> Request {
        match self {
            Self::Okta => self.set_active(id, false),
            Self::Entra => Request { method: Method::DELETE, path: format!("/Users/{id}"), body: None },
        }
    }

    pub(super) fn find_group(self, name: &str) -> Request {
        let filter = eq_filter("displayName", name);
        match self {
            Self::Okta => {
                Request::search("/Groups", &[("filter", &filter), ("startIndex", "1"), ("count", "100")])
            }
            Self::Entra => {
                Request::search("/Groups", &[("excludedAttributes", "members"), ("filter", &filter)])
            }
        }
    }

    pub(super) fn create_group(self, name: &str) -> Request {
        let body = match self {
            Self::Okta => json!({ "schemas": [CORE_GROUP], "displayName": name, "members": [] }),
            Self::Entra => json!({
                "schemas": [CORE_GROUP, ENTRA_GROUP],
                "externalId": idp_id("", name),
                "displayName": name,
                "meta": { "resourceType": "Group" },
            }),
        };
        Request::with(Method::POST, "/Groups".to_owned(), body)
    }

    pub(super) fn set_members(self, id: &str, members: &[(&TestUser, &str)]) -> Request {
        let operation = match self {
            Self::Okta => {
                let values = members.iter().map(|(user, id)| json!({ "value": id, "display": user.email }));
                json!({ "op": "replace", "path": "members", "value": values.collect::<Vec<_>>() })
            }
            Self::Entra => {
                let values = members.iter().map(|(_, id)| json!({ "$ref": null, "value": id }));
                json!({ "op": "Add", "path": "members", "value": values.collect::<Vec<_>>() })
            }
        };
        Request::patch(format!("/Groups/{id}"), json!([operation]))
    }
}

/// A PUT of the whole stored user with some attributes changed; `id`, `meta` and `groups` stay in it.
fn put(id: &str, stored: Value, changes: &[(&str, Value)]) -> Request {
    let mut body = match stored {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for (name, value) in changes {
        body.insert((*name).to_owned(), value.clone());
    }
    Request::with(Method::PUT, format!("/Users/{id}"), Value::Object(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> TestUser {
        TestUser {
            email: "ada@acme.example".into(),
            first_name: "Ada".into(),
            last_name: "Lovelace".into(),
            groups: vec!["Engineering".into()],
        }
    }

    fn operations(request: &Request) -> Value {
        assert_eq!(request.method, Method::PATCH);
        request.body.as_ref().unwrap()["Operations"].clone()
    }

    #[test]
    fn users_are_made_as_each_makes_them() {
        let okta = EmulatedIdp::Okta.create(&ada()).body.unwrap();
        assert_eq!((&okta["groups"], &okta["active"]), (&json!([]), &json!(true)));
        assert!(okta["externalId"].as_str().unwrap().starts_with("00u") && okta["password"].is_string());
        let entra = EmulatedIdp::Entra.create(&ada()).body.unwrap();
        assert_eq!(entra["schemas"], json!([CORE_USER, ENTERPRISE]));
        assert_eq!((&entra["roles"], &entra["title"]), (&json!([]), &Value::Null));
        assert_eq!(entra[ENTERPRISE], json!({ "department": "Engineering" }));
    }

    #[test]
    fn switching_off_is_what_each_calls_so() {
        let off = |style: EmulatedIdp| operations(&style.deactivate("1", Value::Null, &ada()));
        assert_eq!(off(EmulatedIdp::Okta), json!([{ "op": "replace", "value": { "active": false } }]));
        assert_eq!(off(EmulatedIdp::Entra), json!([{ "op": "Replace", "path": "active", "value": "False" }]));
        assert_eq!(EmulatedIdp::Entra.delete("1", Value::Null, &ada()).method, Method::DELETE);
        assert_eq!(operations(&EmulatedIdp::Okta.delete("1", Value::Null, &ada())), off(EmulatedIdp::Okta));
    }

    #[test]
    fn okta_puts_back_the_whole_user_that_it_read() {
        let stored = json!({ "id": "1", "meta": { "version": "x" }, "title": "Engineer", "userName": "ada" });
        let request = EmulatedIdp::Okta.change("1", stored, &ada());
        assert_eq!(request.method, Method::PUT);
        assert_eq!(
            request.body.unwrap(),
            json!({ "id": "1", "meta": { "version": "x" }, "title": "Senior engineer", "userName": "ada" })
        );
    }

    #[test]
    fn lookups_quote_what_they_look_for() {
        let user = TestUser { email: "a\"b+c@x.example".into(), ..ada() };
        assert_eq!(
            EmulatedIdp::Entra.find_user(&user).path,
            "/Users?filter=userName+eq+%22a%5C%22b%2Bc%40x.example%22"
        );
        assert!(EmulatedIdp::Entra.find_group("Engineering").path.contains("excludedAttributes=members"));
    }

    #[test]
    fn members_are_said_as_each_says_them() {
        let user = ada();
        let members = [(&user, "scim_user_1")];
        assert_eq!(
            operations(&EmulatedIdp::Okta.set_members("g", &members)),
            json!([{ "op": "replace", "path": "members", "value": [{ "value": "scim_user_1", "display": "ada@acme.example" }] }])
        );
        assert_eq!(operations(&EmulatedIdp::Okta.set_members("g", &[]))[0]["value"], json!([]));
        assert_eq!(
            operations(&EmulatedIdp::Entra.set_members("g", &members)),
            json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": "scim_user_1" }] }])
        );
    }
}
