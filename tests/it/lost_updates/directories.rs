//! SCIM directories: settings, the primary flag and bearer tokens, changed at once or from an older page.

use std::time::Duration;

use futures_util::future::join_all;
use model::administrator::Role;
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{all_changes_survive, patch_if, tags_are_honoured};
use crate::{
    both,
    support::{Tenant, TestApp, console::seen_in},
};

async fn make(app: &TestApp, key: &str, tenant: &Tenant, primary: bool) -> String {
    let body = json!({ "organizationId": tenant.organization.id, "primary": primary });
    let made = app.api(key, Method::POST, "/v1/scim-directories", Some(body)).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(made.header("etag"), "W/\"1\"");
    format!("/v1/scim-directories/{}", made.json()["scimDirectory"]["id"].as_str().unwrap())
}

async fn tag(app: &TestApp, key: &str, path: &str) -> String {
    app.api(key, Method::GET, path, None).await.header("etag").to_owned()
}

/// A call with an `If-Match`: its status.
async fn call_if(app: &TestApp, key: &str, method: Method, path: &str, tag: &str) -> u16 {
    let browser = app.browser();
    let request = browser.request(method, &app.url(path)).bearer_auth(key).header(header::IF_MATCH, tag);
    browser.send(request.json(&json!({}))).await.status.as_u16()
}

both! {
    async fn a_directory_changed_several_times_at_once_has_all_changes(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let path = make(&app, &key, &tenant, false).await;
        let changes = [
            json!({ "primary": true }),
            json!({ "allowForeignSecondaryEmails": true }),
            json!({ "requireProvisionedLogins": true }),
            json!({ "idpKind": "okta" }),
        ];
        all_changes_survive(&app, &key, &path, &changes).await;
        tags_are_honoured(&app, &key, &path, &changes[1], &changes[3]).await;
    }

    async fn the_primary_flag_moves_and_is_a_new_version_of_both(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let first = make(&app, &key, &tenant, true).await;
        let seen = tag(&app, &key, &first).await;
        let second = make(&app, &key, &tenant, true).await;
        assert_eq!(patch_if(&app, &key, &first, &seen, &json!({ "idpKind": "okta" })).await.status, 412);
        let now = app.api(&key, Method::GET, &first, None).await.json();
        assert_eq!(now["scimDirectory"]["primary"], false);

        // Two want to take the place of a third at once, many times: one has it, and nobody is refused.
        let third = make(&app, &key, &tenant, false).await;
        for round in 0..20 {
            let all = [&first, &second, &third];
            let (holder, rivals) = (all[round % 3], [all[(round + 1) % 3], all[(round + 2) % 3]]);
            let primary = Some(json!({ "primary": true }));
            assert_eq!(app.api(&key, Method::PATCH, holder, primary.clone()).await.status, 200);
            for answer in join_all(rivals.map(|path| app.api(&key, Method::PATCH, path, primary.clone()))).await {
                assert_eq!(answer.status, 200, "round {round}: {}", answer.body);
            }
            let mut held = Vec::new();
            for path in all {
                let now = app.api(&key, Method::GET, path, None).await.json();
                held.push(now["scimDirectory"]["primary"] == Value::Bool(true));
            }
            assert_eq!(held.iter().filter(|primary| **primary).count(), 1, "round {round}: {held:?}");
            assert!(!held[round % 3], "round {round}: {held:?}");
        }
    }

    async fn tokens_are_made_and_ended_once_from_one_page(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let path = make(&app, &key, &tenant, false).await;
        let seen = tag(&app, &key, &path).await;
        let rotate = format!("{path}/rotate-bearer-token");
        let calls = [(); 3].map(|()| call_if(&app, &key, Method::POST, &rotate, &seen));
        let mut rotated = join_all(calls).await;
        rotated.sort_unstable();
        assert_eq!(rotated, [200, 412, 412]);
        let made = app.api(&key, Method::GET, &path, None).await.json();
        assert_eq!(made["scimDirectory"]["bearerTokens"].as_array().unwrap().len(), 1);
        assert_eq!(patch_if(&app, &key, &path, &seen, &json!({ "idpKind": "okta" })).await.status, 412);

        app.advance(Duration::from_secs(1));
        assert_eq!(app.api(&key, Method::POST, &rotate, None).await.status, 200, "without a tag none is refused");
        let end = format!("{path}/end-bearer-token-overlap");
        let seen = tag(&app, &key, &path).await;
        let mut ended = join_all([(); 2].map(|()| call_if(&app, &key, Method::POST, &end, &seen))).await;
        ended.sort_unstable();
        assert_eq!(ended, [200, 412]);
        assert_eq!(call_if(&app, &key, Method::DELETE, &path, &seen).await, 412);
        let seen = tag(&app, &key, &path).await;
        assert_eq!(call_if(&app, &key, Method::DELETE, &path, &seen).await, 200);
    }

    async fn the_use_of_a_directory_is_no_new_version(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let directory = app.scim_directory(&tenant).await;
        let path = format!("/v1/scim-directories/{}", directory.id);
        let before = app.api(&key, Method::GET, &path, None).await;
        let browser = app.browser();
        let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@acme.example" });
        let request = browser.request(Method::POST, &format!("{}/Users", directory.base)).bearer_auth(&directory.token);
        assert_eq!(browser.send(request.json(&user)).await.status, 201);
        let after = app.api(&key, Method::GET, &path, None).await;
        assert_ne!(after.json()["scimDirectory"]["usage"], before.json()["scimDirectory"]["usage"]);
        assert_eq!(after.header("etag"), before.header("etag"));
    }

    async fn a_directorys_pages_are_of_the_version_that_they_show(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let key = app.api_key(&environment, true).await;
        let api = make(&app, &key, &tenant, true).await;
        let page = format!("/scim-directories/{}", api.rsplit('/').next().unwrap());
        let (edit, rotate) = (format!("{page}/edit"), format!("{page}/rotate"));
        let seen = console.seen(&edit).await;
        let version = console.seen(&rotate).await[0].1.clone();
        let meanwhile = Some(json!({ "requireProvisionedLogins": true }));
        assert_eq!(app.api(&key, Method::PATCH, &api, meanwhile).await.status, 200);

        // The user ticked one box, and left the others as they were.
        let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("primary", "true"), ("refuseInactiveLogins", "true"), ("requireProvisionedLogins", "")]);
        fields.extend([("allowForeignSecondaryEmails", ""), ("allowForeignSecondaryEmails", "true")]);
        let told = console.post(&edit, &fields).await;
        assert_eq!(told.status, 409, "{}", told.body);
        told.says("This was changed while you were editing").says("Let in only people that it knows as active : now “ticked”");
        let again = seen_in(&told, &edit);
        let mut fields: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend(["primary", "refuseInactiveLogins", "requireProvisionedLogins"].map(|name| (name, "true")));
        fields.push(("allowForeignSecondaryEmails", "true"));
        console.done(&edit, &fields).await.says("SCIM directory saved.");
        let now = app.api(&key, Method::GET, &api, None).await.json();
        for name in ["primary", "refuseInactiveLogins", "requireProvisionedLogins", "allowForeignSecondaryEmails"] {
            assert_eq!(now["scimDirectory"][name], true, "{name}");
        }

        let old = [("version", version.as_str()), ("overlapSeconds", "0")];
        let refused = console.post(&rotate, &old).await;
        refused.says("Somebody changed this directory or its tokens");
        let tokens = async || {
            let now = app.api(&key, Method::GET, &api, None).await.json();
            now["scimDirectory"]["bearerTokens"].as_array().unwrap().len()
        };
        assert_eq!(tokens().await, 0);
        console.post(&rotate, &[("overlapSeconds", "0")]).await.secret();
        assert_eq!(tokens().await, 1);
        app.advance(Duration::from_secs(1));
        console.post(&rotate, &[("overlapSeconds", "86400")]).await.secret();
        let blind = console.post(&format!("{page}/end-overlap"), &[]).await;
        assert_eq!((blind.status.as_u16(), tokens().await), (412, 2));
    }
}
