//! Environments, API keys, OAuth clients and the audit log through the API.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, TestApp},
};

async fn good(app: &TestApp, key: &str, method: Method, path: &str, body: Option<Value>) -> Value {
    let answer = app.api(key, method, path, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

fn refused(answer: &Answer) -> (StatusCode, u64, String) {
    let body = answer.json();
    (answer.status, body["code"].as_u64().unwrap(), body["message"].as_str().unwrap().to_owned())
}

/// The error of the token endpoint: `invalid_client`, or `invalid_grant` for a client that authenticates.
async fn token_error(app: &TestApp, client: &str, secret: &str) -> String {
    let browser = app.browser();
    let code = "saml_access_code_0000000000000000000000000";
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", client),
        ("client_secret", secret),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = browser
        .request(Method::POST, &app.url("/v1/oauth/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    browser.send(request).await.json()["error"].as_str().unwrap().to_owned()
}

both! {
    async fn a_key_manages_its_own_environment(app: TestApp) {
        let environment = app.environment("prod").await;
        let other = app.environment("staging").await;
        let key = app.api_key(&environment, true).await;
        let path = format!("/v1/environments/{}", environment.id);
        let listed = good(&app, &key, Method::GET, "/v1/environments", None).await;
        let one = good(&app, &key, Method::GET, &path, None).await;
        assert_eq!(listed, json!({ "environments": [one["environment"]], "nextPageToken": "" }));
        assert_eq!(one["environment"]["slug"], "prod");

        let change = json!({
            "displayName": "Production", "redirectUrl": "https://app.example/cb", "oauthRedirectUris": [],
            "authUrl": "https://login.example", "idpInitiated": "REFUSE", "id": other.id, "slug": "live",
        });
        let changed = good(&app, &key, Method::PATCH, &path, Some(change)).await;
        let expected = json!({
            "id": environment.id, "slug": "live", "displayName": "Production",
            "redirectUrl": "https://app.example/cb", "oauthRedirectUris": [],
            "authUrl": "https://login.example", "idpInitiated": "REFUSE",
            "oauthSubject": "EMAIL", "sharedDomainSubjects": false, "passwordSessions": true, "userOrganizations": true,
        });
        assert_eq!(changed["environment"], expected);
        for (bad, field) in [
            (json!({ "slug": "v1" }), "slug"),
            (json!({ "slug": "staging" }), "slug"),
            (json!({ "redirectUrl": "javascript:alert(1)" }), "redirectUrl"),
            (json!({ "authUrl": "https://login.example/path" }), "authUrl"),
            (json!({ "idpInitiated": "MAYBE" }), "idpInitiated"),
            (json!({ "oauthRedirectUris": ["https://a.example/#x"] }), "oauthRedirectUris"),
        ] {
            let (status, code, message) = refused(&app.api(&key, Method::PATCH, &path, Some(bad.clone())).await);
            assert_eq!((status.as_u16(), code), (400, 3), "{bad}: {message}");
            assert!(message.starts_with(&format!("bad {field}: ")), "{message}");
        }
        assert_eq!(good(&app, &key, Method::GET, &path, None).await["environment"], expected);

        // An environment with organizations is not deleted.
        let made = good(&app, &key, Method::POST, "/v1/organizations", Some(json!({}))).await;
        let (status, code, _) = refused(&app.api(&key, Method::DELETE, &path, None).await);
        assert_eq!((status.as_u16(), code), (400, 9));
        let id = made["organization"]["id"].as_str().unwrap().to_owned();
        good(&app, &key, Method::DELETE, &format!("/v1/organizations/{id}"), None).await;
        assert_eq!(good(&app, &key, Method::DELETE, &path, None).await, json!({}));
        assert_eq!(app.api(&key, Method::GET, &path, None).await.status, 401, "its keys went with it");
        let rest = app.api_key(&other, true).await;
        good(&app, &rest, Method::GET, "/v1/environments", None).await;
    }

    async fn a_key_makes_names_and_deletes_others_but_not_itself(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        app.advance(Duration::from_millis(1));
        let body = json!({ "displayName": "Backend", "hasManagementApiAccess": true });
        let made = good(&app, &key, Method::POST, "/v1/api-keys", Some(body)).await["apiKey"].clone();
        let secret = made["secretToken"].as_str().unwrap();
        assert!(secret.starts_with("ssoready_sk_"));
        assert_eq!((&made["hasManagementApiAccess"], &made["lastUsedAt"]), (&json!(true), &Value::Null));
        let plain = good(&app, &key, Method::POST, "/v1/api-keys", None).await["apiKey"].clone();
        assert_eq!(plain["hasManagementApiAccess"], false);

        let path = format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
        let named = good(&app, secret, Method::PATCH, &path, Some(json!({ "displayName": "Worker" }))).await;
        assert_eq!(named["apiKey"]["displayName"], "Worker");
        let listed = app.api(&key, Method::GET, "/v1/api-keys?pageSize=2", None).await;
        assert!(!listed.body.contains("secret"), "{}", listed.body);
        assert_eq!(listed.json()["apiKeys"].as_array().unwrap().len(), 2);
        let next = format!("/v1/api-keys?pageToken={}", listed.json()["nextPageToken"].as_str().unwrap());
        let rest = good(&app, &key, Method::GET, &next, None).await;
        assert_eq!((rest["apiKeys"].as_array().unwrap().len(), &rest["nextPageToken"]), (1, &json!("")));

        let (status, code, message) = refused(&app.api(secret, Method::DELETE, &path, None).await);
        assert_eq!((status.as_u16(), code), (400, 9), "{message}");
        good(&app, &key, Method::DELETE, &path, None).await;
        assert_eq!(app.api(secret, Method::GET, "/v1/api-keys", None).await.status, 401);
        assert_eq!(app.api(&key, Method::GET, &path, None).await.status, 404);
    }

    async fn an_oauth_client_is_created_and_gets_a_new_secret(app: TestApp) {
        let key = app.api_key(&app.environment("prod").await, true).await;
        let body = json!({ "displayName": "Web", "idTokenAlg": "ES256" });
        let made = good(&app, &key, Method::POST, "/v1/saml-oauth-clients", Some(body)).await["samlOauthClient"].clone();
        let (id, old) = (made["id"].as_str().unwrap(), made["clientSecret"].as_str().unwrap());
        assert!(id.starts_with("saml_oauth_client_") && old.starts_with("ssoready_oauth_client_secret_"));
        assert_eq!((&made["idTokenAlg"], &made["initiateLoginUri"]), (&json!("ES256"), &json!("")));
        let path = format!("/v1/saml-oauth-clients/{id}");
        let change = json!({ "initiateLoginUri": "https://app.example/login" });
        let changed = good(&app, &key, Method::PATCH, &path, Some(change)).await["samlOauthClient"].clone();
        assert_eq!((&changed["initiateLoginUri"], &changed["idTokenAlg"]), (&json!("https://app.example/login"), &json!("ES256")));
        assert_eq!(good(&app, &key, Method::GET, &path, None).await["samlOauthClient"], changed);
        assert!(changed.get("clientSecret").is_none());

        assert_eq!(token_error(&app, id, old).await, "invalid_grant");
        let rotated = good(&app, &key, Method::POST, &format!("{path}/rotate-secret"), None).await;
        let new = rotated["samlOauthClient"]["clientSecret"].as_str().unwrap();
        assert_eq!(token_error(&app, id, old).await, "invalid_client");
        assert_eq!(token_error(&app, id, new).await, "invalid_grant");
        for bad in [json!({ "idTokenAlg": "none" }), json!({ "initiateLoginUri": "ftp://x" })] {
            assert_eq!(app.api(&key, Method::PATCH, &path, Some(bad)).await.status, 400);
        }
        good(&app, &key, Method::DELETE, &path, None).await;
        assert_eq!(app.api(&key, Method::GET, &path, None).await.status, 404);
        assert_eq!(token_error(&app, id, new).await, "invalid_client");
    }

    async fn the_audit_log_is_filtered_paged_and_exported(app: TestApp) {
        let environment = app.environment("prod").await;
        let (key, second) = (app.api_key(&environment, true).await, app.api_key(&environment, true).await);
        let mut ids = Vec::new();
        for number in 0..104 {
            app.advance(Duration::from_millis(1));
            let body = Some(json!({ "displayName": format!("Company {number}") }));
            let made = good(&app, &key, Method::POST, "/v1/organizations", body).await;
            ids.push(made["organization"]["id"].as_str().unwrap().to_owned());
        }
        let before = app.now();
        app.advance(Duration::from_millis(1));
        let path = format!("/v1/organizations/{}", ids[7]);
        good(&app, &second, Method::PATCH, &path, Some(json!({ "displayName": "Renamed" }))).await;

        let newest = good(&app, &key, Method::GET, "/v1/audit-events", None).await;
        assert_eq!(newest["auditEvents"].as_array().unwrap().len(), 10);
        let event = &newest["auditEvents"][0];
        assert_eq!((&event["action"], &event["target"]["id"]), (&json!("organization.updated"), &json!(ids[7])));
        assert_eq!((&event["before"], &event["after"]), (&json!({ "displayName": "Company 7" }), &json!({ "displayName": "Renamed" })));
        assert_eq!((&event["actor"]["type"], &event["address"]), (&json!("api_key"), &json!("127.0.0.1")));
        let one = format!("/v1/audit-events/{}", event["id"].as_str().unwrap());
        assert_eq!(&good(&app, &key, Method::GET, &one, None).await["auditEvent"], event);

        let export = async |filter: &str| -> Vec<Value> {
            let answer = app.api(&key, Method::GET, &format!("/v1/audit-events/export?{filter}"), None).await;
            assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/x-ndjson"));
            assert!(answer.header("content-disposition").contains("audit-events.jsonl"));
            answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let all = export("").await;
        assert_eq!(all.len(), 105, "more than one page of it");
        let targets: Vec<_> = all[1..].iter().map(|event| event["target"]["id"].as_str().unwrap().to_owned()).collect();
        assert!(targets.iter().eq(ids.iter().rev()), "each once, the newest first");
        assert_eq!(&all[0], event);

        let actor = event["actor"]["id"].as_str().unwrap();
        for (filter, count) in [
            (format!("organizationId={}", ids[7]), 2),
            (format!("targetId={}", ids[7]), 2),
            (format!("actorId={actor}"), 1),
            ("action=organization.created".to_owned(), 104),
            (format!("organizationId={}&action=organization.created", ids[7]), 1),
            (format!("since={}&action=organization.updated", before + Duration::from_millis(1)), 1),
            (format!("until={}&action=organization.updated", before + Duration::from_millis(1)), 0),
            ("targetId=nobody".to_owned(), 0),
        ] {
            assert_eq!(export(&filter).await.len(), count, "{filter}");
            let list = good(&app, &key, Method::GET, &format!("/v1/audit-events?{filter}&pageSize=100"), None).await;
            assert_eq!(list["auditEvents"].as_array().unwrap().len(), count.min(100), "{filter}");
        }
        for bad in ["since=yesterday", "organizationId=x"] {
            assert_eq!(app.api(&key, Method::GET, &format!("/v1/audit-events/export?{bad}"), None).await.status, 400);
        }
    }
}
