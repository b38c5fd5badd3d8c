//! Tokens that must not count: of other kinds, keys, environments, issuers, and forged ones.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::oauth_client::IdTokenAlg;
use oauth::signing_key::SigningKey;
use ostiary::{
    app::{
        authorization_server::{access_token_keys, signing_keys},
        keys::{KeyOwner, Rotation},
        principal::Principal,
    },
    store::signing_keys::{self as stored_keys, KeySeries, Purpose},
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{api, assert_api_error, counts, part};
use crate::{both, support::TestApp};

/// The private key of a series, as the server has it.
async fn private_key(app: &TestApp, series: KeySeries, algorithm: IdTokenAlg) -> SigningKey {
    let mut conn = app.state.db.read().await.unwrap();
    let keys = stored_keys::list(&mut conn, series, app.now()).await.unwrap();
    let stored = keys.iter().find(|key| key.algorithm == algorithm.as_str()).expect("a key");
    let column = &ostiary::store::sealed_columns::PRIVATE_KEY;
    let der = app.state.open(column, &[&stored.id], &stored.private_key).unwrap();
    SigningKey::from_pkcs8(algorithm, &der).unwrap()
}

/// A token with this header and these claims, signed with ES256 by the key, whatever the header says.
fn signed(key: &SigningKey, header: &Value, claims: &Value) -> String {
    // The key signs its own header; the message is put together anew around its raw signature.
    let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let pkey = openssl::pkey::PKey::private_key_from_der(key.to_pkcs8()).unwrap();
    let ec = pkey.ec_key().unwrap();
    let digest = openssl::sha::sha256(message.as_bytes());
    let signature = openssl::ecdsa::EcdsaSig::sign(&digest, &ec).unwrap();
    let mut raw = signature.r().to_vec_padded(32).unwrap();
    raw.extend(signature.s().to_vec_padded(32).unwrap());
    format!("{message}.{}", BASE64.encode(raw))
}

both! {
    async fn a_token_without_the_right_form_signature_or_claims_does_not_count(app: TestApp) {
        let environment = app.environment("prod").await;
        let token = app.system_token(&environment, &["view_audit_events"]).await;
        assert!(counts(&app, "prod", &token).await);
        let (header, claims) = (part(&token, 0), part(&token, 1));
        let series = KeySeries { owner: KeyOwner::Environment(environment.id), purpose: Purpose::AccessToken };
        let key = private_key(&app, series, IdTokenAlg::ES256).await;
        // The same once more: the forger has all that it takes, but for what is changed below.
        assert!(counts(&app, "prod", &signed(&key, &header, &claims)).await);

        let own = SigningKey::generate(IdTokenAlg::ES256).unwrap();
        let with = |of: &Value, name: &str, value: Value| {
            let mut changed = of.clone();
            changed[name] = value;
            changed
        };
        let mut forged = vec![
            signed(&own, &header, &claims),
            signed(&own, &with(&header, "kid", json!(own.kid())), &claims),
            signed(&own, &with(&header, "jwk", serde_json::to_value(own.jwk()).unwrap()), &claims),
            signed(&own, &with(&header, "jku", json!(app.url("/evil/jwks.json"))), &claims),
            signed(&own, &with(&header, "x5u", json!(app.url("/evil/cert.pem"))), &claims),
            signed(&key, &with(&header, "typ", json!("JWT")), &claims),
            signed(&key, &with(&header, "typ", Value::Null), &claims),
            signed(&key, &with(&header, "crit", json!(["exp"])), &claims),
            signed(&key, &with(&header, "kid", json!("../../../dev/null")), &claims),
            signed(&key, &with(&header, "kid", json!("x' OR '1'='1")), &claims),
            signed(&key, &with(&header, "alg", json!("none")), &claims),
            signed(&key, &with(&header, "alg", json!("HS256")), &claims),
            signed(&key, &with(&header, "alg", json!("ES384")), &claims),
            signed(&key, &with(&header, "alg", json!("RS256")), &claims),
        ];
        for (name, value) in [
            ("iss", json!(app.url("/prod/root"))),
            ("iss", json!("https://evil.example/prod/system")),
            ("aud", json!(app.url("/prod/root"))),
            ("aud", json!("https://evil.example")),
            ("tid", json!("staging")),
            ("sub", json!("app_0000000000000000000000000")),
            ("client_id", json!("app_0000000000000000000000000")),
            ("scope", json!("view_audit_events manage_organizations")),
            ("scp", json!(["view_audit_events", "manage_organizations"])),
            ("jti", json!("token_0000000000000000000000000")),
            ("jti", json!("x")),
            ("exp", json!(app.now().seconds())),
            ("exp", json!("9999999999")),
        ] {
            forged.push(signed(&key, &header, &with(&claims, name, value)));
        }
        for name in ["iss", "aud", "exp", "sub", "jti", "client_id", "tid"] {
            let mut without = claims.clone();
            without.as_object_mut().unwrap().remove(name);
            forged.push(signed(&key, &header, &without));
        }
        let (message, signature) = token.rsplit_once('.').unwrap();
        forged.extend([
            format!("{message}."),
            message.to_owned(),
            format!("{token}A"),
            format!("{token}.{signature}"),
            format!("{}.{}.", BASE64.encode(r#"{"alg":"none","typ":"at+jwt"}"#), message.split('.').nth(1).unwrap()),
            "x".to_owned(),
            "A".repeat(20_000),
        ]);
        for token in forged {
            let answer = app.call(&token, Method::GET, &api("prod"), None).await;
            // The parser of headers refuses what is too long before.
            if answer.status == 431 || answer.status == 400 && token.len() > 10_000 {
                continue;
            }
            assert_api_error(&answer, 401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{token}");
        }
    }

    async fn keys_of_other_purposes_and_environments_sign_nothing_here(app: TestApp) {
        let (environment, other) = (app.environment("prod").await, app.environment("staging").await);
        let token = app.system_token(&environment, &["view_audit_events"]).await;
        let foreign = app.system_token(&other, &["view_audit_events"]).await;
        let (header, claims) = (part(&token, 0), part(&token, 1));
        // The keys of ID tokens, of the installation and of the environment; the other environment's keys of access tokens.
        for owner in [KeyOwner::Installation, KeyOwner::Environment(environment.id)] {
            signing_keys::signer(&app.state, owner, IdTokenAlg::ES256).await.unwrap();
        }
        for series in [
            KeySeries { owner: KeyOwner::Installation, purpose: Purpose::IdToken },
            KeySeries { owner: KeyOwner::Environment(environment.id), purpose: Purpose::IdToken },
            KeySeries { owner: KeyOwner::Environment(other.id), purpose: Purpose::AccessToken },
        ] {
            let key = private_key(&app, series, IdTokenAlg::ES256).await;
            for kid in [json!(key.kid()), header["kid"].clone()] {
                let mut header = header.clone();
                header["kid"] = kid;
                assert!(!counts(&app, "prod", &signed(&key, &header, &claims)).await, "{series:?}");
            }
        }
        // A real token of another environment is known, and not good here.
        assert!(counts(&app, "staging", &foreign).await);
        assert_api_error(&app.call(&foreign, Method::GET, &api("prod"), None).await, 403, "tenant_mismatch");
        assert_api_error(&app.call(&token, Method::GET, &api("nowhere"), None).await, 404, "tenant_not_found");
        assert_api_error(&app.call("x", Method::GET, &api("nowhere"), None).await, 401, "unauthorized");
    }

    async fn only_tokens_of_the_system_workspace_administer(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let hex = format!("{:032x}", tenant.organization.id.bits());
        // Scopes are any text there; they permit nothing here.
        let vendor = app.program(&environment, None, &["view_audit_events"]).await;
        let own = app.program(&environment, Some(tenant.organization.id), &["view_audit_events"]).await;
        for token in [
            app.token("/prod/root/oauth2/token", &vendor).await,
            app.token("/t/prod/oauth2/token", &vendor).await,
            app.token("/oauth2/token", &vendor).await,
            app.token(&format!("/prod/{hex}/oauth2/token"), &own).await,
        ] {
            assert_api_error(&app.call(&token, Method::GET, &api("prod"), None).await, 401, "unauthorized");
        }
        // An API key, an opaque token, nothing, and two of them.
        for token in [app.api_key(&environment, true).await, "ostiary_at_0000000000000000000000000".to_owned()] {
            assert_api_error(&app.call(&token, Method::GET, &api("prod"), None).await, 401, "unauthorized");
        }
        let good = app.system_token(&environment, &["view_audit_events"]).await;
        let browser = app.browser();
        let ask = |headers: Vec<String>| {
            let mut request = browser.request(Method::GET, &app.url(&api("prod")));
            for value in headers {
                request = request.header(header::AUTHORIZATION, value);
            }
            browser.send(request)
        };
        for headers in [
            vec![],
            vec![String::new()],
            vec![format!("Basic {good}")],
            vec![good.clone()],
            vec!["Bearer".to_owned()],
            vec![format!("Bearer {good}"), format!("Bearer {good}")],
        ] {
            assert_api_error(&ask(headers).await, 401, "unauthorized");
        }
        let in_query = format!("{}?access_token={good}", api("prod"));
        assert_api_error(&browser.get(&app.url(&in_query)).await, 401, "unauthorized");
        assert_eq!(ask(vec![format!("bearer {good}")]).await.status, 200);
    }

    async fn an_organization_of_another_environment_is_not_there(app: TestApp) {
        let (environment, other) = (app.environment("prod").await, app.environment("staging").await);
        let (own, foreign) = (app.tenant(&environment, "acme.example").await, app.tenant(&other, "globex.example").await);
        let token = app.system_token(&environment, &["view_audit_events"]).await;
        let ask = async |organization: &str| {
            let path = format!("/api/system/prod/servers/{organization}/audit-events");
            app.call(&token, Method::GET, &path, None).await
        };
        let hex = |id: base::id::OrganizationId| format!("{:032x}", id.bits());
        assert_eq!(ask(&hex(own.organization.id)).await.status, 200);
        assert_eq!(ask(&own.organization.id.to_string()).await.status, 200);
        let not_theirs = ask(&hex(foreign.organization.id)).await;
        assert_api_error(&not_theirs, 404, "organization_not_found");
        for nothing in ["0123456789abcdef0123456789abcdef", "nowhere", "org_x", "%00", "..%2f"] {
            let answer = ask(nothing).await;
            assert_api_error(&answer, 404, "organization_not_found");
            assert_eq!(answer.body, not_theirs.body, "{nothing}");
        }
    }

    async fn a_rotation_keeps_tokens_and_a_compromised_key_ends_them(app: TestApp) {
        let environment = app.environment("prod").await;
        let operator = Principal::operator(environment.id);
        let client = app.service_client(&environment, &["view_audit_events"]).await;
        let token = app.token("/prod/system/oauth2/token", &client).await;
        access_token_keys::rotate(&app.state, &operator, environment.id, Rotation::Overlapping).await.unwrap();
        assert!(counts(&app, "prod", &token).await);
        app.advance(Duration::from_secs(3000));
        let late = app.token("/prod/system/oauth2/token", &client).await;
        assert_eq!(part(&late, 0)["kid"], part(&token, 0)["kid"], "the new keys are published first");
        access_token_keys::rotate(&app.state, &operator, environment.id, Rotation::Compromised).await.unwrap();
        assert!(!counts(&app, "prod", &late).await);
        let new = app.token("/prod/system/oauth2/token", &client).await;
        assert!(counts(&app, "prod", &new).await);
        let published = app.browser().get(&app.url("/prod/system/.well-known/jwks.json")).await.json();
        assert_eq!(published["keys"].as_array().unwrap().len(), 3);
        assert!(!published.to_string().contains("\"d\""), "{published}");
    }
}
