//! Logins that go well, by each door.

use std::time::Duration;

use model::{
    login_flow::{FlowStatus, LoginProtocol},
    oauth_client::IdTokenAlg,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::World;
use crate::{
    both,
    support::{openid_provider::CLIENT_ID, query},
};

both! {
    async fn an_app_gets_the_person_whom_the_provider_names(app: TestApp) {
        let world = World::new(&app).await;
        let browser = world.app.browser();
        let request = world.begin(&browser).await;
        let callback = world.provider.sign_in(&request);
        assert!(callback.starts_with(&world.app.url(&format!("/v1/oidc/{}/callback?", world.connection))));
        let redeemed = world.redeemed(&browser.get(&callback).await).await;
        assert_eq!(redeemed["email"], "dana@acme.example");
        assert_eq!(redeemed["organizationId"], world.organization.as_str());
        assert_eq!(redeemed["organizationExternalId"], "of acme.example");
        assert_eq!(redeemed["state"], "the app's state");
        assert_eq!(redeemed["attributeValues"]["groups"], json!(["staff", "admins"]));
        assert_eq!(redeemed["attributes"]["given_name"], "Dana");
        for token_claim in ["nonce", "aud", "exp", "iss"] {
            assert_eq!(redeemed["attributes"].get(token_claim), None);
        }
        let (flow, checks) = world.latest().await;
        assert_eq!((flow.protocol, flow.status), (LoginProtocol::Oidc, FlowStatus::Succeeded));
        let names: Vec<&str> = checks.iter().map(|check| &*check.name).collect();
        for name in ["browser_mismatch", "invalid_signature", "issuer_mismatch", "audience_mismatch", "nonce_mismatch",
            "id_token_expired", "email_unverified", "email_outside_organization_domains"]
        {
            assert!(names.contains(&name), "{name} in {names:?}");
        }
        assert!(checks.iter().all(|check| check.passed));
        let asked = world.provider.seen("/token");
        assert_eq!(asked.len(), 1);
        assert!(asked[0].authorization.is_some() && !asked[0].form.contains_key("client_secret"));
    }

    async fn an_oauth_client_signs_people_in_through_the_provider(app: TestApp) {
        let world = World::new(&app).await;
        let (client, secret) = world.app.oauth_client(&world.environment, IdTokenAlg::RS256).await;
        for selector in [
            format!("organization_id={}", world.organization),
            "organization_external_id=of%20acme.example".to_owned(),
            format!("saml_connection_id={}", world.connection),
            "domain_hint=acme.example".to_owned(),
            "login_hint=dana%40acme.example".to_owned(),
        ] {
            let browser = world.app.browser();
            let redirect_uri = "https://prod.app.example/oauth/callback";
            let start = world.app.url(&format!(
                "/v1/oauth/authorize?client_id={}&response_type=code&scope=openid&state=s&redirect_uri={redirect_uri}&{selector}",
                client.id
            ));
            let request = browser.get(&start).await;
            assert_eq!(request.status, 303, "{selector}: {}", request.body);
            let accepted = browser.get(&world.provider.sign_in(&request.location())).await;
            let location = accepted.location();
            assert!(location.as_str().starts_with(redirect_uri), "{selector}: {location}");
            let code = query(&location, "code").unwrap();
            let form = [
                ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", redirect_uri),
                ("client_id", &client.id.to_string()), ("client_secret", &secret),
            ];
            let tokens = world.app.browser().post(&world.app.url("/v1/oauth/token"), &form).await;
            assert_eq!(tokens.status, 200, "{}", tokens.body);
            let bearer = tokens.json()["access_token"].as_str().unwrap().to_owned();
            let asked = world.app.browser();
            let userinfo = asked.request(Method::GET, &world.app.url("/v1/oauth/userinfo")).bearer_auth(bearer);
            assert_eq!(asked.send(userinfo).await.json()["email"], "dana@acme.example");
        }
    }

    async fn a_refused_login_goes_back_to_the_oauth_client(app: TestApp) {
        let world = World::new(&app).await;
        let (client, _) = world.app.oauth_client(&world.environment, IdTokenAlg::RS256).await;
        world.provider.set(|provider| provider.claims = json!({ "email": "dana@other.example" }));
        let browser = world.app.browser();
        let start = world.app.url(&format!(
            "/v1/oauth/authorize?client_id={}&response_type=code&scope=openid&state=s&organization_id={}",
            client.id, world.organization
        ));
        let request = browser.get(&start).await.location();
        let refused = browser.get(&world.provider.sign_in(&request)).await;
        assert_eq!(refused.reason(), Some("email_outside_organization_domains"));
        assert!(refused.body.contains("error=access_denied"), "{}", refused.body);
    }

    async fn the_userinfo_endpoint_is_asked_for_what_the_id_token_lacks(app: TestApp) {
        let world = World::new(&app).await;
        world.redeemed(&world.log_in().await).await;
        assert_eq!(world.provider.seen("/userinfo").len(), 0, "nothing was missing");
        world.provider.set(|provider| {
            provider.claims = json!({ "email": null, "email_verified": null });
            provider.userinfo = json!({ "sub": "person-1", "email": "Dana@Acme.example", "department": "R&D" });
        });
        let redeemed = world.redeemed(&world.log_in().await).await;
        assert_eq!(redeemed["email"], "Dana@Acme.example");
        assert_eq!(redeemed["attributes"]["department"], "R&D");
        for (userinfo, reason) in [
            (json!({ "sub": "person-2", "email": "eve@acme.example" }), "userinfo_subject_mismatch"),
            (json!({ "email": "eve@acme.example" }), "userinfo_subject_mismatch"),
            (json!({ "sub": "person-1" }), "email_missing"),
            (json!({ "sub": "person-1", "email": "dana@acme.example", "email_verified": false }), "email_unverified"),
            (json!([]), "userinfo_refused"),
        ] {
            world.provider.set(|provider| provider.userinfo = userinfo.clone());
            assert_eq!(world.refusal().await, reason, "{userinfo}");
        }
    }

    async fn a_claim_that_the_connection_names_has_the_address(app: TestApp) {
        let world = World::new(&app).await;
        world.change(json!({ "emailClaim": "upn", "scopes": ["email", "groups"] })).await;
        world.provider.set(|provider| {
            provider.claims = json!({ "upn": "dana@acme.example", "email": "dana@private.example" });
        });
        let browser = world.app.browser();
        let request = world.begin(&browser).await;
        assert_eq!(query(&request, "scope").unwrap(), "openid email groups");
        let accepted = browser.get(&world.provider.sign_in(&request)).await;
        assert_eq!(world.redeemed(&accepted).await["email"], "dana@acme.example");
    }

    async fn a_secret_can_be_sent_in_the_body(app: TestApp) {
        let world = World::new(&app).await;
        world.change(json!({ "tokenAuthMethod": "client_secret_post" })).await;
        world.redeemed(&world.log_in().await).await;
        let asked = world.provider.seen("/token");
        assert!(asked[0].authorization.is_none() && asked[0].form["client_id"] == CLIENT_ID);
    }

    async fn tokens_of_every_kind_of_key_are_accepted_and_keys_rotate(app: TestApp) {
        use std::sync::Arc;
        use oauth::signing_key::SigningKey;
        let world = World::new(&app).await;
        world.redeemed(&world.log_in().await).await;
        for algorithm in [IdTokenAlg::ES256, IdTokenAlg::EdDSA, IdTokenAlg::RS256] {
            let key = Arc::new(SigningKey::generate(algorithm).unwrap());
            world.provider.set(|provider| {
                provider.key = Arc::clone(&key);
                provider.published = vec![key];
            });
            // The new key is fetched when a token names it, but not every second.
            world.app.advance(Duration::from_secs(31));
            world.provider.set(|provider| provider.now = world.app.now());
            world.redeemed(&world.log_in().await).await;
        }
        assert_eq!(world.provider.seen("/jwks").len(), 4);
        let unknown = Arc::new(SigningKey::generate(IdTokenAlg::ES256).unwrap());
        world.provider.set(|provider| provider.key = unknown);
        for _ in 0..3 {
            assert_eq!(world.refusal().await, "id_token_key_unknown");
        }
        assert_eq!(world.provider.seen("/jwks").len(), 4, "a stream of bad tokens fetches nothing");
        world.app.advance(Duration::from_secs(31));
        world.provider.set(|provider| provider.now = world.app.now());
        assert_eq!(world.refusal().await, "id_token_key_unknown");
        assert_eq!(world.provider.seen("/jwks").len(), 5);
    }

    async fn people_whom_a_directory_switched_off_do_not_get_in(app: TestApp) {
        let world = World::new(&app).await;
        let body = json!({ "organizationId": world.organization });
        let made = world.call(Method::POST, "/v1/scim-directories", Some(body)).await.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (id, base) = (text(&made["scimDirectory"]["id"]), text(&made["scimDirectory"]["scimBaseUrl"]));
        let rotate = format!("/v1/scim-directories/{id}/rotate-bearer-token");
        let token = text(&world.call(Method::POST, &rotate, Some(json!({}))).await.json()["bearerToken"]);
        let push = async |active: bool| {
            let browser = world.app.browser();
            let body = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "dana@acme.example",
                "active": active, "emails": [{ "value": "dana@acme.example", "primary": true }],
            });
            let request = browser.request(Method::POST, &format!("{base}/Users")).bearer_auth(&token).json(&body);
            assert_eq!(browser.send(request).await.status, 201);
        };
        push(false).await;
        assert_eq!(world.refusal().await, "directory_user_inactive");
    }

    async fn what_is_switched_off_refuses_and_ends(app: TestApp) {
        let world = World::new(&app).await;
        let accepted = world.log_in().await;
        world.change(json!({ "disabled": true })).await;
        let code = query(&accepted.location(), "saml_access_code").unwrap();
        assert_ne!(world.app.redeem(&world.key, &code).await.status, 200, "the code has ended");
        let refused = world.app.browser().get(&world.link().await).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("connection_disabled")));
        world.change(json!({ "disabled": false })).await;
        world.redeemed(&world.log_in().await).await;
    }

    async fn one_connection_is_primary_whatever_its_protocol(app: TestApp) {
        let world = World::new(&app).await;
        let body = json!({ "organizationId": world.organization, "primary": true });
        let made = world.call(Method::POST, "/v1/saml-connections", Some(body)).await.json();
        let saml = made["samlConnection"]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/oidc-connections/{}", world.connection);
        let oidc = world.call(Method::GET, &path, None).await.json();
        assert_eq!(oidc["oidcConnection"]["primary"], false);
        let refused = world.call(Method::POST, "/v1/saml/redirect", Some(json!({ "organizationId": world.organization }))).await;
        assert_eq!(refused.status, 400, "the SAML connection is not configured");
        world.change(json!({ "primary": true })).await;
        let saml = world.call(Method::GET, &format!("/v1/saml-connections/{saml}"), None).await.json();
        assert_eq!(saml["samlConnection"]["primary"], Value::Bool(false));
        world.redeemed(&world.log_in().await).await;
        // A connection can be named where it is not the primary one.
        world.change(json!({ "primary": false })).await;
        let body = json!({ "samlConnectionId": world.connection });
        let link = world.call(Method::POST, "/v1/saml/redirect", Some(body)).await.json();
        assert!(link["redirectUrl"].as_str().unwrap().contains("/v1/oidc/"), "{link}");
    }
}
