//! SAML connections. What a metadata refresh changes meanwhile is tested in `metadata_refresh.rs`.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{all_changes_survive, tags_are_honoured};
use crate::both;

both! {
    async fn a_connection_changed_twice_at_once_has_both_changes(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let path = format!("/v1/saml-connections/{}", tenant.connection.id);
        let changes = [
            json!({ "forceAuthn": true }),
            json!({ "emailAttribute": "mail" }),
            json!({ "idpKind": "okta" }),
            json!({ "signAuthnRequests": true, "idpRedirectUrl": "https://idp.acme.example/sso2" }),
        ];
        all_changes_survive(&app, &key, &path, &changes).await;
        tags_are_honoured(&app, &key, &path, &changes[0], &changes[1]).await;
    }

    async fn of_connections_made_primary_at_once_one_is(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let mut paths = vec![format!("/v1/saml-connections/{}", tenant.connection.id)];
        for _ in 0..2 {
            let body = json!({ "organizationId": tenant.organization.id });
            let made = app.api(&key, Method::POST, "/v1/saml-connections", Some(body)).await.json();
            paths.push(format!("/v1/saml-connections/{}", made["samlConnection"]["id"].as_str().unwrap()));
        }
        for _ in 0..8 {
            let calls = paths.iter().map(|path| app.api(&key, Method::PATCH, path, Some(json!({ "primary": true }))));
            for answer in join_all(calls).await {
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
            let all = join_all(paths.iter().map(|path| app.api(&key, Method::GET, path, None))).await;
            let primary: Vec<Value> = all.iter().map(|one| one.json()["samlConnection"]["primary"].clone()).collect();
            assert_eq!(primary.iter().filter(|primary| **primary == json!(true)).count(), 1, "{primary:?}");
        }
        // To lose the place is a change, too: whoever read it before is told.
        let read = app.api(&key, Method::GET, &paths[0], None).await;
        assert_eq!(app.api(&key, Method::PATCH, &paths[0], Some(json!({ "primary": true }))).await.status, 200);
        let before = app.api(&key, Method::GET, &paths[0], None).await.header("etag").to_owned();
        assert_eq!(app.api(&key, Method::PATCH, &paths[1], Some(json!({ "primary": true }))).await.status, 200);
        let after = app.api(&key, Method::GET, &paths[0], None).await;
        assert_ne!(after.header("etag"), before);
        assert_eq!((read.status, after.json()["samlConnection"]["primary"].clone()), (reqwest::StatusCode::OK, json!(false)));
    }
}
