//! The rows of the table of errors (§1.7) and of the codes of each route (§1.8), where no other test has them.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::both;

const PASSWORD: &str = "violet kettle under snow";
const OTHER: &str = "a green kettle on thick ice";
const NOBODY: &str = "00000000000000000000000000000001";
const POOLS: &str = "/api/identity/prod/system/pools";

/// A program with the scopes of the whole surface, and a pool with a user who has a password.
struct Scene<'a> {
    app: &'a TestApp,
    token: String,
    pool: String,
    user: String,
}

impl<'a> Scene<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let token = app.system_token(&environment, &["manage_configuration", "view_audit_events"]).await;
        let mut scene = Self { app, token, pool: String::new(), user: String::new() };
        scene.pool = scene.made(POOLS, json!({ "name": "Customers" })).await;
        scene.user = scene.person("dana@acme.com").await;
        scene
    }

    async fn person(&self, email: &str) -> String {
        let body = json!({
            "status": "active",
            "identifiers": [{ "type": "email", "identifier": email }],
            "verifiable_addresses": [{ "type": "email", "address": email, "verified": true }],
            "credentials": [{ "type": "password", "password": PASSWORD }],
        });
        self.made(&format!("{POOLS}/{}/users", self.pool), body).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.call(&self.token, method, path, body).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// The id of what is made there.
    async fn made(&self, path: &str, body: Value) -> String {
        let made = self.post(path, body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// The path of the user, or below it.
    fn of_user(&self, rest: &str) -> String {
        format!("{POOLS}/{}/users/{}{rest}", self.pool, self.user)
    }

    fn in_pool(&self, rest: &str) -> String {
        format!("{POOLS}/{}{rest}", self.pool)
    }

    async fn code(&self, kind: &str) -> String {
        let made = self
            .post(&self.of_user("/code/generate"), json!({ "type": kind, "address": "dana@acme.com" }))
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()["code"].as_str().unwrap().to_owned()
    }
}

/// Asserts that a proof of a user is refused, and not the caller's token.
#[track_caller]
fn assert_refused(answer: &Answer, code: &str, path: &str) {
    assert_eq!(error(answer), (422, code.to_owned()), "{}", answer.body);
    assert_eq!(answer.json()["details"]["errors"][0]["path"], path, "{}", answer.body);
    assert_eq!(answer.header("www-authenticate"), "", "a client would get another token and ask again");
}

both! {
    async fn a_wrong_proof_of_a_user_is_422_with_a_code_of_its_own_on_every_route(app: TestApp) {
        let scene = Scene::new(&app).await;
        let (user, wrong) = (json!("dana@acme.com"), "000000000");
        for (path, body) in [
            (scene.in_pool("/user/password/reset/confirm"), json!({ "identifier": user, "code": wrong, "new_password": OTHER })),
            (scene.in_pool("/user/password/reset/complete"), json!({ "identifier": user, "code": wrong, "new_password": OTHER })),
            (scene.in_pool("/user/password/reset/complete"), json!({ "identifier": "nobody", "code": wrong, "new_password": OTHER })),
            (scene.in_pool("/user/totp/reset/complete"), json!({ "identifier": user, "code": wrong, "new_totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" })),
            (scene.in_pool("/user/webauthn/add/complete"), json!({ "identifier": user, "code": wrong, "new_web_authn": {} })),
            (scene.in_pool("/user/activate"), json!({ "code": wrong })),
            (scene.of_user("/activate"), json!({ "code": wrong })),
            (scene.of_user("/address/verification/complete"), json!({ "address": user, "code": wrong })),
        ] {
            app.advance(Duration::from_secs(60));
            let answer = scene.post(&path, body).await;
            if path.ends_with("/webauthn/add/complete") && answer.json()["error_code"] == "passkeys_unavailable" {
                continue;
            }
            assert_refused(&answer, "invalid_code", "code");
        }
        app.advance(Duration::from_secs(600));
        let change = json!({ "old_password": OTHER, "new_password": OTHER });
        assert_refused(&scene.post(&scene.of_user("/change-password"), change).await, "password_incorrect", "old_password");
        let change = json!({ "totp": "123456", "new_totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" });
        assert_refused(&scene.post(&scene.of_user("/totp/change"), change).await, "invalid_code", "totp");
        // The one of them that only asks says it in the answer.
        let asked = scene.post(&scene.in_pool("/user/password/v2/verify"), json!({ "identifier": user, "password": OTHER })).await;
        assert_eq!((asked.status.as_u16(), &asked.json()["result"]), (200, &json!("password_incorrect")));
    }

    async fn too_many_guesses_are_429_with_the_time_to_wait(app: TestApp) {
        let scene = Scene::new(&app).await;
        let routes = [
            (scene.in_pool("/user/password/v2/verify"), json!({ "identifier": "dana@acme.com", "password": OTHER })),
            (scene.of_user("/change-password"), json!({ "old_password": OTHER, "new_password": OTHER })),
            (scene.of_user("/totp/change"), json!({ "totp": "123456", "new_totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" })),
            (scene.in_pool("/user/password/reset/complete"), json!({ "identifier": "dana@acme.com", "code": "1", "new_password": OTHER })),
            (scene.in_pool("/user/totp/reset/complete"), json!({ "identifier": "dana@acme.com", "code": "1", "new_totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" })),
            (scene.of_user("/activate"), json!({ "code": "1" })),
            (scene.of_user("/address/verification/complete"), json!({ "address": "dana@acme.com", "code": "1" })),
        ];
        for _ in 0..10 {
            assert_eq!(scene.post(&routes[0].0, routes[0].1.clone()).await.status, 200);
        }
        for (path, body) in routes {
            let limited = scene.post(&path, body).await;
            assert_eq!(error(&limited), (429, "too_many_requests".to_owned()), "{path}: {}", limited.body);
            let seconds: u64 = limited.header("retry-after").parse().unwrap();
            assert!((1..=3600).contains(&seconds), "{seconds}");
        }
    }

    async fn what_is_not_there_is_404_with_its_kind(app: TestApp) {
        let scene = Scene::new(&app).await;
        let organizations = "/api/system/prod/organizations";
        let user = |pool: &str, rest: &str| format!("{POOLS}/{pool}/users/{NOBODY}{rest}");
        let own = |rest: &str| user(&scene.pool, rest);
        let some = json!({ "name": "x", "status": "new", "schema": {}, "identifier": "dana@acme.com", "type": "email" });
        let address = json!({ "type": "email", "address": "dana@acme.com" });
        for (method, path, body, code) in [
            (Method::GET, format!("{organizations}/{NOBODY}"), json!({}), "organization_not_found"),
            (Method::PUT, format!("{organizations}/{NOBODY}"), some.clone(), "organization_not_found"),
            (Method::DELETE, format!("{organizations}/{NOBODY}"), json!({}), "organization_not_found"),
            (Method::PUT, format!("{organizations}/{NOBODY}/metadata"), json!({}), "organization_not_found"),
            (Method::POST, organizations.to_owned(), json!({ "name": "x", "parent_id": NOBODY }), "parent_not_found"),
            (Method::POST, organizations.to_owned(), json!({ "name": "x", "template_id": NOBODY }), "template_not_found"),
            (Method::GET, format!("/api/system/prod/servers/{NOBODY}/audit-events"), json!({}), "organization_not_found"),
            (Method::GET, format!("/api/identity/prod/system/workspace/{NOBODY}/pools"), json!({}), "organization_not_found"),
            (Method::POST, POOLS.to_owned(), json!({ "name": "x", "workspace_id": NOBODY }), "organization_not_found"),
            (Method::POST, POOLS.to_owned(), json!({ "name": "x", "payload_schema_id": NOBODY }), "schema_not_found"),
            (Method::GET, format!("{POOLS}/{NOBODY}"), json!({}), "pool_not_found"),
            (Method::PUT, format!("{POOLS}/{NOBODY}"), some.clone(), "pool_not_found"),
            (Method::DELETE, format!("{POOLS}/{NOBODY}"), json!({}), "pool_not_found"),
            (Method::GET, format!("{POOLS}/{NOBODY}/users"), json!({}), "pool_not_found"),
            (Method::POST, format!("{POOLS}/{NOBODY}/users"), some.clone(), "pool_not_found"),
            (Method::POST, format!("{POOLS}/{NOBODY}/users/by_key"), json!({ "identifier": "x" }), "pool_not_found"),
            (Method::POST, format!("{POOLS}/{NOBODY}/user/register"), some.clone(), "pool_not_found"),
            (Method::POST, format!("{POOLS}/{NOBODY}/user/password/v2/verify"), json!({ "identifier": "x", "password": "x" }), "pool_not_found"),
            (Method::GET, format!("/api/identity/prod/system/schemas/{NOBODY}"), json!({}), "schema_not_found"),
            (Method::PUT, format!("/api/identity/prod/system/schemas/{NOBODY}"), some.clone(), "schema_not_found"),
            (Method::DELETE, format!("/api/identity/prod/system/schemas/{NOBODY}"), json!({}), "schema_not_found"),
            (Method::GET, own(""), json!({}), "user_not_found"),
            (Method::PUT, own(""), json!({}), "user_not_found"),
            (Method::DELETE, own(""), json!({}), "user_not_found"),
            (Method::POST, scene.in_pool("/users/by_key"), json!({ "identifier": "nobody" }), "user_not_found"),
            (Method::POST, own("/identifiers/add"), some.clone(), "user_not_found"),
            (Method::POST, own("/identifiers/remove"), some.clone(), "user_not_found"),
            (Method::POST, own("/addresses/add"), address.clone(), "user_not_found"),
            (Method::POST, own("/addresses/update"), address.clone(), "user_not_found"),
            (Method::POST, own("/addresses/remove"), address.clone(), "user_not_found"),
            (Method::PUT, own("/password/state"), json!({ "state": "valid" }), "user_not_found"),
            (Method::POST, own("/code/generate"), json!({ "type": "reset_password" }), "user_not_found"),
            (Method::POST, scene.in_pool("/user/code/generate"), json!({ "type": "reset_password", "identifier": "nobody" }), "user_not_found"),
            (Method::POST, scene.of_user("/identifiers/remove"), json!({ "type": "uid", "identifier": "nobody" }), "identifier_not_found"),
            (Method::POST, scene.of_user("/addresses/remove"), json!({ "address": "nobody@acme.com" }), "address_not_found"),
            (Method::POST, scene.of_user("/address/verification/request"), json!({ "address": "nobody@acme.com" }), "address_not_found"),
            (Method::DELETE, scene.of_user("/webauthn/none"), json!({}), "passkey_not_found"),
            (Method::PUT, scene.of_user("/webauthn/none/name"), json!({ "name": "x" }), "passkey_not_found"),
        ] {
            let body = (method != Method::GET && method != Method::DELETE).then_some(body);
            let answer = scene.call(method.clone(), &path, body).await;
            assert_eq!(error(&answer), (404, code.to_owned()), "{method} {path}: {}", answer.body);
        }
    }

    async fn a_version_that_is_none_any_more_is_412_on_every_resource(app: TestApp) {
        let scene = Scene::new(&app).await;
        let schema = scene.made("/api/identity/prod/system/schemas", json!({ "name": "s", "schema": {} })).await;
        let organization = scene.made("/api/system/prod/organizations", json!({ "name": "acme" })).await;
        let organization = format!("/api/system/prod/organizations/{organization}");
        let schema = format!("/api/identity/prod/system/schemas/{schema}");
        let address = json!({ "type": "email", "address": "dana@acme.com" });
        let identifier = json!({ "type": "uid", "identifier": "dana" });
        for (method, path, body) in [
            (Method::GET, organization.clone(), json!({})),
            (Method::PUT, organization.clone(), json!({ "name": "b" })),
            (Method::PUT, format!("{organization}/metadata"), json!({})),
            (Method::DELETE, organization, json!({})),
            (Method::PUT, schema.clone(), json!({ "name": "b", "schema": {} })),
            (Method::DELETE, schema, json!({})),
            (Method::PUT, scene.in_pool(""), json!({ "name": "b" })),
            (Method::DELETE, scene.in_pool(""), json!({})),
            (Method::DELETE, format!("/api/identity/prod/admin/workspace/root/pools/{}", scene.pool), json!({})),
            (Method::PUT, scene.of_user(""), json!({ "status": "inactive" })),
            (Method::DELETE, scene.of_user(""), json!({})),
            (Method::POST, scene.of_user("/identifiers/add"), identifier.clone()),
            (Method::POST, scene.of_user("/identifiers/remove"), json!({ "type": "email", "identifier": "dana@acme.com" })),
            (Method::POST, scene.of_user("/addresses/add"), json!({ "type": "mobile", "address": "+491701234567" })),
            (Method::POST, scene.of_user("/addresses/update"), json!({ "type": "email", "address": "dana@acme.com", "status": "inactive" })),
            (Method::POST, scene.of_user("/addresses/remove"), address),
        ] {
            let browser = app.browser();
            let request = browser.request(method.clone(), &app.url(&path)).bearer_auth(&scene.token);
            let request = request.header(header::IF_MATCH, "W/\"77\"").header(header::CONTENT_TYPE, "application/json");
            let answer = browser.send(request.body(body.to_string())).await;
            assert_eq!(error(&answer), (412, "etag_mismatch".to_owned()), "{method} {path}: {}", answer.body);
        }
        assert_eq!(scene.call(Method::GET, &scene.of_user(""), None).await.header("etag"), "W/\"1\"", "nothing changed");
    }

    async fn what_is_taken_or_in_use_is_409_and_what_is_too_large_413(app: TestApp) {
        let scene = Scene::new(&app).await;
        let (organizations, schemas) = ("/api/system/prod/organizations", "/api/identity/prod/system/schemas");
        let id = "0123456789abcdef0123456789abcdef";
        let schema = scene.made(schemas, json!({ "id": id, "name": "s", "schema": {} })).await;
        scene.made(POOLS, json!({ "id": id, "name": "p", "payload_schema_id": schema })).await;
        scene.made(&scene.in_pool("/users"), json!({ "id": id, "status": "new" })).await;
        scene.made(organizations, json!({ "id": "acme", "name": "acme" })).await;
        let other = scene.person("doe@acme.com").await;
        let taken = json!({ "type": "email", "identifier": "dana@acme.com" });
        for (method, path, body, code) in [
            (Method::POST, organizations.to_owned(), json!({ "id": "acme", "name": "b" }), "organization_exists"),
            (Method::POST, organizations.to_owned(), json!({ "name": "ACME" }), "organization_name_exists"),
            (Method::POST, schemas.to_owned(), json!({ "id": id, "name": "b", "schema": {} }), "schema_exists"),
            (Method::POST, schemas.to_owned(), json!({ "id": "user_v0", "name": "b", "schema": {} }), "schema_exists"),
            (Method::DELETE, format!("{schemas}/{id}"), json!({}), "failed_precondition"),
            (Method::PUT, format!("{schemas}/user_v0"), json!({ "name": "b", "schema": {} }), "failed_precondition"),
            (Method::POST, POOLS.to_owned(), json!({ "id": id, "name": "b" }), "pool_exists"),
            (Method::POST, scene.in_pool("/users"), json!({ "id": id, "status": "new" }), "user_exists"),
            (Method::POST, scene.in_pool("/users"), json!({ "status": "new", "identifiers": [taken] }), "user_identifier_exists"),
            (Method::POST, format!("{POOLS}/{}/users/{other}/identifiers/add", scene.pool), taken.clone(), "user_identifier_exists"),
            (Method::POST, scene.in_pool("/user/register"), json!({ "identifier": "new@acme.com" }), "failed_precondition"),
        ] {
            let body = (method != Method::DELETE).then_some(body);
            let answer = scene.call(method.clone(), &path, body).await;
            assert_eq!(error(&answer), (409, code.to_owned()), "{method} {path}: {}", answer.body);
        }
        let large = json!({ "name": "x".repeat(2_000_000) });
        for path in [organizations, schemas, POOLS] {
            assert_eq!(error(&scene.post(path, large.clone()).await).0, 413, "{path}");
        }
        let kind = send(&app, &app.browser(), ("post", organizations), Some(&scene.token), "text/plain", b"{}").await;
        assert_eq!(error(&kind), (415, "unsupported_media_type".to_owned()));
    }

    async fn an_id_that_another_environment_has_is_refused_as_one_of_ones_own(app: TestApp) {
        let scene = Scene::new(&app).await;
        let other = app.environment("other").await;
        let stranger = app.system_token(&other, &["manage_configuration"]).await;
        let theirs = |path: &str| path.replace("/prod/", "/other/");
        let (organizations, schemas) = ("/api/system/prod/organizations", "/api/identity/prod/system/schemas");
        let make = async |path: String, body: Value| {
            let made = app.call(&stranger, Method::POST, &path, Some(body)).await;
            assert_eq!(made.status, 201, "{}", made.body);
            made.json()["id"].as_str().unwrap().to_owned()
        };
        let pool = make(theirs(POOLS), json!({ "name": "theirs" })).await;
        let users = format!("{}/{pool}/users", theirs(POOLS));
        let (own, foreign) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
        for (path, their_path, body) in [
            (schemas.to_owned(), theirs(schemas), json!({ "name": "s", "schema": {} })),
            (POOLS.to_owned(), theirs(POOLS), json!({ "name": "p" })),
            (scene.in_pool("/users"), users, json!({ "status": "new" })),
        ] {
            let with = |id: &str| {
                let mut body = body.clone();
                body["id"] = json!(id);
                body
            };
            scene.made(&path, with(own)).await;
            make(their_path, with(foreign)).await;
            let (of_own, of_foreign) = (scene.post(&path, with(own)).await, scene.post(&path, with(foreign)).await);
            assert_eq!(of_own.status, 409, "{path}");
            assert_eq!(of_own.body, of_foreign.body, "{path}: it is not told who has it");
            assert_eq!(of_foreign.status, 409);
        }
        // The id of an organization is the environment's own affair.
        for id in [own, "acme"] {
            make(theirs(organizations), json!({ "id": id, "name": id })).await;
            scene.made(organizations, json!({ "id": id, "name": id })).await;
        }
    }

    async fn one_time_codes_prove_what_they_were_made_for(app: TestApp) {
        let scene = Scene::new(&app).await;
        let code = scene.code("reset_password").await;
        let body = json!({ "identifier": "dana@acme.com", "code": code, "new_password": OTHER });
        assert_eq!(scene.post(&scene.in_pool("/user/password/reset/complete"), body).await.status, 204);
        let change = json!({ "old_password": OTHER, "new_password": PASSWORD });
        assert_eq!(scene.post(&scene.of_user("/change-password"), change).await.status, 204);
    }

    async fn a_method_that_an_issuer_does_not_support_is_answered_in_its_form(app: TestApp) {
        app.environment("prod").await;
        for path in [
            "/prod/system/oauth2/token",
            "/prod/root/oauth2/introspect",
            "/prod/system/oauth2/revoke",
            "/t/prod/oauth2/token",
            "/oauth2/token",
        ] {
            let browser = app.browser();
            let request = browser.request(Method::GET, &app.url(path)).header(header::ACCEPT, "*/*");
            let answer = browser.send(request).await;
            assert_eq!(answer.status, 405, "{path}");
            assert!(answer.header("allow").starts_with("POST"), "{path}: {}", answer.header("allow"));
            let body = answer.json();
            let mut members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
            members.sort_unstable();
            assert_eq!(members, ["cause", "details", "error", "error_description", "error_hint", "status_code"]);
            assert_eq!((&body["error"], &body["status_code"]), (&json!("invalid_request"), &json!(405)));
        }
        let answer = app.browser().post(&app.url("/api/identity/prod/system/pools/x"), &[]).await;
        assert_eq!(error(&answer), (405, "method_not_allowed".to_owned()));
        assert_eq!(answer.header("allow"), "GET, PUT, DELETE, HEAD");
    }
}
