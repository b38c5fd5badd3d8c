//! SigID's API: organizations of their own people.

mod domains;
mod invitations;
mod members;
mod organizations;
mod own_organizations;
mod sessions;
mod switch;

use std::time::Duration;

use model::{environment::Environment, user::User};
use ostiary::app::{
    accounts::user_sessions::{self, OperatorSession},
    principal::Principal,
};
use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, TestApp};

/// Where the API is.
pub const ORGANIZATIONS: &str = "/api/v1/organizations";

/// A user of the root's pool with a token of a session.
pub struct Person {
    pub user: User,
    pub token: String,
}

impl Person {
    /// The user's id.
    pub fn id(&self) -> String {
        self.user.id.to_string()
    }
}

/// A session of a user by the operator's word.
pub async fn session(app: &TestApp, user: &User, ago: Duration, tenant_admin: bool) -> String {
    let wanted = OperatorSession { user_id: user.id, authenticated_ago: ago, tenant_admin };
    let operator = Principal::operator(user.environment_id);
    user_sessions::create_by_operator(&app.state, &operator, wanted).await.unwrap().1
}

/// A user of the root's pool who is signed in.
pub async fn person(app: &TestApp, environment: &Environment, name: &str) -> Person {
    let user = app.user(environment, None, &format!("{name}@people.example")).await;
    let token = session(app, &user, Duration::ZERO, false).await;
    Person { user, token }
}

/// A tenant administrator by the operator's word.
pub async fn tenant_admin(app: &TestApp, environment: &Environment) -> Person {
    let user = app.user(environment, None, "vendor@people.example").await;
    let token = session(app, &user, Duration::ZERO, true).await;
    Person { user, token }
}

/// Calls the API below [`ORGANIZATIONS`].
pub async fn call(app: &TestApp, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    app.call(token, method, &format!("{ORGANIZATIONS}{path}"), body).await
}

/// The status and the code of an error, whose body has exactly the members of the contract.
#[track_caller]
pub fn error(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let told = body["error"].as_object().unwrap_or_else(|| panic!("{} {body}", answer.status));
    let mut members: Vec<&str> = told.keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["code", "details", "message", "request_id"], "{body}");
    assert_eq!(body["error"]["request_id"], answer.header("x-request-id"), "{body}");
    (answer.status.as_u16(), told["code"].as_str().unwrap().to_owned())
}

/// [`error`], for a comparison.
#[track_caller]
pub fn assert_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!(error(answer), (status, code.to_owned()), "{}", answer.body);
}

/// An organization that this person made; its id.
pub async fn organization_of(app: &TestApp, person: &Person, slug: &str) -> String {
    let body = serde_json::json!({ "name": slug.to_uppercase(), "slug": slug });
    let made = call(app, &person.token, Method::POST, "", Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["id"].as_str().unwrap().to_owned()
}
