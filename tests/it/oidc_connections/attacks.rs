//! Answers that somebody else made, changed or used before.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use model::{login_flow::FlowStatus, oauth_client::IdTokenAlg};
use oauth::signing_key::SigningKey;
use serde_json::json;
use url::Url;

use super::World;
use crate::{
    both,
    support::{
        openid_provider::{Instead, OpenidProvider},
        query,
    },
};

/// The token with another header.
fn with_header(token: &str, header: &serde_json::Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", BASE64.encode(header.to_string()))
}

fn unsigned(token: &str) -> String {
    let token = with_header(token, &json!({ "alg": "none" }));
    format!("{}.", token.rsplit_once('.').unwrap().0)
}

fn shared_secret(token: &str) -> String {
    with_header(token, &json!({ "alg": "HS256" }))
}

fn other_person(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let claims = String::from_utf8(BASE64.decode(parts[1]).unwrap()).unwrap();
    let claims = claims.replace("dana@", "ceo@");
    format!("{}.{}.{}", parts[0], BASE64.encode(claims), parts[2])
}

/// A callback with one parameter changed, or left out.
fn with(callback: &str, name: &str, value: Option<&str>) -> String {
    let mut url = Url::parse(callback).unwrap();
    let pairs: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    if let Some(value) = value {
        url.query_pairs_mut().append_pair(name, value);
    }
    url.into()
}

both! {
    async fn every_rule_of_the_id_token_is_kept(app: TestApp) {
        let world = World::new(&app).await;
        let now = world.app.now().seconds();
        for (claims, reason) in [
            (json!({ "iss": "https://other.example" }), "issuer_mismatch"),
            (json!({ "iss": format!("{}/", world.provider.base) }), "issuer_mismatch"),
            (json!({ "aud": "another client" }), "audience_mismatch"),
            (json!({ "aud": ["client:1", "another"] }), "authorized_party_mismatch"),
            (json!({ "azp": "another" }), "authorized_party_mismatch"),
            (json!({ "exp": now - 3600 }), "id_token_expired"),
            (json!({ "iat": now + 3600 }), "id_token_not_yet_valid"),
            (json!({ "nonce": "of another login" }), "nonce_mismatch"),
            (json!({ "nonce": null }), "nonce_mismatch"),
            (json!({ "sub": null }), "subject_missing"),
            (json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }), "access_token_hash_mismatch"),
            (json!({ "email": null }), "userinfo_refused"),
            (json!({ "email_verified": false }), "email_unverified"),
            (json!({ "email_verified": "false" }), "email_unverified"),
            (json!({ "email_verified": 0 }), "email_unverified"),
            (json!({ "email": "dana@other.example" }), "email_outside_organization_domains"),
            (json!({ "email": "dana@acme.example.evil.example" }), "email_outside_organization_domains"),
            (json!({ "email": "dana@аcme.example" }), "email_outside_organization_domains"),
            (json!({ "email": "eve@evil.example@acme.example" }), "email_malformed"),
            (json!({ "email": "\"eve@evil.example\"@acme.example" }), "email_malformed"),
            (json!({ "email": "dana@acme.example, eve@evil.example" }), "email_malformed"),
            (json!({ "email": ["dana@acme.example"] }), "email_malformed"),
        ] {
            world.provider.set(|provider| provider.claims = claims.clone());
            assert_eq!(world.refusal().await, reason, "{claims}");
            let (flow, checks) = world.latest().await;
            assert_eq!((flow.status, flow.refusal.as_deref()), (FlowStatus::Failed, Some(reason)));
            let failed = checks.iter().find(|check| !check.passed).unwrap();
            assert!(failed.name == reason && !failed.remedy.is_empty(), "{failed:?}");
        }
        world.provider.set(|provider| provider.claims = json!({}));
        world.redeemed(&world.log_in().await).await;
    }

    async fn no_trick_with_the_signature_helps(app: TestApp) {
        let world = World::new(&app).await;
        for (forge, reason) in [
            (unsigned as fn(&str) -> String, "id_token_algorithm"),
            (shared_secret, "id_token_algorithm"),
            (other_person, "invalid_signature"),
            (|token: &str| format!("{token}.x"), "id_token_malformed"),
        ] {
            world.provider.set(|provider| provider.forge = Some(forge));
            assert_eq!(world.refusal().await, reason);
        }
        // Another key under the name of the right one.
        let (right, other) = {
            let provider = world.provider.behaviour.lock().unwrap();
            (Arc::clone(&provider.key), Arc::new(SigningKey::generate(IdTokenAlg::RS256).unwrap()))
        };
        let kid = right.kid().to_owned();
        let mut swapped = serde_json::to_value(other.jwk()).unwrap();
        swapped["kid"] = kid.into();
        world.provider.set(|provider| {
            provider.forge = None;
            provider.instead.insert("/jwks", Instead::json(200, &json!({ "keys": [swapped] })));
        });
        world.app.advance(Duration::from_secs(7200));
        world.provider.set(|provider| provider.now = world.app.now());
        assert_eq!(world.refusal().await, "invalid_signature");
    }

    async fn a_state_counts_once_in_its_own_browser_and_in_time(app: TestApp) {
        let world = World::new(&app).await;
        let (browser, thief) = (world.app.browser(), world.app.browser());
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        world.begin(&thief).await;
        let refused = thief.get(&callback).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("browser_mismatch")));
        assert_eq!(world.app.browser().get(&callback).await.reason(), Some("browser_mismatch"));
        assert_eq!(world.provider.seen("/token").len(), 0, "a thief's answer costs no request");
        for (changed, reason) in [
            (with(&callback, "state", Some("x")), "invalid_state"),
            (with(&callback, "state", None), "invalid_state"),
            (format!("{callback}&state=x"), "invalid_state"),
        ] {
            let refused = browser.get(&changed).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (400, Some(reason)), "{changed}");
        }
        // None of that used it up.
        world.redeemed(&browser.get(&callback).await).await;
        assert_eq!(browser.get(&callback).await.reason(), Some("request_already_used"));
        assert_eq!(world.provider.seen("/token").len(), 1);
        // An answer that failed has used its state up too.
        world.provider.set(|provider| provider.claims = json!({ "nonce": "x" }));
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        assert_eq!(browser.get(&callback).await.reason(), Some("nonce_mismatch"));
        assert_eq!(browser.get(&callback).await.reason(), Some("request_already_used"));
        world.provider.set(|provider| provider.claims = json!({}));
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        world.app.advance(Duration::from_secs(601));
        assert_eq!(browser.get(&callback).await.reason(), Some("request_expired"));
    }

    async fn two_answers_at_once_give_one_login(app: TestApp) {
        let world = World::new(&app).await;
        let browser = world.app.browser();
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        let (one, two) = tokio::join!(browser.get(&callback), browser.get(&callback));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 403], "{} {}", one.body, two.body);
        assert_eq!(world.provider.seen("/token").len(), 1);
    }

    async fn an_answer_is_good_at_its_own_connection_only(app: TestApp) {
        let world = World::new(&app).await;
        let other = world.make_organization("other.example").await;
        let elsewhere = world.make_connection(&other, &json!({})).await;
        let browser = world.app.browser();
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        let moved = callback.replace(&world.connection, &elsewhere);
        assert_eq!(browser.get(&moved).await.reason(), Some("invalid_state"));
        // The code of one login in another one of the same browser.
        let second = world.provider.sign_in(&world.begin(&browser).await);
        let code = query(&Url::parse(&callback).unwrap(), "code").unwrap();
        let mixed = with(&second, "code", Some(&code));
        assert_eq!(browser.get(&mixed).await.reason(), Some("code_refused"), "PKCE ties it to the first");
        assert_eq!(world.app.browser().get(&callback.replace(&world.connection, "oidc_conn_x")).await.status, 404);
    }

    async fn issuers_are_not_mixed_up(app: TestApp) {
        let world = World::new(&app).await;
        let browser = world.app.browser();
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        let refused = browser.get(&with(&callback, "iss", Some("https://evil.example"))).await;
        assert_eq!(refused.reason(), Some("response_issuer_mismatch"));
        assert_eq!(world.provider.seen("/token").len(), 0, "the code was sent nowhere");
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        world.redeemed(&browser.get(&with(&callback, "iss", Some(&world.provider.base))).await).await;
        // A provider that says that it always sends its name is held to it (RFC 9207 §2.4).
        world.provider.set(|provider| {
            provider.metadata = json!({ "authorization_response_iss_parameter_supported": true });
        });
        let named = world.make_connection(&world.organization, &json!({})).await;
        assert_ne!(named, world.connection);
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        assert_eq!(browser.get(&callback).await.reason(), Some("response_issuer_mismatch"));
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        world.redeemed(&browser.get(&with(&callback, "iss", Some(&world.provider.base))).await).await;
    }

    async fn errors_of_the_provider_are_told_by_their_code(app: TestApp) {
        let world = World::new(&app).await;
        let browser = world.app.browser();
        let error = |callback: &str, code: &str| with(&with(callback, "code", None), "error", Some(code));
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        let refused = browser.get(&error(&callback, "access_denied")).await;
        assert_eq!(refused.reason(), Some("idp_error"));
        let (_, checks) = world.latest().await;
        assert_eq!(checks.last().unwrap().found.as_deref(), Some("access_denied"));
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        let refused = browser.get(&error(&callback, "<script>alert(1)</script>")).await;
        assert!(!refused.body.contains("<script>alert"), "{}", refused.body);
        let callback = world.provider.sign_in(&world.begin(&browser).await);
        let refused = browser.get(&with(&callback, "code", None)).await;
        assert_eq!(refused.reason(), Some("authorization_response_malformed"));
        for (path, instead, reason) in [
            ("/token", Instead::json(401, &json!({ "error": "invalid_client" })), "code_refused"),
            ("/token", Instead::json(500, &json!({})), "code_refused"),
            ("/token", Instead::redirect("http://169.254.169.254/latest/meta-data/"), "code_refused"),
            ("/token", Instead::json(200, &json!([])), "token_response_malformed"),
            ("/token", Instead::json(200, &json!({ "access_token": "a", "token_type": "Bearer" })), "token_response_malformed"),
            ("/token", Instead { status: 200, headers: String::new(), body: vec![b' '; 300 * 1024] }, "idp_unreachable"),
            ("/jwks", Instead::json(200, &json!({ "keys": [] })), "keys_unreadable"),
            ("/jwks", Instead::redirect(&format!("{}/other", world.provider.base)), "keys_unreadable"),
            ("/jwks", Instead { status: 200, headers: String::new(), body: vec![b' '; 300 * 1024] }, "keys_unreadable"),
        ] {
            world.provider.set(|provider| {
                provider.instead.clear();
                provider.instead.insert(path, instead);
            });
            assert_eq!(world.refusal().await, reason, "{path}");
        }
        world.provider.set(|provider| provider.instead.clear());
        world.redeemed(&world.log_in().await).await;
    }

    async fn nothing_of_tokens_and_codes_is_kept(app: TestApp) {
        let world = World::new(&app).await;
        world.redeemed(&world.log_in().await).await;
        let (flow, _) = world.latest().await;
        let principal = ostiary::app::principal::Principal::operator(world.environment.id);
        let details = ostiary::app::support::flows::find(&world.app.state, &principal, flow.id).await.unwrap();
        let text = format!("{:?}", details.steps);
        for secret in ["code/0", "access token", "eyJ", "nonce\"", "s3cret"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(details.steps.iter().any(|step| step.document.as_deref().is_some_and(|text| text.contains("person-1"))));
    }

    async fn another_provider_of_the_same_name_has_other_people(app: TestApp) {
        let world = World::new(&app).await;
        world.redeemed(&world.log_in().await).await;
        let evil = OpenidProvider::start(world.app.now()).await;
        // The secret does not go to another server unasked.
        let path = format!("/v1/oidc-connections/{}", world.connection);
        let change = json!({ "issuer": evil.base });
        let refused = world.call(reqwest::Method::PATCH, &path, Some(change.clone())).await;
        assert!(refused.status == 400 && refused.body.contains("clientSecret"), "{}", refused.body);
        let digests = async || {
            let rows = crate::support::columns::texts(&world.app, "federated_identities", "subject_sha256").await;
            rows.into_iter().collect::<std::collections::BTreeSet<String>>()
        };
        let before = digests().await;
        let mut change = change;
        change["clientSecret"] = crate::support::openid_provider::SECRET.into();
        world.change(change).await;
        let browser = world.app.browser();
        let request = world.begin(&browser).await;
        world.redeemed(&browser.get(&evil.sign_in(&request)).await).await;
        assert_eq!((before.len(), digests().await.len()), (1, 2), "the same sub of another issuer is another person");
    }
}
