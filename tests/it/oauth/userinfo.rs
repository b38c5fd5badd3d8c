//! Userinfo: the claims of a token's user, while the token is valid.

use std::time::Duration;

use model::{oauth_client::OauthClient, organization::Organization};
use ostiary::app::{
    authorization_server::clients::{self, OauthClientChange},
    principal::Principal,
    resource,
};
use serde_json::json;

use super::*;
use crate::both;

both! {
    async fn a_token_is_answered_however_it_is_sent(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let token = fixture.tokens().await["access_token"].as_str().unwrap().to_owned();
        let by_get = fixture.userinfo(&token).await;
        assert_eq!(by_get.status, 200);
        assert_eq!(by_get.header("content-type"), "application/json");
        assert_eq!(by_get.header("cache-control"), "no-store");
        assert_eq!(
            by_get.json(),
            json!({
                "sub": "dana@acme.example",
                "email": "dana@acme.example",
                "email_verified": true,
                "organizationId": fixture.tenant.organization.id,
                "organizationExternalId": "customer-acme.example",
                "attributes": { "displayName": "Dana", "groups": "staff" },
                "attributeValues": { "displayName": ["Dana"], "groups": ["admins", "staff"] },
            })
        );
        let bearer = format!("bearer {token}");
        let by_post = post_form(&app, "/v1/oauth/userinfo", "", &[("authorization", &bearer)]).await;
        assert_eq!(by_post.json(), by_get.json());
        let form = format!("access_token={token}");
        assert_eq!(post_form(&app, "/v1/oauth/userinfo", &form, &[]).await.json(), by_get.json());
        let twice = post_form(&app, "/v1/oauth/userinfo", &form, &[("authorization", &bearer)]).await;
        assert_eq!(error_of(&twice), (400, "invalid_request".into()));
        // A token in a query would stand in logs (RFC 6750 §2.3).
        let query = app.browser().get(&app.url(&format!("/v1/oauth/userinfo?{form}"))).await;
        assert_eq!(query.status, 401);
    }

    async fn no_token_and_a_bad_token_are_different_challenges(app: TestApp) {
        let browser = app.browser();
        let none = browser.send(browser.request(Method::GET, &app.url("/v1/oauth/userinfo"))).await;
        assert_eq!(none.status, 401);
        assert_eq!(none.header("www-authenticate"), "Bearer realm=\"ostiary\"");
        let fixture = Fixture::new(&app).await;
        let id_token = fixture.tokens().await["id_token"].as_str().unwrap().to_owned();
        for token in ["x", "ostiary_at_0000000000000000000000001", &id_token] {
            let answer = fixture.userinfo(token).await;
            assert_eq!(error_of(&answer), (401, "invalid_token".into()));
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        }
    }

    async fn a_token_is_valid_for_an_hour(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let tokens = fixture.tokens().await;
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(tokens["expires_in"], 3600);
        app.advance(Duration::from_secs(3599));
        assert_eq!(fixture.userinfo(token).await.status, 200);
        app.advance(Duration::from_secs(1));
        assert_eq!(error_of(&fixture.userinfo(token).await), (401, "invalid_token".into()));
    }

    async fn a_token_ends_with_its_client_and_with_its_organization(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let first = fixture.tokens().await;
        let id = fixture.client_id.parse().unwrap();
        let principal = Principal::operator(fixture.environment.id);
        resource::remove::<OauthClient>(&app.state, &principal, id, None).await.unwrap();
        assert_eq!(fixture.userinfo(first["access_token"].as_str().unwrap()).await.status, 401);

        let made = clients::create(&app.state, &principal, &OauthClientChange::default()).await;
        let made = made.unwrap();
        let fixture = Fixture { client_id: made.client.id.to_string(), secret: made.secret.reveal(), ..fixture };
        let second = fixture.tokens().await;
        let (code, token) = (fixture.code(&[]).await, second["access_token"].as_str().unwrap());
        assert_eq!(fixture.userinfo(token).await.status, 200);
        resource::remove::<Organization>(&app.state, &principal, fixture.tenant.organization.id, None).await.unwrap();
        assert_eq!(fixture.userinfo(token).await.status, 401);
        assert_eq!(error_of(&fixture.token(&code, &[]).await), (400, "invalid_grant".into()));
    }

    async fn a_page_elsewhere_may_ask_with_a_token(app: TestApp) {
        let browser = app.browser();
        let preflight = browser
            .request(Method::OPTIONS, &app.url("/v1/oauth/userinfo"))
            .header("origin", "https://spa.example")
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization");
        let answer = browser.send(preflight).await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-headers"), "authorization");
        let refused = browser.send(browser.request(Method::GET, &app.url("/v1/oauth/userinfo"))).await;
        assert_eq!(refused.header("access-control-allow-origin"), "*");
        // The token endpoint wants a secret, which no page has.
        let token = post_form(&app, "/v1/oauth/token", "", &[("origin", "https://spa.example")]).await;
        assert!(token.headers.get("access-control-allow-origin").is_none());
    }
}
