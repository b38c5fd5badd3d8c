//! What a token was given for is asked before anything of the body is.

use ostiary::{
    app::{
        authorization_server::scopes::{self, SYSTEM_SCOPES},
        principal::{On, Principal},
    },
    http::secureauth,
};

use super::*;
use crate::both;

const JSON: &str = "application/json";

/// Bodies that no route takes, and one that is none.
const BODIES: [(&str, &[u8]); 5] =
    [(JSON, b""), (JSON, b"{}"), (JSON, b"{\"a\":"), (JSON, b"[1]"), ("text/plain", b"hello")];

both! {
    async fn a_token_of_no_scope_is_403_whatever_the_body_and_none_is_401(app: TestApp) {
        let environment = app.environment("prod").await;
        let (token, browser) = (app.system_token(&environment, &["manage_clients"]).await, app.browser());
        let access = secureauth::access();
        assert!(access.len() > 60, "{}", access.len());
        for (pattern, method, needs) in access {
            let path = filled(pattern, "prod");
            for (kind, body) in BODIES {
                let refused = send(&app, &browser, (method, &path), Some(&token), kind, body).await;
                // A route of users takes no token of a client at all.
                let expected = if needs.is_some() { (403, "insufficient_scope") } else { (401, "unauthorized") };
                assert_eq!(error(&refused), (expected.0, expected.1.to_owned()), "{method} {path} {body:?}");
                let nobody = send(&app, &browser, (method, &path), None, kind, body).await;
                assert_eq!(error(&nobody), (401, "unauthorized".to_owned()), "{method} {path} {body:?}");
                assert_eq!(nobody.header("www-authenticate"), "Bearer");
            }
            // Nor is it told whether a version is written right.
            let request = browser.request(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), &app.url(&path));
            let request = request.header(header::AUTHORIZATION, format!("Bearer {token}")).header(header::IF_MATCH, "x");
            let refused = browser.send(request).await;
            assert!(matches!(refused.status.as_u16(), 401 | 403), "{method} {path}: {}", refused.body);
        }
    }

    async fn each_scope_opens_the_routes_that_the_table_says_and_no_other(app: TestApp) {
        let (environment, browser) = (app.environment("prod").await, app.browser());
        let mut opened = 0;
        for scope in SYSTEM_SCOPES {
            let token = app.system_token(&environment, &[scope]).await;
            let caller = Principal::application(
                base::id::Id::from_bits(1),
                environment.id,
                scopes::permissions([scope].into_iter()),
            );
            for (pattern, method, needs) in secureauth::access() {
                let Some(action) = needs else { continue };
                let path = filled(pattern, "prod");
                let answer = send(&app, &browser, (method, &path), Some(&token), JSON, b"{}").await;
                let permitted = caller.authorize(action, On::AnyOrganization).is_ok();
                let refused = answer.status == 403;
                assert_eq!(refused, !permitted, "{scope}: {method} {path}: {}", answer.body);
                assert!(answer.status != 401 && answer.status.as_u16() < 500, "{scope}: {method} {path}: {}", answer.body);
                opened += u32::from(permitted);
            }
        }
        assert!(opened > 100, "{opened}");
    }

    async fn a_token_of_another_tenant_opens_none(app: TestApp) {
        let (_, other, browser) = (app.environment("prod").await, app.environment("other").await, app.browser());
        let token = app.system_token(&other, &["manage_configuration", "view_audit_events"]).await;
        for (pattern, method, _) in secureauth::access() {
            for (tenant, expected) in [("prod", (403, "tenant_mismatch")), ("nowhere", (404, "tenant_not_found"))] {
                let path = filled(pattern, tenant);
                let answer = send(&app, &browser, (method, &path), Some(&token), JSON, b"{").await;
                let is_users = answer.status == 401;
                assert!(is_users || error(&answer) == (expected.0, expected.1.to_owned()), "{method} {path}: {}", answer.body);
            }
        }
    }

    async fn self_registration_is_all_that_its_scope_permits(app: TestApp) {
        let environment = app.environment("prod").await;
        let identity = app.system_token(&environment, &["identity"]).await;
        let token = app.system_token(&environment, &["identity_self_registration"]).await;
        let base = "/api/identity/prod/system/pools";
        let make = async |allowed: bool| {
            let body = serde_json::json!({ "name": "Customers", "public_registration_allowed": allowed });
            let made = app.call(&identity, Method::POST, base, Some(body)).await;
            assert_eq!(made.status, 201, "{}", made.body);
            made.json()["id"].as_str().unwrap().to_owned()
        };
        let (open, closed) = (make(true).await, make(false).await);
        let register = async |pool: &str, body: serde_json::Value| {
            app.call(&token, Method::POST, &format!("{base}/{pool}/user/register"), Some(body)).await
        };
        let dana = serde_json::json!({
            "identifier": "dana@acme.com",
            "password": "violet kettle under snow",
            "payload": { "name": "Dana" },
        });
        let made = register(&open, dana.clone()).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let user = app.call(&identity, Method::GET, &format!("{base}/{open}/users/{}", made.json()["id"].as_str().unwrap()), None).await;
        assert_eq!((user.json()["status"].as_str(), user.json()["payload"]["name"].as_str()), (Some("new"), Some("Dana")));
        assert_eq!(register(&closed, dana).await.status, 409, "its pool does not allow it");
        let strange = serde_json::json!({ "identifier": "doe@acme.com", "payload": { "zzz": 1 } });
        assert_eq!(register(&open, strange).await.status, 422, "the profile is checked");
        for path in [format!("/{open}/users"), format!("/{open}"), String::new()] {
            let refused = app.call(&token, Method::GET, &format!("{base}{path}"), None).await;
            assert_eq!(error(&refused), (403, "insufficient_scope".to_owned()), "{path}");
        }
    }
}
