//! The settings of OIDC connections: what the API takes, shows and refuses.

use reqwest::Method;
use serde_json::{Value, json};

use super::World;
use crate::{
    both,
    support::openid_provider::{CLIENT_ID, Instead, SECRET},
};

both! {
    async fn an_issuer_fills_the_endpoints_and_the_secret_is_never_shown(app: TestApp) {
        let world = World::new(&app).await;
        let path = format!("/v1/oidc-connections/{}", world.connection);
        let shown = world.call(Method::GET, &path, None).await;
        assert!(!shown.body.contains(SECRET));
        let shown = &shown.json()["oidcConnection"];
        let base = &world.provider.base;
        for (name, expected) in [
            ("issuer", json!(base)),
            ("authorizationEndpoint", json!(format!("{base}/authorize"))),
            ("tokenEndpoint", json!(format!("{base}/token"))),
            ("userinfoEndpoint", json!(format!("{base}/userinfo"))),
            ("jwksUri", json!(format!("{base}/jwks"))),
            ("tokenAuthMethod", json!("client_secret_basic")),
            ("clientId", json!(CLIENT_ID)),
            ("clientSecretSet", json!(true)),
            ("scopes", json!(["openid", "profile", "email"])),
            ("emailClaim", json!("email")),
            ("primary", json!(true)),
            ("redirectUri", json!(world.app.url(&format!("/v1/oidc/{}/callback", world.connection)))),
        ] {
            assert_eq!(shown[name], expected, "{name}");
        }
        let listed = world.call(Method::GET, &format!("/v1/oidc-connections?organizationId={}", world.organization), None).await;
        assert_eq!(listed.json()["oidcConnections"].as_array().unwrap().len(), 1);
        let sealed = crate::support::columns::texts(&world.app, "oidc_connections", "client_secret").await;
        assert!(!sealed[0].contains(SECRET));
        // A whole connection sent back changes nothing, and keeps the secret.
        let version = |answer: &crate::support::Answer| answer.header("etag").to_owned();
        let before = world.call(Method::GET, &path, None).await;
        let again = world.call(Method::PATCH, &path, Some(before.json()["oidcConnection"].clone())).await;
        assert_eq!((again.status.as_u16(), version(&again)), (200, version(&before)), "{}", again.body);
        world.redeemed(&world.log_in().await).await;
        let gone = world.call(Method::DELETE, &path, None).await;
        assert_eq!(gone.status, 200);
        assert_eq!(world.call(Method::GET, &path, None).await.status, 404);
        assert_eq!(world.app.browser().get(&world.app.url(&format!("/v1/oidc/{}/init", world.connection))).await.status, 404);
    }

    async fn a_provider_that_publishes_something_else_is_refused(app: TestApp) {
        let world = World::new(&app).await;
        let create = async |issuer: &str| {
            let body = json!({ "organizationId": world.organization, "issuer": issuer });
            world.call(Method::POST, "/v1/oidc-connections", Some(body)).await
        };
        let base = world.provider.base.clone();
        let metadata = |change: Value| world.provider.set(|provider| provider.metadata = change);
        for (change, said) in [
            (json!({ "issuer": format!("{base}/") }), "another issuer"),
            (json!({ "token_endpoint": "http://idp.example/token" }), "publishes an endpoint"),
            (json!({ "token_endpoint": "http://169.254.169.254/token" }), "publishes an endpoint"),
            (json!({ "jwks_uri": "file:///etc/passwd" }), "publishes an endpoint"),
            (json!({ "jwks_uri": null }), "metadata of an OpenID provider"),
        ] {
            metadata(change);
            let refused = create(&base).await;
            assert!(refused.status == 400 && refused.body.contains(said), "{said}: {}", refused.body);
        }
        metadata(json!({}));
        world.provider.set(|provider| {
            provider.instead.insert("/.well-known/openid-configuration", Instead::redirect(&format!("{base}/other")));
        });
        let refused = create(&base).await;
        assert!(refused.status == 400 && refused.body.contains("302"), "{}", refused.body);
        for issuer in ["http://idp.example", "idp.example", "https://user:pw@idp.example", "http://[fe80::1]",
            "https://169.254.169.254", "https://idp.example/?tenant=1"]
        {
            let refused = create(issuer).await;
            assert_eq!(refused.status, 400, "{issuer}: {}", refused.body);
        }
    }

    async fn without_permission_nothing_private_is_called(app: TestApp) {
        let world = World::new(&app).await;
        let careful = world.app.replica().await;
        let body = json!({ "organizationId": world.organization, "issuer": world.provider.base });
        let refused = careful.api(&world.key, Method::POST, "/v1/oidc-connections", Some(body)).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        // A connection that was made before is not called either.
        let asked = world.provider.seen("/token").len();
        let browser = careful.browser();
        let body = json!({ "organizationId": world.organization });
        let link = careful.api(&world.key, Method::POST, "/v1/saml/redirect", Some(body)).await.json();
        let link = link["redirectUrl"].as_str().unwrap().replace(&world.app.base, &careful.base);
        let request = browser.get(&link).await.location();
        let callback = world.provider.sign_in(&request).replace(&world.app.base, &careful.base);
        assert_eq!(browser.get(&callback).await.reason(), Some("idp_unreachable"));
        assert_eq!(world.provider.seen("/token").len(), asked);
    }

    async fn another_environment_sees_nothing_of_a_connection(app: TestApp) {
        let world = World::new(&app).await;
        let other = world.app.environment("other").await;
        let key = world.app.api_key(&other, true).await;
        let path = format!("/v1/oidc-connections/{}", world.connection);
        for (method, body) in [
            (Method::GET, None), (Method::PATCH, Some(json!({ "primary": false }))), (Method::DELETE, None),
        ] {
            assert_eq!(world.app.api(&key, method, &path, body).await.status, 404);
        }
        let body = json!({ "samlConnectionId": world.connection });
        let refused = world.app.api(&key, Method::POST, "/v1/saml/redirect", Some(body)).await;
        assert_eq!(refused.status, 400);
        let plain = world.app.api_key(&world.environment, false).await;
        assert_eq!(world.app.api(&plain, Method::GET, &path, None).await.status, 403);
    }

    async fn a_removed_organization_takes_its_connection_along(app: TestApp) {
        let world = World::new(&app).await;
        let browser = world.app.browser();
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        let gone = world.call(Method::DELETE, &format!("/v1/organizations/{}", world.organization), None).await;
        assert_eq!(gone.status, 200, "{}", gone.body);
        assert_eq!(browser.get(&callback).await.status, 404);
        assert!(crate::support::columns::texts(&world.app, "oidc_connections", "id").await.is_empty());
    }
}
