//! What is switched off or removed while a login, a token request or a provisioning run is under way.

use std::time::Duration;

use model::{oauth_client::IdTokenAlg, organization::Organization};
use ostiary::{
    app::{connections::saml as connections, organizations, principal::Principal, resource},
    store::{Transaction, table},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, Backend, Browser, IdentityProvider, Request, Tenant, TestApp, query},
};

fn user(name: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true })
}

async fn sign_in_at_idp(
    app: &TestApp,
    browser: &Browser,
    tenant: &Tenant,
    to_idp: &Answer,
    email: &str,
) -> Answer {
    let request = Request::read(to_idp);
    let idp = IdentityProvider::get();
    let response = idp.sign(&idp.response(tenant, Some(&request.id), email, app.now()));
    request.answer(browser, tenant, &response).await
}

/// Switches it off while another write waits for `hold`, which is released once this one waits too.
async fn switch_off_behind(app: &TestApp, key: &str, path: &str, hold: Transaction, before: u64) {
    app.write_blocked(before).await;
    app.advance(Duration::from_millis(5));
    let requested = app.state.db.requested_writes();
    let release = async {
        app.write_blocked(requested).await;
        drop(hold);
    };
    let (off, ()) = tokio::join!(set_disabled(app, key, path, true), release);
    assert_eq!(off, 200);
}

async fn set_disabled(app: &TestApp, key: &str, path: &str, disabled: bool) -> u16 {
    app.api(key, Method::PATCH, path, Some(json!({ "disabled": disabled }))).await.status.as_u16()
}

both! {
    async fn the_code_of_a_login_that_was_being_accepted_ends_with_its_connection(app: TestApp) {
        let environment = app.environment("prod").await;
        let (key, tenant) = (app.api_key(&environment, true).await, app.tenant(&environment, "acme.example").await);
        for path in [
            format!("/v1/saml-connections/{}", tenant.connection.id),
            format!("/v1/organizations/{}", tenant.organization.id),
        ] {
            let browser = app.browser();
            let request = app.begin(&browser, &key, &tenant).await;
            let idp = IdentityProvider::get();
            let response = idp.sign(&idp.response(&tenant, Some(&request.id), "ada@acme.example", app.now()));
            // The flow's row is written after the login was checked.
            let mut hold = app.state.db.write().await.unwrap();
            hold.sql("UPDATE login_flows SET updated_at = updated_at").execute().await.unwrap();
            let before = app.state.db.requested_writes();
            let answer = request.answer(&browser, &tenant, &response);
            let (answer, ()) = tokio::join!(answer, switch_off_behind(&app, &key, &path, hold, before));
            assert_eq!(set_disabled(&app, &key, &path, false).await, 200);
            if answer.status == 303 {
                let code = query(&answer.location(), "saml_access_code").unwrap();
                let redeemed = app.redeem(&key, &code).await;
                assert_ne!(redeemed.status, 200, "{path}: a code from before is good after: {}", redeemed.body);
            }
        }
    }

    async fn a_login_gets_no_code_for_a_client_that_is_switched_off_meanwhile(app: TestApp) {
        let environment = app.environment("prod").await;
        let (key, tenant) = (app.api_key(&environment, true).await, app.tenant(&environment, "acme.example").await);
        let (client, secret) = app.oauth_client(&environment, IdTokenAlg::ES256).await;
        let path = format!("/v1/saml-oauth-clients/{}", client.id);
        let (redirect, id) = (environment.oauth_redirect_uris[0].to_string(), client.id.to_string());
        let begin = app.url(&format!(
            "/v1/oauth/authorize?client_id={id}&redirect_uri={redirect}&response_type=code&scope=openid&organization_id={}",
            tenant.organization.id
        ));
        let browser = app.browser();
        let to_idp = browser.get(&begin).await;
        assert_eq!(set_disabled(&app, &key, &path, true).await, 200);
        let refused = sign_in_at_idp(&app, &browser, &tenant, &to_idp, "ada@acme.example").await;
        assert_eq!(refused.status, 403);
        refused.says("oauth_client_disabled");
        assert_eq!(set_disabled(&app, &key, &path, false).await, 200);

        // While the login is being accepted: its code is given before, and ends, or not at all.
        let to_idp = browser.get(&begin).await;
        let mut hold = app.state.db.write().await.unwrap();
        hold.sql("UPDATE login_flows SET updated_at = updated_at").execute().await.unwrap();
        let before = app.state.db.requested_writes();
        let answer = sign_in_at_idp(&app, &browser, &tenant, &to_idp, "ada@acme.example");
        let (answer, ()) = tokio::join!(answer, switch_off_behind(&app, &key, &path, hold, before));
        assert_eq!(set_disabled(&app, &key, &path, false).await, 200);
        if answer.status == 303 {
            let code = query(&answer.location(), "code").unwrap();
            let form = [
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", redirect.as_str()),
                ("client_id", id.as_str()),
                ("client_secret", secret.as_str()),
            ];
            let token = app.browser().post(&app.url("/v1/oauth/token"), &form).await;
            assert_eq!(token.status, 400, "a code from before is good after: {}", token.body);
        }
    }

    async fn a_token_that_was_being_given_ends_with_its_client(app: TestApp) {
        let environment = app.environment("prod").await;
        let (key, tenant) = (app.api_key(&environment, true).await, app.tenant(&environment, "acme.example").await);
        let directory = app.scim_directory(&tenant).await;
        assert_eq!(app.scim(&directory, Method::POST, "/Users", Some(user("dana@acme.example"))).await.status, 201);
        let (client, secret) = app.oauth_client(&environment, IdTokenAlg::ES256).await;
        let (redirect, id) = (environment.oauth_redirect_uris[0].to_string(), client.id.to_string());
        let begin = app.url(&format!(
            "/v1/oauth/authorize?client_id={id}&redirect_uri={redirect}&response_type=code&scope=openid&organization_id={}",
            tenant.organization.id
        ));
        let browser = app.browser();
        let to_idp = browser.get(&begin).await;
        let accepted = sign_in_at_idp(&app, &browser, &tenant, &to_idp, "dana@acme.example").await;
        let code = query(&accepted.location(), "code").unwrap();
        let mut hold = app.state.db.write().await.unwrap();
        // The token request waits for the code, and whoever switches the client off for the grant.
        hold.sql("UPDATE authorization_codes SET expires_at = expires_at").execute().await.unwrap();
        hold.sql("UPDATE authorization_grants SET expires_at = expires_at").execute().await.unwrap();
        let before = app.state.db.requested_writes();
        let path = format!("/v1/saml-oauth-clients/{id}");
        let other = app.browser();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect.as_str()),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
        ];
        let url = app.url("/v1/oauth/token");
        let (answer, ()) =
            tokio::join!(other.post(&url, &form), switch_off_behind(&app, &key, &path, hold, before));
        assert_eq!(set_disabled(&app, &key, &path, false).await, 200);
        if answer.status == 200 {
            let token = answer.json()["access_token"].as_str().unwrap().to_owned();
            let info = other.send(other.request(Method::GET, &app.url("/v1/oauth/userinfo")).bearer_auth(token)).await;
            assert_eq!(info.status, 401, "a token from before is good after: {}", info.body);
        }
    }

    async fn console_sessions_end_with_the_connection_that_began_them(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "vendor.example").await;
        let id = tenant.connection.id.to_string();
        let console = app.replica_with(|config| config.console_saml_connection = Some(id)).await;
        app.with_password("dana@vendor.example").await;
        let is_signed_in = async |browser: &Browser| {
            let status = browser.get(&console.url("/console/account")).await.status;
            status == 200
        };
        let session = async || {
            let browser = app.browser();
            let to_idp = browser.get(&console.url("/console/sign-in/saml?next=/console/account")).await;
            let accepted = sign_in_at_idp(&app, &browser, &tenant, &to_idp, "dana@vendor.example").await;
            assert_eq!(browser.get(&console.url(accepted.location().path())).await.status, 303);
            assert!(is_signed_in(&browser).await);
            browser
        };
        let connection = format!("/v1/saml-connections/{}", tenant.connection.id);
        let organization = format!("/v1/organizations/{}", tenant.organization.id);
        // A key changes them only where a replica does not know the setting, which ends the sessions too.
        let operator = Principal::operator(environment.id);
        let switch = async |number: usize, disabled: bool| {
            let of_connection = connections::SamlConnectionChange { disabled: Some(disabled), ..Default::default() };
            let of_organization = organizations::OrganizationChange { disabled: Some(disabled), ..Default::default() };
            let (state, ids) = (&console.state, (tenant.connection.id, tenant.organization.id));
            match number {
                0 => drop(connections::update(state, &operator, ids.0, None, &of_connection).await.unwrap()),
                1 => drop(organizations::update(state, &operator, ids.1, None, &of_organization).await.unwrap()),
                _ => assert_eq!(set_disabled(&app, &key, &connection, disabled).await, 200),
            }
        };
        for path in [&connection, &organization] {
            assert_eq!(set_disabled(&console, &key, path, true).await, 403, "{path}");
        }
        for number in 0..3 {
            let browser = session().await;
            switch(number, true).await;
            assert!(!is_signed_in(&browser).await, "{number}");
            switch(number, false).await;
        }
        let browser = session().await;
        assert_eq!(app.api(&key, Method::DELETE, &connection, None).await.status, 200);
        assert!(!is_signed_in(&browser).await);
    }

    async fn a_bulk_request_stops_when_its_directory_is_switched_off(app: TestApp) {
        let environment = app.environment("prod").await;
        let (key, tenant) = (app.api_key(&environment, true).await, app.tenant(&environment, "acme.example").await);
        let directory = app.scim_directory(&tenant).await;
        let operation = |n: usize| {
            let data = user(&format!("u{n}@acme.example"));
            json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": data })
        };
        let operations: Vec<Value> = (0..5).map(operation).collect();
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
        // Its first write waits.
        let mut hold = app.state.db.write().await.unwrap();
        hold.sql(match app.backend {
            Backend::Sqlite => "UPDATE scim_users SET updated_at = updated_at",
            Backend::Postgres => "LOCK TABLE scim_users IN SHARE MODE",
        }).execute().await.unwrap();
        let before = app.state.db.requested_writes();
        let path = format!("/v1/scim-directories/{}", directory.id);
        let bulk = app.scim(&directory, Method::POST, "/Bulk", Some(body));
        let (bulk, ()) = tokio::join!(bulk, switch_off_behind(&app, &key, &path, hold, before));
        assert_eq!(bulk.status, 200, "{}", bulk.body);
        let outcomes = bulk.json()["Operations"].as_array().unwrap().clone();
        assert_eq!(outcomes.len(), 5);
        let last = outcomes.last().unwrap();
        assert_eq!(last["status"], "403", "{last}");
        assert!(last.to_string().contains("directory_disabled"), "{last}");
    }

    async fn a_removal_that_meets_a_deadlock_is_tried_again(app: TestApp) {
        if app.backend == Backend::Sqlite {
            return;
        }
        let environment = app.environment("prod").await;
        let principal = Principal::operator(environment.id);
        // PostgreSQL ends whichever of the two looks for a deadlock first: the removal, unless this machine is so busy that
        // the other one came a second after it.
        for _ in 0..10 {
            let tenant = app.tenant(&environment, "acme.example").await;
            let organization = tenant.organization.id;
            let mut other = app.state.db.write().await.unwrap();
            other.sql("UPDATE saml_connections SET updated_at = updated_at").execute().await.unwrap();
            let before = app.state.db.requested_writes();
            let removal = resource::remove::<Organization>(&app.state, &principal, organization, None);
            let cross = async {
                app.write_blocked(before).await;
                // The removal holds the organization and waits for the connection.
                let locked = table::lock::<Organization>(&mut other, environment.id, organization).await;
                drop(other);
                locked.is_ok()
            };
            let (removed, is_removal_ended) = tokio::join!(removal, cross);
            removed.unwrap();
            assert!(resource::find::<Organization>(&app.state, &principal, organization).await.is_err());
            if is_removal_ended {
                assert!(app.state.db.requested_writes() >= before + 2, "it was attempted once");
                return;
            }
        }
        panic!("no removal met a deadlock");
    }
}
