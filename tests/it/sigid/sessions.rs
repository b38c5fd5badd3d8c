//! Sessions by password, and who one is.

use std::time::Duration;

use model::{
    account::CredentialState,
    environment::Environment,
    user::{IdentifierKind, UserStatus},
};
use ostiary::app::{
    accounts::{
        credentials::{ImportedCredential, NewCredential},
        users::{self, NewAddress, NewIdentifier, NewUser},
    },
    principal::Principal,
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{assert_error, person};
use crate::{
    both,
    support::{Answer, TestApp},
};

pub const PASSWORD: &str = "violet kettle under snow";

/// A user of the root's pool with a verified address and a password.
pub async fn with_password(app: &TestApp, environment: &Environment, email: &str) {
    let mut new = NewUser::new(UserStatus::Active);
    new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, email));
    new.addresses.push(NewAddress::email(email, true));
    new.credentials.push(NewCredential {
        credential: ImportedCredential::Password(PASSWORD.to_owned()),
        state: CredentialState::Valid,
        expires_at: None,
    });
    let operator = Principal::operator(environment.id);
    users::create_in_first_pool(&app.state, &operator, None, &new).await.unwrap();
}

/// Begins a session.
pub async fn begin(app: &TestApp, body: Value) -> Answer {
    let browser = app.browser();
    let request = browser.request(Method::POST, &app.url("/api/v1/sessions"));
    browser.send(request.header(header::CONTENT_TYPE, "application/json").body(body.to_string())).await
}

both! {
    async fn a_session_begins_by_a_password_and_ends(app: TestApp) {
        let environment = app.environment("prod").await;
        with_password(&app, &environment, "dana@people.example").await;
        let good = json!({ "email": "dana@people.example", "password": PASSWORD, "tenant": "prod" });
        let begun = begin(&app, good.clone()).await;
        assert_eq!(begun.status, 201, "{}", begun.body);
        let told = begun.json();
        assert_eq!((&told["token_type"], &told["expires_in"], &told["amr"]), (&json!("Bearer"), &json!(3600), &json!(["pwd"])));
        let token = told["access_token"].as_str().unwrap();
        let me = app.call(token, Method::GET, "/api/v1/me", None).await.json();
        assert_eq!((&me["email"], &me["id"], &me["tenant_admin"]), (&json!("dana@people.example"), &told["user_id"], &json!(false)));
        let current = app.call(token, Method::GET, "/api/v1/sessions/current", None).await.json();
        assert_eq!((&current["id"], &current["access_token"]), (&told["id"], &Value::Null));
        let made = app.call(token, Method::POST, "/api/v1/organizations", Some(json!({ "name": "Acme" }))).await;
        assert_eq!(made.status, 201);

        // Of another user's session nothing is told.
        let other = person(&app, &environment, "other").await;
        let path = format!("/api/v1/sessions/{}", told["id"].as_str().unwrap());
        assert_error(&app.call(&other.token, Method::DELETE, &path, None).await, 404, "not_found");
        assert_eq!(app.call(token, Method::DELETE, "/api/v1/sessions/current", None).await.status, 204);
        assert_error(&app.call(token, Method::GET, "/api/v1/me", None).await, 401, "unauthenticated");

        let second = begin(&app, good.clone()).await.json();
        let third = begin(&app, good).await.json();
        let path = format!("/api/v1/sessions/{}", second["id"].as_str().unwrap());
        assert_eq!(app.call(third["access_token"].as_str().unwrap(), Method::DELETE, &path, None).await.status, 204);
        let ended = app.call(second["access_token"].as_str().unwrap(), Method::GET, "/api/v1/me", None).await;
        assert_error(&ended, 401, "unauthenticated");
    }

    async fn what_is_wrong_is_not_told(app: TestApp) {
        let environment = app.environment("prod").await;
        with_password(&app, &environment, "dana@people.example").await;
        let of = |email: &str, password: &str| json!({ "email": email, "password": password, "tenant": "prod" });
        let wrong = begin(&app, of("dana@people.example", "wrong password here")).await;
        let unknown = begin(&app, of("nobody@people.example", "wrong password here")).await;
        assert_error(&wrong, 401, "unauthenticated");
        assert_error(&unknown, 401, "unauthenticated");
        assert_eq!(wrong.json()["error"]["message"], unknown.json()["error"]["message"]);
        assert_error(&begin(&app, json!({ "email": "x", "password": "y", "tenant": "none" })).await, 404, "not_found");
        assert_error(&begin(&app, json!({ "email": "x" })).await, 422, "validation_failed");
        let browser = app.browser();
        let form = browser.post(&app.url("/api/v1/sessions"), &[("email", "x"), ("password", "y")]).await;
        assert_error(&form, 415, "unsupported_media_type");
        // Users of an organization's own pool sign in there.
        let tenant = app.tenant(&environment, "acme.example").await;
        app.user(&environment, Some(tenant.organization.id), "eve@acme.example").await;
        assert_error(&begin(&app, of("eve@acme.example", PASSWORD)).await, 401, "unauthenticated");
        let changed = Environment { password_sessions: false, ..environment };
        app.update_environment(&changed).await;
        assert_error(&begin(&app, of("dana@people.example", PASSWORD)).await, 403, "password_sessions_disabled");
    }

    async fn wrong_passwords_are_held_up(app: TestApp) {
        let environment = app.environment("prod").await;
        with_password(&app, &environment, "dana@people.example").await;
        let of = |password: &str| json!({ "email": "dana@people.example", "password": password, "tenant": "prod" });
        let mut limited = 0;
        for number in 0..40 {
            let answer = begin(&app, of(&format!("wrong password {number}"))).await;
            limited += u32::from(answer.status == 429);
        }
        assert!(limited > 0, "nobody guesses for long");
        assert_error(&begin(&app, of(PASSWORD)).await, 429, "rate_limited");
        app.advance(Duration::from_secs(3600));
        assert_eq!(begin(&app, of(PASSWORD)).await.status, 201);
    }

    async fn users_make_no_organizations_where_the_tenant_says_so(app: TestApp) {
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let changed = Environment { user_organizations: false, ..environment.clone() };
        app.update_environment(&changed).await;
        let make = Some(json!({ "name": "Acme" }));
        let refused = app.call(&alice.token, Method::POST, "/api/v1/organizations", make.clone()).await;
        assert_error(&refused, 403, "forbidden");
        let client = app.system_token(&environment, &["organizations:write"]).await;
        assert_eq!(app.call(&client, Method::POST, "/api/v1/organizations", make).await.status, 201);
    }

    async fn a_write_that_is_sent_again_is_made_once(app: TestApp) {
        let environment = app.environment("prod").await;
        let (alice, bob) = (person(&app, &environment, "alice").await, person(&app, &environment, "bob").await);
        let make = async |token: &str, name: &str| {
            let browser = app.browser();
            let request = browser.request(Method::POST, &app.url("/api/v1/organizations"));
            let request = request.header(header::AUTHORIZATION, format!("Bearer {token}")).header("Idempotency-Key", "k-1");
            browser.send(request.json(&json!({ "name": name }))).await
        };
        let first = make(&alice.token, "Acme").await;
        let again = make(&alice.token, "Acme").await;
        assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
        assert_eq!(first.json()["id"], again.json()["id"]);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_error(&make(&alice.token, "Other").await, 422, "idempotency_key_reused");
        // A key is its caller's.
        assert_ne!(make(&bob.token, "Acme").await.json()["id"], first.json()["id"]);
        let all = app.call(&alice.token, Method::GET, "/api/v1/organizations", None).await.json();
        assert_eq!(all["data"].as_array().unwrap().len(), 1);
    }
}
