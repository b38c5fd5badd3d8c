//! Organizations over SecureAuth's APIs: the rules of the contract (1.4 to 1.7, 1.9).

mod access;
mod documents;
mod guide;
mod lists;
mod metadata;
mod templates;
mod tree;
mod versions;

use model::environment::Environment;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// What every organization has (1.4); the display name and the e-mail address are there only where they are set.
const MEMBERS: [&str; 15] = [
    "authentication_mechanisms",
    "color",
    "deactivated",
    "description",
    "domains",
    "id",
    "issuer_url",
    "metadata",
    "name",
    "number_of_child_organizations",
    "parent_id",
    "subject_format",
    "subject_identifier_algorithm_salt",
    "template",
    "theme_id",
];

/// A service client that calls the API of its environment.
struct Caller<'a> {
    app: &'a TestApp,
    token: String,
    base: String,
}

impl<'a> Caller<'a> {
    /// A new client of the environment, at its system API.
    async fn new(app: &'a TestApp, environment: &Environment) -> Self {
        let token = app.system_token(environment, &["manage_organizations"]).await;
        Self { app, token, base: format!("/api/system/{}/organizations", environment.slug) }
    }

    /// The same client at the admin API.
    fn admin(&self) -> Caller<'a> {
        let base = self.base.replace("/api/system/", "/api/admin/");
        Caller { app: self.app, token: self.token.clone(), base }
    }

    async fn send(&self, method: Method, rest: &str, body: Option<Value>) -> Answer {
        self.app.call(&self.token, method, &format!("{}{rest}", self.base), body).await
    }

    /// Creates an organization, as `body` says.
    async fn create(&self, body: Value) -> Value {
        let answer = self.send(Method::POST, "", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }

    /// Asks for an organization that is refused, and returns why.
    async fn refused(&self, body: Value) -> (u16, String) {
        let answer = self.send(Method::POST, "", Some(body)).await;
        error(&answer)
    }

    async fn get(&self, id: &str) -> Value {
        let answer = self.send(Method::GET, &format!("/{id}"), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    async fn put(&self, id: &str, body: Value) -> Answer {
        self.send(Method::PUT, &format!("/{id}"), Some(body)).await
    }

    /// The names on a page of a list.
    async fn names(&self, query: &str) -> Vec<String> {
        let answer = self.send(Method::GET, query, None).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let body = answer.json();
        let organizations = body["organizations"].as_array().unwrap().iter();
        organizations.map(|organization| organization["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// The status and the code of an error, whose body has exactly the members of the contract.
#[track_caller]
fn error(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let mut members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["details", "error", "error_code", "status_code"], "{body}");
    assert_eq!(body["status_code"], answer.status.as_u16());
    assert_eq!(body["error"], answer.status.canonical_reason().unwrap());
    (answer.status.as_u16(), body["error_code"].as_str().unwrap().to_owned())
}

fn members(object: &Value) -> Vec<&str> {
    let mut members: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    members
}

/// The schema of the guide's template.
fn guide_schema() -> Value {
    json!({
        "properties": {
            "orgEntitlements": { "type": "array", "items": { "type": "string" } },
            "region": { "type": "string" },
            "salesforceId": { "type": "string", "maxLength": 18 },
        },
        "additionalProperties": false,
        "type": "object",
    })
}
