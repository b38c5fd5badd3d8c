//! A request that is sent twice under one `Idempotency-Key` is executed once.

use std::{collections::BTreeSet, time::Duration};

use base::secret::Digest;
use ostiary::app::idempotency::{self, ClaimOutcome};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, TestApp},
};

async fn call(
    app: &TestApp,
    key: &str,
    idempotency: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let browser = app.browser();
    let request =
        browser.request(method, &app.url(path)).bearer_auth(key).header("idempotency-key", idempotency);
    browser
        .send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
}

fn replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

async fn organizations(app: &TestApp, key: &str) -> usize {
    let list = app.api(key, Method::GET, "/v1/organizations?pageSize=100", None).await;
    list.json()["organizations"].as_array().unwrap().len()
}

both! {
    async fn a_request_with_another_version_is_another_request(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let made = app.api(&key, Method::POST, "/v1/organizations", Some(json!({ "displayName": "Acme" }))).await;
        let path = format!("/v1/organizations/{}", made.json()["organization"]["id"].as_str().unwrap());
        let change = async |idempotency: &str, tag: &str| {
            let browser = app.browser();
            let request = browser.request(Method::PATCH, &app.url(&path)).bearer_auth(&key);
            let request = request.header("idempotency-key", idempotency).header("if-match", tag);
            browser.send(request.json(&json!({ "displayName": "Acme 2" }))).await
        };
        assert_eq!(change("k-1", "W/\"7\"").await.status, 412);
        let again = change("k-1", "W/\"7\"").await;
        assert_eq!((again.status.as_u16(), replayed(&again)), (412, true));
        assert_eq!(change("k-1", made.header("etag")).await.status, 422, "not the stored refusal");
        assert_eq!(change("k-2", made.header("etag")).await.status, 200);
    }

    async fn what_comes_twice_is_done_once(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let body = json!({ "displayName": "Acme" });
        let make = async |idempotency: &str, body: &Value| {
            call(&app, &key, idempotency, Method::POST, "/v1/organizations", Some(body.clone())).await
        };
        let first = make("k-1", &body).await;
        let again = make("k-1", &body).await;
        assert_eq!((first.status.as_u16(), replayed(&first)), (200, false), "{}", first.body);
        assert_eq!((again.status.as_u16(), replayed(&again)), (200, true));
        assert_eq!(first.body, again.body);
        assert_eq!(again.header("content-type"), "application/json");
        assert_eq!(make("\"k-1\"", &body).await.body, first.body, "quotes are not part of a key");
        assert_eq!(organizations(&app, &key).await, 1);

        // Another request under the same key, by body, by path and by method.
        let other = make("k-1", &json!({ "displayName": "Other" })).await;
        assert_eq!((other.status.as_u16(), other.json()["code"].as_u64()), (422, Some(3)), "{}", other.body);
        let id = first.json()["organization"]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/organizations/{id}");
        assert_eq!(call(&app, &key, "k-1", Method::PATCH, &path, Some(body.clone())).await.status, 422);
        assert_eq!(organizations(&app, &key).await, 1);

        // The same key of another API key is another key.
        let second = app.api_key(&environment, true).await;
        let made = call(&app, &second, "k-1", Method::POST, "/v1/organizations", Some(body.clone())).await;
        assert_eq!((made.status.as_u16(), replayed(&made)), (200, false));
        assert_eq!(organizations(&app, &key).await, 2);

        // A deletion is replayed, and so is a refusal.
        for _ in 0..2 {
            assert_eq!(call(&app, &key, "k-2", Method::DELETE, &path, None).await.status, 200);
            let refused = call(&app, &key, "k-3", Method::PATCH, &path, Some(body.clone())).await;
            assert_eq!((refused.status.as_u16(), refused.json()["code"].as_u64()), (404, Some(5)));
        }
        // Without a key, every request is executed.
        assert_eq!(app.api(&key, Method::DELETE, &path, None).await.status, 404);

        // After a day the key is forgotten.
        app.advance(idempotency::RETENTION);
        let anew = make("k-1", &body).await;
        assert_eq!((anew.status.as_u16(), replayed(&anew)), (200, false));
        assert_ne!(anew.body, first.body);
    }

    async fn of_many_at_once_one_is_done(app: TestApp) {
        let key = app.api_key(&app.environment("prod").await, true).await;
        let (path, body) = ("/v1/organizations", json!({ "displayName": "Acme" }));
        let tries: Vec<_> = (0..16)
            .map(|_| {
                let request = app.browser().request(Method::POST, &app.url(path));
                let request = request.bearer_auth(&key).header("idempotency-key", "k").json(&body);
                tokio::spawn(async move {
                    let answer = request.send().await.unwrap();
                    let (status, retry) = (answer.status().as_u16(), answer.headers().get("retry-after").cloned());
                    (status, retry, answer.text().await.unwrap())
                })
            })
            .collect();
        let mut done = BTreeSet::new();
        for attempt in tries {
            let (status, retry, body) = attempt.await.unwrap();
            match status {
                200 => drop(done.insert(body)),
                409 => {
                    assert_eq!(retry.unwrap(), "1");
                    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["code"], 10);
                }
                other => panic!("{other}: {body}"),
            }
        }
        assert_eq!(done.len(), 1, "one answer for all who got one");
        assert_eq!(organizations(&app, &key).await, 1);
        let later = call(&app, &key, "k", Method::POST, path, Some(body)).await;
        assert_eq!((later.status.as_u16(), Some(&later.body)), (200, done.first()));
    }

    async fn secrets_are_told_again_and_sealed_at_rest(app: TestApp) {
        let key = app.api_key(&app.environment("prod").await, true).await;
        let make = || call(&app, &key, "k", Method::POST, "/v1/api-keys", Some(json!({ "displayName": "New" })));
        let (first, again) = (make().await, make().await);
        let secret = first.json()["apiKey"]["secretToken"].as_str().unwrap().to_owned();
        assert_eq!(again.json()["apiKey"]["secretToken"], secret.as_str());
        let mut conn = app.state.db.read().await.unwrap();
        let (key_digest, answer): (String, String) =
            conn.sql("SELECT key_sha256, answer FROM idempotency_keys").one().await.unwrap();
        assert_eq!(key_digest.len(), 64);
        assert!(!answer.contains(&secret) && !answer.contains("apiKey"), "{answer}");
    }

    async fn what_failed_on_our_side_may_be_tried_again(app: TestApp) {
        let key = app.api_key(&app.environment("prod").await, true).await;
        let make = || call(&app, &key, "k", Method::POST, "/v1/saml-oauth-clients", Some(json!({})));
        let write = async |text: &'static str| {
            let mut tx = app.state.db.write().await.unwrap();
            tx.sql(text).execute().await.unwrap();
            tx.commit().await.unwrap();
        };
        write("ALTER TABLE oauth_clients RENAME TO oauth_clients_away").await;
        assert_eq!(make().await.status, 500);
        write("ALTER TABLE oauth_clients_away RENAME TO oauth_clients").await;
        let made = make().await;
        assert_eq!((made.status.as_u16(), replayed(&made)), (200, false), "{}", made.body);
        assert!(replayed(&make().await));
    }

    async fn an_attempt_that_vanished_counts_as_lost_after_a_while(app: TestApp) {
        let world = app.environment("prod").await;
        app.api_key(&world, true).await;
        let mut conn = app.state.db.read().await.unwrap();
        let key = ostiary::store::table::list::<model::api_key::ApiKey>(&mut conn, world.id, None, 1).await.unwrap()[0].id;
        drop(conn);
        let begin = async || idempotency::claim(&app.state, key, "k", Digest::of("request")).await.unwrap();
        let ClaimOutcome::Claimed(lost) = begin().await else { panic!("the first is the first") };
        app.advance(Duration::from_secs(119));
        assert!(matches!(begin().await, ClaimOutcome::InProgress));
        app.advance(Duration::from_secs(1));
        let ClaimOutcome::Claimed(second) = begin().await else { panic!("the first one is lost") };
        // The lost request continues, and changes nothing.
        idempotency::complete(&app.state, &lost, 200, b"late").await.unwrap();
        idempotency::release(&app.state, &lost).await.unwrap();
        assert!(matches!(begin().await, ClaimOutcome::InProgress));
        idempotency::complete(&app.state, &second, 201, b"first").await.unwrap();
        let ClaimOutcome::Completed(answer) = begin().await else { panic!("it was answered") };
        assert_eq!((answer.status, answer.body.as_slice()), (201, b"first".as_slice()));
        // A key with a stored answer is not released.
        idempotency::release(&app.state, &second).await.unwrap();
        assert!(matches!(begin().await, ClaimOutcome::Completed(_)));
    }

    async fn who_may_not_learns_nothing_from_a_key(app: TestApp) {
        let environment = app.environment("prod").await;
        let (key, plain) = (app.api_key(&environment, true).await, app.api_key(&environment, false).await);
        let body = || Some(json!({ "displayName": "Acme" }));
        assert_eq!(call(&app, &key, "k", Method::POST, "/v1/organizations", body()).await.status, 200);
        for stranger in [plain.as_str(), "ssoready_sk_0000000000000000000000000", "x"] {
            let refused = call(&app, stranger, "k", Method::POST, "/v1/organizations", body()).await;
            assert_eq!((refused.status.as_u16(), refused.json()["code"].as_u64()), (401, Some(16)));
        }
        for bad in ["", " ", "a b", "a,b"] {
            let refused = call(&app, &key, bad, Method::POST, "/v1/organizations", body()).await;
            assert_eq!((refused.status.as_u16(), refused.json()["code"].as_u64()), (400, Some(3)), "{bad:?}");
            assert!(refused.body.contains("Idempotency-Key"), "{}", refused.body);
        }
        let huge = json!({ "displayName": "x".repeat(1024 * 1024) });
        let refused = call(&app, &key, "huge", Method::POST, "/v1/organizations", Some(huge)).await;
        assert_eq!((refused.status.as_u16(), refused.json()["code"].as_u64()), (413, Some(3)));
        let broken = app.browser().request(Method::POST, &app.url("/v1/organizations"));
        let broken = broken.bearer_auth(&key).header("idempotency-key", "broken").body("{");
        assert_eq!(app.browser().send(broken).await.status, 400);
        // GET ignores the key.
        assert_eq!(call(&app, &key, "k", Method::GET, "/v1/organizations", None).await.status, 200);
        assert_eq!(organizations(&app, &key).await, 1);
        // The two calls of a login take no idempotency key.
        let redeem = json!({ "samlAccessCode": "saml_access_code_0000000000000000000000000" });
        for _ in 0..2 {
            let answer = call(&app, &key, "r", Method::POST, "/v1/saml/redeem", Some(redeem.clone())).await;
            assert_eq!((answer.status.as_u16(), replayed(&answer)), (404, false));
        }
    }
}
