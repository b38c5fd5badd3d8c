//! Tokens by client credentials: who gets them, for what, and when they end.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ostiary::app::{
    applications::{ApplicationChange, secrets},
    organizations::OrganizationChange,
    principal::Principal,
    resource,
};
use reqwest::{Method, header};
use serde_json::json;

use super::{api, assert_api_error, assert_oauth_error, counts, part};
use crate::{
    both,
    support::{TestApp, tokens::Client},
};

const SYSTEM: &str = "/prod/system/oauth2/token";

async fn introspect(app: &TestApp, endpoint: &str, client: &Client, token: &str) -> serde_json::Value {
    let id = client.id.to_string();
    let form = [("client_id", id.as_str()), ("client_secret", &client.secret), ("token", token)];
    let answer = app.browser().post(&app.url(endpoint), &form).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

both! {
    async fn a_service_client_gets_a_token_and_calls_the_api(app: TestApp) {
        let environment = app.environment("prod").await;
        let client = app.service_client(&environment, &["view_audit_events", "manage_organizations"]).await;
        let answer = app.ask_token(SYSTEM, &client, Some("view_audit_events")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        let body = answer.json();
        let mut keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["access_token", "expires_in", "scope", "token_type"]);
        assert_eq!((&body["expires_in"], &body["token_type"]), (&json!(3600), &json!("Bearer")));
        assert_eq!(body["scope"], "view_audit_events");

        let token = body["access_token"].as_str().unwrap();
        assert_eq!(part(token, 0)["typ"], "at+jwt");
        assert_eq!(part(token, 0)["alg"], "ES256");
        let claims = part(token, 1);
        let issuer = app.url("/prod/system");
        for (name, value) in [
            ("iss", json!(issuer)),
            ("aud", json!(issuer)),
            ("sub", json!(client.id)),
            ("client_id", json!(client.id)),
            ("tid", json!("prod")),
            ("aid", json!("system")),
            ("scope", json!("view_audit_events")),
            ("scp", json!(["view_audit_events"])),
            ("iat", json!(app.now().seconds())),
            ("exp", json!(app.now().seconds() + 3600)),
        ] {
            assert_eq!(claims[name], value, "{name}");
        }
        let events = app.call(token, Method::GET, &api("prod"), None).await.json();
        let made = &events["audit_events"][0];
        assert_eq!((&made["event_subject"], &made["event_action"]), (&json!("application"), &json!("created")));
        assert_eq!(made["payload"]["target_id"], json!(client.id));
        // The tenant's id is another name for it; the token was not given for anything else.
        assert_eq!(app.call(token, Method::GET, &api(&environment.id.to_string()), None).await.status, 200);
        let other = app.system_token(&environment, &["manage_organizations"]).await;
        assert_api_error(&app.call(&other, Method::GET, &api("prod"), None).await, 403, "insufficient_scope");
    }

    async fn without_a_scope_all_are_granted_and_one_that_is_not_is_refused(app: TestApp) {
        let environment = app.environment("prod").await;
        let client = app.service_client(&environment, &["identity", "organizations:read"]).await;
        let all = app.ask_token(SYSTEM, &client, None).await.json();
        assert_eq!(all["scope"], "identity organizations:read");
        assert_oauth_error(&app.ask_token(SYSTEM, &client, Some("manage_organizations")).await, 400, "invalid_scope");
        assert_oauth_error(&app.ask_token(SYSTEM, &client, Some("identity x")).await, 400, "invalid_scope");
    }

    async fn what_is_wrong_with_a_request_is_said_in_oauths_words(app: TestApp) {
        let environment = app.environment("prod").await;
        let client = app.service_client(&environment, &["identity"]).await;
        let (id, secret) = (client.id.to_string(), client.secret.as_str());
        let post = async |form: &[(&str, &str)]| app.browser().post(&app.url(SYSTEM), form).await;
        let grant = ("grant_type", "client_credentials");
        let unknown = "app_0000000000000000000000000";
        let wrong = "app_secret_0000000000000000000000000";
        for (form, status, code) in [
            (vec![grant, ("client_id", &id), ("client_secret", wrong)], 401, "invalid_client"),
            (vec![grant, ("client_id", &id), ("client_secret", "x")], 401, "invalid_client"),
            (vec![grant, ("client_id", unknown), ("client_secret", secret)], 401, "invalid_client"),
            (vec![grant, ("client_id", "x"), ("client_secret", secret)], 401, "invalid_client"),
            (vec![grant, ("client_id", &id)], 401, "invalid_client"),
            (vec![grant], 400, "invalid_request"),
            (vec![("client_id", &*id), ("client_secret", secret)], 400, "invalid_request"),
            (vec![("grant_type", "password"), ("client_id", &id), ("client_secret", secret)], 400, "unsupported_grant_type"),
            (vec![("grant_type", "password"), ("client_id", &id), ("client_secret", wrong)], 401, "invalid_client"),
            (vec![grant, grant, ("client_id", &id), ("client_secret", secret)], 400, "invalid_request"),
        ] {
            assert_oauth_error(&post(&form).await, status, code);
        }
        let json = app.browser().request(Method::POST, &app.url(SYSTEM)).header(header::CONTENT_TYPE, "application/json");
        assert_oauth_error(&app.browser().send(json.body("{}")).await, 400, "invalid_request");
        // With Basic; a wrong secret gets a challenge of that scheme.
        let basic = async |secret: &str| {
            let browser = app.browser();
            let proof = BASE64_STANDARD.encode(format!("{id}:{secret}"));
            let request = browser.request(Method::POST, &app.url(SYSTEM));
            let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            browser.send(request.header(header::AUTHORIZATION, format!("Basic {proof}")).body("grant_type=client_credentials")).await
        };
        assert_eq!(basic(secret).await.status, 200);
        let refused = basic(wrong).await;
        assert_oauth_error(&refused, 401, "invalid_client");
        assert!(refused.header("www-authenticate").starts_with("Basic "));
        // Nobody and nothing there.
        for path in ["/nowhere/system/oauth2/token", "/prod/nowhere/oauth2/token", "/prod/org_x/oauth2/token"] {
            assert_oauth_error(&app.ask_token(path, &client, None).await, 404, "invalid_request");
        }
    }

    async fn a_client_is_known_to_its_own_issuer_only(app: TestApp) {
        let (environment, other) = (app.environment("prod").await, app.environment("staging").await);
        let tenant = app.tenant(&environment, "acme.example").await;
        let neighbour = app.tenant(&environment, "globex.example").await;
        let system = app.service_client(&environment, &["identity"]).await;
        let vendor = app.program(&environment, None, &["a"]).await;
        let own = app.program(&environment, Some(tenant.organization.id), &["a"]).await;
        let hex = |id: base::id::OrganizationId| format!("{:032x}", id.bits());
        let acme = format!("/prod/{}/oauth2/token", hex(tenant.organization.id));
        let globex = format!("/prod/{}/oauth2/token", hex(neighbour.organization.id));
        for (name, client, path, good) in [
            ("system", &system, SYSTEM, true),
            ("system", &system, &*acme, false),
            ("system", &system, "/prod/root/oauth2/token", false),
            ("system", &system, "/t/prod/oauth2/token", false),
            ("system", &system, "/staging/system/oauth2/token", false),
            ("vendor", &vendor, "/prod/root/oauth2/token", true),
            ("vendor", &vendor, "/t/prod/oauth2/token", true),
            ("vendor", &vendor, SYSTEM, false),
            ("vendor", &vendor, &*acme, false),
            ("vendor", &vendor, "/t/staging/oauth2/token", false),
            ("own", &own, &*acme, true),
            ("own", &own, &*globex, false),
            ("own", &own, SYSTEM, false),
            ("own", &own, "/prod/root/oauth2/token", false),
        ] {
            let answer = app.ask_token(path, client, None).await;
            if good {
                assert_eq!(answer.status, 200, "{name} {path}: {}", answer.body);
            } else {
                assert_oauth_error(&answer, 401, "invalid_client");
            }
        }
        let claims = part(&app.token(&acme, &own).await, 1);
        assert_eq!(claims["iss"], app.url(&acme.replace("/oauth2/token", "")));
        assert_eq!(claims["org_id"], hex(tenant.organization.id));
        assert_eq!(claims["org_name"], "Company acme.example");
        // Of an organization that is switched off there is no issuer, and what it gave does not count any more.
        let token = app.token(&acme, &own).await;
        let introspection = acme.replace("token", "introspect");
        assert_eq!(introspect(&app, &introspection, &own, &token).await["active"], true);
        let operator = Principal::operator(environment.id);
        let id = tenant.organization.id;
        let switch = async |disabled| {
            let change = OrganizationChange { disabled: Some(disabled), ..OrganizationChange::default() };
            resource::update::<model::organization::Organization>(&app.state, &operator, id, None, &change).await.unwrap();
        };
        switch(true).await;
        assert_eq!(app.ask_token(&acme, &own, None).await.status, 404);
        assert_eq!(app.browser().get(&app.url(&acme.replace("oauth2/token", ".well-known/openid-configuration"))).await.status, 404);
        // Switched on again it gives tokens, and those of before stay ended.
        switch(false).await;
        assert_eq!(introspect(&app, &introspection, &own, &token).await["active"], false);
        let newer = app.token(&acme, &own).await;
        assert_eq!(introspect(&app, &introspection, &own, &newer).await["active"], true);
        drop(other);
    }

    async fn a_token_ends_with_its_client_its_revocation_and_its_time(app: TestApp) {
        let environment = app.environment("prod").await;
        let operator = Principal::operator(environment.id);
        let client = app.service_client(&environment, &["view_audit_events"]).await;
        let token = app.token(SYSTEM, &client).await;
        assert!(counts(&app, "prod", &token).await);
        // Switched off: nothing new, and what there is ends for good.
        let switch = async |disabled| {
            let change = ApplicationChange { disabled: Some(disabled), ..ApplicationChange::default() };
            resource::update::<model::application::Application>(&app.state, &operator, client.id, None, &change)
                .await
                .unwrap();
        };
        switch(true).await;
        assert!(!counts(&app, "prod", &token).await);
        assert_oauth_error(&app.ask_token(SYSTEM, &client, None).await, 400, "unauthorized_client");
        switch(false).await;
        assert!(!counts(&app, "prod", &token).await, "it was revoked");
        // Revoked by its own client; another client's word does nothing, and both are answered alike.
        let (token, kept) = (app.token(SYSTEM, &client).await, app.token(SYSTEM, &client).await);
        let stranger = app.service_client(&environment, &["view_audit_events"]).await;
        let revoke = async |client: &Client, token: &str| {
            let id = client.id.to_string();
            let form = [("client_id", id.as_str()), ("client_secret", &client.secret), ("token", token)];
            app.browser().post(&app.url("/prod/system/oauth2/revoke"), &form).await
        };
        for nothing in [revoke(&stranger, &token).await, revoke(&stranger, "x").await, revoke(&client, "x").await] {
            assert_eq!((nothing.status.as_u16(), nothing.body.as_str()), (200, ""));
        }
        assert!(counts(&app, "prod", &token).await);
        assert_eq!(revoke(&client, &token).await.status, 200);
        assert!(!counts(&app, "prod", &token).await);
        assert!(counts(&app, "prod", &kept).await);
        let missing = [("client_id", client.id.to_string()), ("client_secret", client.secret.clone())];
        let missing: Vec<_> = missing.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_oauth_error(&app.browser().post(&app.url("/prod/system/oauth2/revoke"), &missing).await, 400, "invalid_request");
        let wrong = Client { id: client.id, secret: "app_secret_0000000000000000000000000".into() };
        assert_oauth_error(&revoke(&wrong, &kept).await, 401, "invalid_client");
        // Its time.
        app.advance(Duration::from_secs(3599));
        assert!(counts(&app, "prod", &kept).await);
        app.advance(Duration::from_secs(1));
        assert!(!counts(&app, "prod", &kept).await);
        // Its client.
        let token = app.token(SYSTEM, &client).await;
        resource::remove::<model::application::Application>(&app.state, &operator, client.id, None).await.unwrap();
        assert!(!counts(&app, "prod", &token).await);
        assert_oauth_error(&app.ask_token(SYSTEM, &client, None).await, 401, "invalid_client");
    }

    async fn who_may_revoke_tokens_ends_every_one_of_the_environment_and_no_other(app: TestApp) {
        let (environment, other) = (app.environment("prod").await, app.environment("other").await);
        let client = app.service_client(&environment, &["view_audit_events"]).await;
        let program = app.program(&environment, None, &["a"]).await;
        let (reader, ender) = (
            app.service_client(&environment, &["introspect_tokens", "identity"]).await,
            app.service_client(&environment, &["revoke_tokens"]).await,
        );
        let foreign = app.service_client(&other, &["view_audit_events"]).await;
        let (own, of_root) = (app.token(SYSTEM, &client).await, app.token("/prod/root/oauth2/token", &program).await);
        let elsewhere = app.token("/other/system/oauth2/token", &foreign).await;
        let revoke = async |client: &Client, token: &str| {
            let id = client.id.to_string();
            let form = [("client_id", id.as_str()), ("client_secret", &client.secret), ("token", token)];
            assert_eq!(app.browser().post(&app.url("/prod/system/oauth2/revoke"), &form).await.status, 200);
        };
        let active = async |token: &str| {
            introspect(&app, "/prod/system/oauth2/introspect", &reader, token).await["active"] == true
        };
        for token in [&own, &of_root] {
            revoke(&reader, token).await;
            assert!(active(token).await, "it was not given for that");
            revoke(&ender, token).await;
            assert!(!active(token).await);
        }
        revoke(&ender, &elsewhere).await;
        assert!(counts(&app, "other", &elsewhere).await);
    }

    async fn clients_of_the_issuer_learn_of_a_token_and_others_nothing(app: TestApp) {
        let (environment, _) = (app.environment("prod").await, app.environment("staging").await);
        let other = app.environment("other").await;
        let client = app.service_client(&environment, &["identity"]).await;
        let reader = app.service_client(&environment, &["introspect_tokens"]).await;
        let token = app.token(SYSTEM, &client).await;
        let told = introspect(&app, "/prod/system/oauth2/introspect", &reader, &token).await;
        assert_eq!(told["active"], true);
        let mut claims = part(&token, 1);
        claims["active"] = true.into();
        claims["token_type"] = "Bearer".into();
        assert_eq!(told, claims);
        // Without the scope a client of the system workspace sees its own tokens alone.
        let stranger = app.service_client(&environment, &["identity"]).await;
        assert_eq!(introspect(&app, "/prod/system/oauth2/introspect", &client, &token).await["active"], true);
        let blind = introspect(&app, "/prod/system/oauth2/introspect", &stranger, &token).await;
        assert_eq!(blind, json!({ "active": false }));
        // With it every token of the environment, whatever its issuer; an organization's client those of its issuer.
        let (program, other_program) =
            (app.program(&environment, None, &["a"]).await, app.program(&environment, None, &["b"]).await);
        let of_root = app.token("/prod/root/oauth2/token", &program).await;
        for (path, client, active) in [
            ("/prod/system/oauth2/introspect", &reader, true),
            ("/prod/system/oauth2/introspect", &stranger, false),
            ("/prod/root/oauth2/introspect", &other_program, true),
        ] {
            assert_eq!(introspect(&app, path, client, &of_root).await["active"], active, "{path}");
        }
        // Clients of other environments and issuers.
        let foreign = app.service_client(&other, &["introspect_tokens"]).await;
        let root = app.program(&environment, None, &["a"]).await;
        let inactive = json!({ "active": false });
        for (path, client, token) in [
            ("/other/system/oauth2/introspect", &foreign, &*token),
            ("/prod/root/oauth2/introspect", &root, &*token),
            ("/t/prod/oauth2/introspect", &root, &*token),
            ("/prod/system/oauth2/introspect", &reader, "x"),
            ("/prod/system/oauth2/introspect", &reader, "a.b.c"),
        ] {
            assert_eq!(introspect(&app, path, client, token).await, inactive, "{path}");
        }
        let form = [("token", token.as_str())];
        let nobody = app.browser().post(&app.url("/prod/system/oauth2/introspect"), &form).await;
        assert_oauth_error(&nobody, 400, "invalid_request");
    }

    async fn two_secrets_are_good_while_one_replaces_the_other(app: TestApp) {
        let environment = app.environment("prod").await;
        let operator = Principal::operator(environment.id);
        let old = app.service_client(&environment, &["identity"]).await;
        let hour = Duration::from_secs(3600);
        let made = secrets::rotate(&app.state, &operator, old.id, None, hour).await.unwrap();
        let new = Client { id: old.id, secret: made.secret.unwrap().reveal() };
        assert_eq!(app.ask_token(SYSTEM, &old, None).await.status, 200);
        assert_eq!(app.ask_token(SYSTEM, &new, None).await.status, 200);
        app.advance(hour);
        assert_oauth_error(&app.ask_token(SYSTEM, &old, None).await, 401, "invalid_client");
        assert_eq!(app.ask_token(SYSTEM, &new, None).await.status, 200);
        let made = secrets::rotate(&app.state, &operator, old.id, None, Duration::ZERO).await.unwrap();
        let newest = Client { id: old.id, secret: made.secret.unwrap().reveal() };
        assert_oauth_error(&app.ask_token(SYSTEM, &new, None).await, 401, "invalid_client");
        assert_eq!(app.ask_token(SYSTEM, &newest, None).await.status, 200);
        let too_long = secrets::MAX_OVERLAP + Duration::from_secs(1);
        assert!(secrets::rotate(&app.state, &operator, old.id, None, too_long).await.is_err());
    }

    async fn who_guesses_is_slowed_down_and_keeps_no_other_client_out(app: TestApp) {
        let environment = app.environment("prod").await;
        let (client, other) = (
            app.service_client(&environment, &["identity"]).await,
            app.service_client(&environment, &["identity"]).await,
        );
        let wrong = Client { id: client.id, secret: "app_secret_0000000000000000000000000".into() };
        for _ in 0..60 {
            assert_oauth_error(&app.ask_token(SYSTEM, &wrong, None).await, 401, "invalid_client");
        }
        let limited = app.ask_token(SYSTEM, &wrong, None).await;
        assert_eq!(limited.status, 429, "{}", limited.body);
        assert!(!limited.header("retry-after").is_empty());
        assert_eq!(app.ask_token(SYSTEM, &other, None).await.status, 200, "of the same network");
        app.advance(Duration::from_secs(1));
        assert_eq!(app.ask_token(SYSTEM, &client, None).await.status, 200);
    }

    async fn a_token_of_one_replica_counts_and_ends_at_another(app: TestApp) {
        let environment = app.environment("prod").await;
        let replica = app.replica_with(|config| config.public_url = Some(app.base.parse().unwrap())).await;
        let client = app.service_client(&environment, &["view_audit_events"]).await;
        let token = app.token(SYSTEM, &client).await;
        let at = format!("http://{}{}", replica.address, api("prod"));
        let ask = async || {
            let browser = app.browser();
            let request = browser.request(Method::GET, &at);
            browser.send(request.header(header::AUTHORIZATION, format!("Bearer {token}"))).await.status
        };
        assert_eq!(ask().await, 200);
        let change = ApplicationChange { disabled: Some(true), ..ApplicationChange::default() };
        let operator = Principal::operator(environment.id);
        resource::update::<model::application::Application>(&app.state, &operator, client.id, None, &change).await.unwrap();
        assert_eq!(ask().await, 401);
    }

    async fn expired_tokens_and_those_of_a_removed_environment_are_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let client = app.service_client(&environment, &["identity"]).await;
        app.token(SYSTEM, &client).await;
        let sweep = async |at| {
            let mut tx = app.state.db.write().await.unwrap();
            let gone = ostiary::store::signed_access_tokens::remove_expired(&mut tx, at).await.unwrap();
            tx.commit().await.unwrap();
            gone
        };
        let expiry = app.now() + Duration::from_secs(3600);
        assert_eq!(sweep(expiry).await, 0);
        assert_eq!(sweep(expiry + Duration::from_millis(1)).await, 1);
        let token = app.system_token(&environment, &["view_audit_events"]).await;
        assert!(counts(&app, "prod", &token).await);
        let operator = Principal::operator(environment.id);
        ostiary::app::environments::remove(&app.state, &operator, environment.id, None).await.unwrap();
        let other = app.environment("other").await;
        drop(other);
        assert_api_error(&app.call(&token, Method::GET, &api("other"), None).await, 401, "unauthorized");
        let mut tx = app.state.db.write().await.unwrap();
        assert_eq!(ostiary::store::removed_environments::remove_rows(&mut tx, environment.id).await.unwrap(), 1);
    }
}
