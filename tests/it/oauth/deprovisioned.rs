//! Deprovisioning revokes a user's codes and tokens.

use base::{id::ScimUserId, secret::AccessCode};
use ostiary::store;
use serde_json::json;

use super::*;
use crate::{
    both,
    support::scim::{TestDirectory, id, patch},
};

/// Deactivates or removes a user.
async fn deprovision(app: &TestApp, directory: &TestDirectory, path: &str, how: &str) {
    let answer = match how {
        "PATCH" => {
            let off = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
            app.scim(directory, Method::PATCH, path, patch(off)).await
        }
        "PUT" => {
            let body = json!({ "userName": "DANA@acme.example", "active": false });
            app.scim(directory, Method::PUT, path, Some(body)).await
        }
        "PUT under another name" => {
            let body = json!({ "userName": "other@acme.example", "active": false });
            app.scim(directory, Method::PUT, path, Some(body)).await
        }
        _ => app.scim(directory, Method::DELETE, path, None).await,
    };
    assert!(answer.status.is_success(), "{how}: {}", answer.body);
}

both! {
    async fn tokens_and_codes_end_with_the_person(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let directory = app.scim_directory(&fixture.tenant).await;
        for how in ["PATCH", "PUT", "PUT under another name", "DELETE"] {
            let user = app.scim_user(&directory, "Dana@ACME.example").await;
            let path = format!("/Users/{}", id(&user));
            let token = fixture.tokens().await["access_token"].as_str().unwrap().to_owned();
            let code = fixture.code(&[]).await;
            assert_eq!(fixture.userinfo(&token).await.status, 200);
            deprovision(&app, &directory, &path, how).await;
            assert_eq!(fixture.userinfo(&token).await.status, 401, "{how}");
            let refused = fixture.token(&code, &[]).await;
            assert_eq!(error_of(&refused), (400, "invalid_grant".into()), "{how}");
            let digest = code.parse::<AccessCode>().unwrap().digest();
            let mut conn = app.state.db.read().await.unwrap();
            let code = store::authorization_codes::find(&mut conn, digest).await.unwrap().unwrap();
            assert!(code.revoked && !code.consumed, "{how}");
            let flow = code.login.flow_id;
            let flow = store::login_flows::find_in_any_environment(&mut conn, flow).await.unwrap().unwrap();
            assert_eq!(flow.refusal.as_deref(), Some("directory_user_inactive"), "{how}");
            drop(conn);
            let _ = app.scim(&directory, Method::DELETE, &path, None).await;
            // Created again, and so accepted again.
            let again = app.scim_user(&directory, "dana@acme.example").await;
            assert_eq!(fixture.tokens().await["token_type"], "Bearer");
            let again = format!("/Users/{}", id(&again));
            assert_eq!(app.scim(&directory, Method::DELETE, &again, None).await.status, 204);
        }
    }

    async fn codes_and_tokens_wait_while_the_domain_does_not_count(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let key = app.api_key(&fixture.environment, true).await;
        let path = format!("/v1/organizations/{}", fixture.tenant.organization.id);
        let set = async |domains: Value| {
            let answer = app.api(&key, Method::PATCH, &path, Some(json!({ "domains": domains }))).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        };
        let code = async |email: &str| {
            let callback = fixture.sign_in(&app.browser(), &fixture.authorize_url(&[]), email).await;
            query(&callback, "code").unwrap()
        };
        for email in ["dana@acme.example", "Dana.O'Neil_x+1@ACME.Example", "a.c.m.e@acme.example"] {
            let token = fixture.token(&code(email).await, &[]).await.json()["access_token"].as_str().unwrap().to_owned();
            let code = code(email).await;
            let digest = code.parse::<AccessCode>().unwrap().digest();
            assert_eq!(fixture.userinfo(&token).await.status, 200, "{email}");
            let mut conn = app.state.db.read().await.unwrap();
            let before = store::authorization_codes::find(&mut conn, digest).await.unwrap().unwrap();
            set(json!(["e.acme.example", "cme.example", "other.example"])).await;
            assert_eq!(fixture.userinfo(&token).await.status, 401, "{email}");
            assert_eq!(error_of(&fixture.token(&code, &[]).await), (400, "invalid_grant".into()), "{email}");
            let flow = store::login_flows::find_in_any_environment(&mut conn, before.login.flow_id).await.unwrap().unwrap();
            assert_eq!(flow.refusal.as_deref(), Some("email_outside_organization_domains"), "{email}");
            drop(conn);
            // However long ago the code was read: the statement that redeems it tells how things are now.
            let mut tx = app.state.db.write().await.unwrap();
            let now = app.now();
            let consumed = store::authorization_codes::consume(&mut tx, digest, &before.login, now).await.unwrap().unwrap();
            assert!(!consumed.eligibility.unwrap().domain_counts, "{email}");
            drop(tx);
            // The refusal used nothing up.
            set(json!(["acme.example"])).await;
            assert_eq!(fixture.userinfo(&token).await.status, 200, "{email}");
            assert_eq!(fixture.token(&code, &[]).await.status, 200, "{email}");
            assert_eq!(error_of(&fixture.token(&code, &[]).await), (400, "invalid_grant".into()), "{email}");
        }
    }

    async fn codes_and_tokens_are_asked_about_again_when_they_are_used(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let directory = app.scim_directory(&fixture.tenant).await;
        let user: ScimUserId = id(&app.scim_user(&directory, "dana@acme.example").await).parse().unwrap();
        let token = fixture.tokens().await["access_token"].as_str().unwrap().to_owned();
        let code = fixture.code(&[]).await;
        assert_eq!(fixture.userinfo(&token).await.status, 200);
        // In the store alone: a deactivation that did not see these.
        let mut tx = app.state.db.write().await.unwrap();
        let before = store::scim_users::lock(&mut tx, directory.id, user).await.unwrap().unwrap();
        let mut after = before.clone();
        (after.active, after.version) = (false, before.version + 1);
        assert!(store::scim_users::update(&mut tx, &before, &after).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(fixture.userinfo(&token).await.status, 401);
        assert_eq!(error_of(&fixture.token(&code, &[]).await), (400, "invalid_grant".into()));
    }

    async fn a_token_ends_with_its_connection_and_its_domain(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let key = app.api_key(&fixture.environment, true).await;
        let token = fixture.tokens().await["access_token"].as_str().unwrap().to_owned();
        let path = format!("/v1/organizations/{}", fixture.tenant.organization.id);
        for (domains, status) in [(json!([]), 401), (json!(["acme.example"]), 200)] {
            let body = Some(json!({ "domains": domains }));
            assert_eq!(app.api(&key, Method::PATCH, &path, body).await.status, 200);
            assert_eq!(fixture.userinfo(&token).await.status, status, "{domains}");
        }
        let code = fixture.code(&[]).await;
        let connection = format!("/v1/saml-connections/{}", fixture.tenant.connection.id);
        assert_eq!(app.api(&key, Method::DELETE, &connection, None).await.status, 200);
        assert_eq!(fixture.userinfo(&token).await.status, 401);
        assert_eq!(error_of(&fixture.token(&code, &[]).await), (400, "invalid_grant".into()));
    }

    async fn others_keep_what_they_hold(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let directory = app.scim_directory(&fixture.tenant).await;
        let other = app.scim_user(&directory, "eve@acme.example").await;
        app.scim_user(&directory, "dana@acme.example").await;
        let token = fixture.tokens().await["access_token"].as_str().unwrap().to_owned();
        let path = format!("/Users/{}", id(&other));
        deprovision(&app, &directory, &path, "DELETE").await;
        assert_eq!(fixture.userinfo(&token).await.status, 200);
    }
}
