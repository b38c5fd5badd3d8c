//! What every route of the surface, and every endpoint of an issuer, answers is what the OpenAPI document says.

use std::{collections::BTreeSet, time::Duration};

use model::user::UserStatus;
use ostiary::{
    app::{
        accounts::{
            user_sessions::{OperatorSession, create_by_operator},
            users::{NewUser, create_in_first_pool},
        },
        principal::Principal,
    },
    http::{oauth::issuer_description, secureauth},
    links::path,
};
use serde_json::{Value, json};

use super::*;
use crate::{both, openapi::assert_described, support::authenticator};

const PASSWORD: &str = "violet kettle under snow";
const OTHER: &str = "a green kettle on thick ice";
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A program that calls one route after another, each as the document describes it.
struct Walk<'a> {
    app: &'a TestApp,
    document: Value,
    token: String,
    /// What the parameters of paths are.
    ids: Vec<(&'static str, String)>,
    called: BTreeSet<(&'static str, String)>,
}

impl Walk<'_> {
    fn set(&mut self, name: &'static str, id: impl Into<String>) {
        self.ids.retain(|(known, _)| *known != name);
        self.ids.push((name, id.into()));
    }

    fn get(&self, name: &str) -> &str {
        self.ids.iter().find(|(known, _)| *known == name).map(|(_, id)| id.as_str()).unwrap()
    }

    /// Calls a route, which answers with this status, and returns the body. `pattern` may have a query.
    async fn call(&mut self, status: u16, method: Method, pattern: &'static str, body: Value) -> Value {
        self.call_with(status, method, pattern, "", body).await
    }

    async fn call_with(
        &mut self,
        status: u16,
        method: Method,
        pattern: &'static str,
        query: &str,
        body: Value,
    ) -> Value {
        let mut path = pattern.to_owned();
        for (name, id) in &self.ids {
            path = path.replace(&format!("{{{name}}}"), id);
        }
        let body = (!body.is_null()).then_some(body);
        let answer = self.app.call(&self.token, method.clone(), &format!("{path}{query}"), body).await;
        assert_eq!(answer.status, status, "{method} {path}{query}: {}", answer.body);
        self.check(&method, pattern, &answer)
    }

    fn check(&mut self, method: &Method, pattern: &'static str, answer: &Answer) -> Value {
        if answer.status.is_success() {
            self.called.insert((pattern, method.as_str().to_lowercase()));
        }
        if answer.body.is_empty() {
            let described = &self.document["paths"][pattern][method.as_str().to_lowercase()]["responses"];
            assert!(described[answer.status.as_str()].is_object(), "{method} {pattern}: {}", answer.status);
            return Value::Null;
        }
        assert_described(&self.document, method, pattern, answer);
        answer.json()
    }

    fn id(answer: &Value) -> String {
        answer["id"].as_str().unwrap().to_owned()
    }

    async fn organizations(&mut self) {
        let (get, put, post) = (Method::GET, Method::PUT, Method::POST);
        let (all, one) = (path::SECUREAUTH_ORGANIZATIONS, path::SECUREAUTH_ORGANIZATION);
        let template = json!({
            "id": "tpl", "name": "Template", "template": true, "color": "#112233",
            "authentication_mechanisms": ["password"], "metadata": { "schema": { "type": "object" } },
        });
        self.call(201, post.clone(), all, template).await;
        let full = json!({
            "id": "acme", "name": "acme", "displayName": "ACME", "email": "a@acme.example", "description": "A customer",
            "domains": ["acme.example"], "template_id": "tpl", "metadata": { "a": { "b": [1, 2.5, null, true] } },
        });
        self.call(201, post.clone(), all, full).await;
        self.call(201, post.clone(), all, json!({ "name": "child", "parent_id": "acme" })).await;
        self.set("organization", "acme");
        self.set("workspace", "acme");
        self.call(200, get.clone(), all, Value::Null).await;
        self.call_with(200, get.clone(), all, "?template=true&limit=1&sort=name&order=desc", Value::Null)
            .await;
        self.call_with(422, get.clone(), all, "?limit=0", Value::Null).await;
        self.call(200, get.clone(), one, Value::Null).await;
        self.call(200, put.clone(), one, json!({ "name": "acme", "deactivated": false })).await;
        self.call(422, put.clone(), one, json!({})).await;
        self.call(400, put.clone(), one, json!({ "name": 1 })).await;
        self.call(409, put.clone(), one, json!({ "name": "child" })).await;
        self.call(200, put.clone(), path::SECUREAUTH_ORGANIZATION_METADATA, json!({ "payload": { "a": 1 } }))
            .await;
        self.call(400, Method::DELETE, one, Value::Null).await;
        self.call(200, get.clone(), path::SYSTEM_AUDIT_EVENTS, Value::Null).await;
        self.set("workspace", "system");
        let query = "?limit=100&event_subject=organization&event_action=created";
        let events = self.call_with(200, get.clone(), path::SYSTEM_AUDIT_EVENTS, query, Value::Null).await;
        assert_eq!(events["audit_events"].as_array().unwrap().len(), 3);
        self.call_with(422, get.clone(), path::SYSTEM_AUDIT_EVENTS, "?event_subject=x", Value::Null).await;
        let made = self.call(201, post, all, json!({ "name": "gone" })).await;
        self.set("organization", Self::id(&made));
        self.call(204, Method::DELETE, one, Value::Null).await;
        self.call(404, get, one, Value::Null).await;
    }

    async fn schemas_and_pools(&mut self) {
        let (get, put, post) = (Method::GET, Method::PUT, Method::POST);
        let (schemas, schema) = (path::SECUREAUTH_SCHEMAS, path::SECUREAUTH_SCHEMA);
        let made = self
            .call(201, post.clone(), schemas, json!({ "name": "s", "schema": { "type": "object" } }))
            .await;
        self.set("schema", "user_v0");
        self.call(200, get.clone(), schema, Value::Null).await;
        self.set("schema", Self::id(&made));
        self.call(200, get.clone(), schema, Value::Null).await;
        self.call(200, get.clone(), schemas, Value::Null).await;
        self.call(200, put.clone(), schema, json!({ "name": "s2", "schema": {} })).await;
        self.call(422, put.clone(), schema, json!({ "name": "s2", "schema": 1 })).await;
        let (pools, pool) = (path::SECUREAUTH_POOLS, path::SECUREAUTH_POOL);
        let body = json!({
            "name": "p", "workspace_id": "acme", "payload_schema_id": self.get("schema"), "badge_color": "#112233",
            "public_registration_allowed": true, "second_factor_authentication_mechanisms": ["totp"],
            "second_factor_threshold": 0.5, "password_policy": { "min_length": 10 },
        });
        let made = self.call(201, post.clone(), pools, body).await;
        self.set("pool", Self::id(&made));
        self.call(409, Method::DELETE, schema, Value::Null).await;
        self.call(200, get.clone(), pools, Value::Null).await;
        self.call(200, get.clone(), pool, Value::Null).await;
        self.set("workspace", "acme");
        self.call(200, get.clone(), path::SECUREAUTH_WORKSPACE_POOLS, Value::Null).await;
        self.call(200, get.clone(), path::SECUREAUTH_ADMIN_WORKSPACE_POOLS, Value::Null).await;
        let body = json!({ "name": "p", "public_registration_allowed": true, "authentication_mechanisms": ["password", "webauthn", "totp"] });
        self.call(200, put.clone(), pool, body).await;
        self.call(204, Method::DELETE, schema, Value::Null).await;
        for at_workspace in [true, false] {
            let create = if at_workspace { path::SECUREAUTH_ADMIN_WORKSPACE_POOLS } else { pools };
            let made =
                self.call(201, post.clone(), create, json!({ "name": "gone", "workspace_id": "acme" })).await;
            let kept = self.get("pool").to_owned();
            self.set("pool", Self::id(&made));
            let delete = if at_workspace { path::SECUREAUTH_ADMIN_WORKSPACE_POOL } else { pool };
            self.call(204, Method::DELETE, delete, Value::Null).await;
            self.set("pool", kept);
        }
        self.call_with(422, get, pools, "?sort=x", Value::Null).await;
    }

    async fn users(&mut self) {
        let (get, put, post) = (Method::GET, Method::PUT, Method::POST);
        let (users, user) = (path::SECUREAUTH_USERS, path::SECUREAUTH_USER);
        let full = json!({
            "status": "active",
            "identifiers": [{ "type": "email", "identifier": "dana@acme.com", "metadata": { "a": 1 } }, { "type": "uid", "identifier": "dana" }],
            "verifiable_addresses": [
                { "type": "email", "address": "dana@acme.com", "verified": true },
                { "type": "mobile", "address": "+491701234567", "preferred_contact_method": "voice" },
            ],
            "credentials": [{ "type": "password", "password": PASSWORD }, { "type": "totp", "totp_secret": SECRET }],
            "payload": { "name": "Dana" }, "metadata": {}, "business_metadata": { "x": 1 }, "user_type": "staff",
        });
        let made = self.call(201, post.clone(), users, full).await;
        self.set("user", Self::id(&made));
        self.call(201, post.clone(), users, json!({ "status": "new" })).await;
        self.call(422, post.clone(), users, json!({})).await;
        self.call(200, get.clone(), users, Value::Null).await;
        let query: String = url::form_urlencoded::byte_serialize(br#"{"payload":{"name":"Dana"}}"#).collect();
        self.call_with(200, get.clone(), users, &format!("?query={query}"), Value::Null).await;
        self.call_with(422, get.clone(), users, "?query=x", Value::Null).await;
        self.call(200, post.clone(), path::SECUREAUTH_USER_BY_KEY, json!({ "identifier": "dana" })).await;
        self.call(200, get.clone(), user, Value::Null).await;
        self.call(200, put.clone(), user, json!({ "user_type": "guest" })).await;
        self.call(
            409,
            post.clone(),
            path::SECUREAUTH_USERS,
            json!({ "status": "new", "identifiers": [{ "type": "uid", "identifier": "dana" }] }),
        )
        .await;
        let uid = json!({ "type": "uid", "identifier": "d2" });
        self.call(200, post.clone(), path::SECUREAUTH_USER_IDENTIFIERS_ADD, uid.clone()).await;
        self.call(204, post.clone(), path::SECUREAUTH_USER_IDENTIFIERS_REMOVE, uid).await;
        // A user has one address of each type.
        self.call(
            204,
            post.clone(),
            path::SECUREAUTH_USER_ADDRESSES_REMOVE,
            json!({ "address": "+491701234567" }),
        )
        .await;
        self.call(
            200,
            post.clone(),
            path::SECUREAUTH_USER_ADDRESSES_ADD,
            json!({ "type": "mobile", "address": "+491701234568" }),
        )
        .await;
        let inactive = json!({ "type": "mobile", "address": "+491701234568", "status": "inactive" });
        self.call(200, post.clone(), path::SECUREAUTH_USER_ADDRESSES_UPDATE, inactive).await;
        let made = self.call(201, post, users, json!({ "status": "inactive" })).await;
        let kept = self.get("user").to_owned();
        self.set("user", Self::id(&made));
        self.call(204, Method::DELETE, user, Value::Null).await;
        self.call(404, get, user, Value::Null).await;
        self.set("user", kept);
    }

    async fn groups(&mut self) {
        let (get, put, delete) = (Method::GET, Method::PUT, Method::DELETE);
        let (all, one) = (path::SECUREAUTH_GROUPS, path::SECUREAUTH_GROUP);
        let made = self.call(201, Method::POST, all, json!({ "name": "Admins" })).await;
        self.set("group", Self::id(&made));
        self.call(409, Method::POST, all, json!({ "name": "ADMINS" })).await;
        self.call(400, Method::POST, all, json!({ "name": 1 })).await;
        self.call(200, put.clone(), one, made).await;
        self.call(422, put.clone(), one, json!({})).await;
        self.call(200, get.clone(), one, Value::Null).await;
        self.call_with(200, get.clone(), all, "?limit=1&search_phrase=adm", Value::Null).await;
        self.call_with(422, get.clone(), all, "?sort=x", Value::Null).await;
        self.call(204, put, path::SECUREAUTH_GROUP_USER, Value::Null).await;
        self.call(200, get.clone(), path::SECUREAUTH_GROUP_USERS, Value::Null).await;
        self.call(200, get.clone(), path::SECUREAUTH_USER_GROUPS, Value::Null).await;
        self.call(204, get.clone(), path::SECUREAUTH_USER_GROUP, Value::Null).await;
        self.call(204, delete.clone(), path::SECUREAUTH_GROUP_USER, Value::Null).await;
        self.call(404, get, path::SECUREAUTH_USER_GROUP, Value::Null).await;
        self.call(204, delete, one, Value::Null).await;
    }

    /// A new code of this type, by the route that names the user, or by the one that asks for them.
    async fn code(&mut self, kind: &str, by: &'static str) -> Value {
        let body = match by {
            path::SECUREAUTH_GENERATE_CODE => json!({ "type": kind, "address": "+491701234568" }),
            _ => json!({ "type": kind, "identifier": "dana" }),
        };
        self.call(201, Method::POST, by, body).await["code"].clone()
    }

    async fn credentials(&mut self) {
        let post = Method::POST;
        let dana = || json!({ "identifier": "dana" });
        let with = |more: Value| {
            let mut body = dana();
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let verify = path::SECUREAUTH_VERIFY_PASSWORD;
        self.call(200, post.clone(), verify, with(json!({ "password": PASSWORD }))).await;
        self.call(200, post.clone(), verify, json!({ "identifier": "nobody", "password": PASSWORD })).await;
        let change = json!({ "old_password": PASSWORD, "new_password": OTHER });
        self.call(204, post.clone(), path::SECUREAUTH_CHANGE_PASSWORD, change.clone()).await;
        self.call(422, post.clone(), path::SECUREAUTH_CHANGE_PASSWORD, change).await;
        self.call(204, Method::PUT, path::SECUREAUTH_PASSWORD_STATE, json!({ "state": "must_be_changed" }))
            .await;
        self.call(204, post.clone(), path::SECUREAUTH_RESET_PASSWORD_REQUEST, dana()).await;
        for (by, complete) in [
            (path::SECUREAUTH_GENERATE_CODE, path::SECUREAUTH_RESET_PASSWORD_COMPLETE),
            (path::SECUREAUTH_GENERATE_CODE_FOR, path::SECUREAUTH_RESET_PASSWORD_CONFIRM),
        ] {
            let code = self.code("reset_password", by).await;
            let body = with(json!({ "code": code, "new_password": PASSWORD }));
            self.call(204, post.clone(), complete, body.clone()).await;
            self.call(422, post.clone(), complete, body).await;
        }
        self.call(204, post.clone(), path::SECUREAUTH_RESET_TOTP_REQUEST, dana()).await;
        let code = self.code("reset_totp", path::SECUREAUTH_GENERATE_CODE).await;
        self.call(
            204,
            post.clone(),
            path::SECUREAUTH_RESET_TOTP_COMPLETE,
            with(json!({ "code": code, "new_totp_secret": SECRET })),
        )
        .await;
        let secret = totp_rs::Secret::try_from_base32(SECRET).unwrap();
        let authenticator_app = totp_rs::Builder::new().with_secret(secret).build().unwrap();
        let code = authenticator_app.generate(self.app.now().seconds().try_into().unwrap()).to_string();
        self.call(
            204,
            post.clone(),
            path::SECUREAUTH_CHANGE_TOTP,
            json!({ "totp": code, "new_totp_secret": SECRET }),
        )
        .await;
        let address = json!({ "address": "+491701234568" });
        self.call(204, post.clone(), path::SECUREAUTH_VERIFICATION_REQUEST, address.clone()).await;
        let code = self.code("verify_address", path::SECUREAUTH_GENERATE_CODE).await;
        self.call(
            204,
            post.clone(),
            path::SECUREAUTH_VERIFICATION_COMPLETE,
            json!({ "address": address["address"], "code": code }),
        )
        .await;
    }

    async fn passkeys(&mut self) {
        let (begin, origin) = (path::SECUREAUTH_PASSKEY_BEGIN, self.app.state.links.origin());
        let options = self.call(200, Method::POST, begin, json!({})).await;
        let made = self
            .call(
                200,
                Method::POST,
                path::SECUREAUTH_PASSKEY_COMPLETE,
                authenticator::register(&options, &origin),
            )
            .await;
        self.set("credential", made["credentials"][0]["id"].as_str().unwrap());
        self.call(200, Method::GET, path::SECUREAUTH_USER, Value::Null).await;
        self.call(204, Method::PUT, path::SECUREAUTH_PASSKEY_NAME, json!({ "name": "Laptop" })).await;
        self.call(204, Method::DELETE, path::SECUREAUTH_PASSKEY, Value::Null).await;
        self.call(204, Method::POST, path::SECUREAUTH_ADD_PASSKEY_REQUEST, json!({ "identifier": "dana" }))
            .await;
        let options = self.call(200, Method::POST, begin, json!({})).await;
        let code = self.code("enroll_webauthn", path::SECUREAUTH_GENERATE_CODE).await;
        let body = json!({ "identifier": "dana", "code": code, "new_web_authn": authenticator::register(&options, &origin) });
        self.call(204, Method::POST, path::SECUREAUTH_ADD_PASSKEY_COMPLETE, body).await;
    }

    async fn newcomers(&mut self) {
        let post = Method::POST;
        for extended in [false, true] {
            let name = format!("new{extended}@acme.com");
            let body = json!({ "identifier": name, "password": PASSWORD, "payload": { "name": "New" } });
            let made = self.call(201, post.clone(), path::SECUREAUTH_REGISTER, body).await;
            self.set("user", Self::id(&made));
            self.call(204, post.clone(), path::SECUREAUTH_SEND_ACTIVATION, json!({})).await;
            let codes = self.call(201, post.clone(), path::SECUREAUTH_GENERATE_ACTIVATION, json!({})).await;
            let (route, code) = match extended {
                true => (path::SECUREAUTH_ACTIVATE_EXTENDED, &codes["extended_code"]),
                false => (path::SECUREAUTH_ACTIVATE, &codes["code"]),
            };
            self.call(422, post.clone(), route, json!({ "code": "1" })).await;
            self.call(201, post.clone(), route, json!({ "code": code })).await;
            self.app.advance(Duration::from_secs(60));
        }
    }
}

both! {
    async fn every_route_answers_as_it_is_described(app: TestApp) {
        let environment = app.environment("prod").await;
        let token = app.system_token(&environment, &["manage_configuration", "view_audit_events"]).await;
        let document = app.browser().get(&app.url(path::OPENAPI)).await.json();
        let mut walk = Walk { app: &app, document, token, ids: Vec::new(), called: BTreeSet::new() };
        walk.set("tenant", "prod");
        walk.organizations().await;
        walk.schemas_and_pools().await;
        walk.users().await;
        walk.groups().await;
        walk.credentials().await;
        walk.passkeys().await;
        walk.newcomers().await;
        // With a token of a user.
        let operator = Principal::operator(environment.id);
        let acme = ostiary::app::organizations::lists::find_id(&app.state, &operator, "acme").await.unwrap();
        let user = create_in_first_pool(&app.state, &operator, Some(acme), &NewUser::new(UserStatus::Active)).await.unwrap();
        let wanted = OperatorSession { user_id: user.id, authenticated_ago: Duration::ZERO, tenant_admin: false };
        walk.token = create_by_operator(&app.state, &operator, wanted).await.unwrap().1;
        walk.call(200, Method::GET, path::ADMIN_USER_ORGANIZATIONS, Value::Null).await;
        let all: BTreeSet<_> = secureauth::ROUTES
            .iter()
            .flat_map(|(path, methods)| methods.iter().map(|method| (*path, (*method).to_owned())))
            .collect();
        assert_eq!(walk.called, all, "every route is walked");
        for (pattern, method, _) in secureauth::access() {
            if !walk.document["paths"][pattern].is_object() {
                continue;
            }
            // Refusals too are as they are described.
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let refused = app.call("x", method.clone(), &filled(pattern, "prod"), None).await;
            assert_eq!(refused.status, 401);
            walk.check(&method, pattern, &refused);
        }
    }

    async fn every_endpoint_of_an_issuer_answers_as_it_is_described(app: TestApp) {
        let environment = app.environment("prod").await;
        let client = app.service_client(&environment, &["identity", "introspect_tokens"]).await;
        let document = app.browser().get(&app.url(path::OPENAPI)).await.json();
        let mut walk = Walk { app: &app, document, token: String::new(), ids: Vec::new(), called: BTreeSet::new() };
        let (id, post) = (client.id.to_string(), Method::POST);
        let (token_path, introspect) = (path::WORKSPACE_TOKEN, path::WORKSPACE_INTROSPECT);
        let at = |pattern: &str, workspace: &str| app.url(&pattern.replace("{tenant}", "prod").replace("{workspace}", workspace));
        let credentials = [("client_id", id.as_str()), ("client_secret", client.secret.as_str())];
        let send = async |pattern: &str, workspace: &str, more: &[(&str, &str)]| {
            let form: Vec<_> = credentials.iter().chain(more).copied().collect();
            app.browser().post(&at(pattern, workspace), &form).await
        };
        let answer = send(token_path, "system", &[("grant_type", "client_credentials")]).await;
        assert_eq!(answer.status, 200);
        let token = walk.check(&post, token_path, &answer)["access_token"].as_str().unwrap().to_owned();
        for (workspace, grant, status) in [("system", "x", 400), ("root", "client_credentials", 401), ("nowhere", "client_credentials", 404)] {
            let answer = send(token_path, workspace, &[("grant_type", grant)]).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            walk.check(&post, token_path, &answer);
        }
        for text in [token.as_str(), "x"] {
            let answer = send(introspect, "system", &[("token", text)]).await;
            assert_eq!(answer.status, 200);
            let told = walk.check(&post, introspect, &answer);
            assert_eq!(told["active"], text != "x");
        }
        walk.check(&post, path::WORKSPACE_REVOKE, &send(path::WORKSPACE_REVOKE, "system", &[("token", &token)]).await);
        for pattern in [path::WORKSPACE_DISCOVERY, path::WORKSPACE_JWKS] {
            for workspace in ["system", "root"] {
                let answer = app.browser().get(&at(pattern, workspace)).await;
                assert_eq!(answer.status, 200);
                walk.check(&Method::GET, pattern, &answer);
            }
        }
        let all: BTreeSet<_> = issuer_description::ROUTES
            .iter()
            .flat_map(|(path, methods)| methods.iter().map(|method| (*path, (*method).to_owned())))
            .collect();
        assert_eq!(walk.called, all);
    }
}
