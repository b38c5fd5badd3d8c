//! Environments and webhooks.

use model::administrator::Role;
use reqwest::{Method, header};
use serde_json::json;

use super::{all_changes_survive, patch_if, tags_are_honoured};
use crate::{both, support::console::seen_in};

both! {
    async fn a_webhook_changed_twice_at_once_has_both_changes(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let body = json!({ "url": "https://hooks.example/" });
        let made = app.api(&key, Method::POST, "/v1/webhooks", Some(body)).await;
        assert_eq!(made.header("etag"), "W/\"1\"");
        let webhook = format!("/v1/webhooks/{}", made.json()["webhook"]["id"].as_str().unwrap());
        let changes = [json!({ "eventTypes": ["scim_user.created"] }), json!({ "enabled": true })];
        all_changes_survive(&app, &key, &webhook, &changes).await;
        let url = json!({ "url": "https://new.hooks.example/" });
        tags_are_honoured(&app, &key, &webhook, &changes[0], &url).await;

        let tag = app.api(&key, Method::GET, &webhook, None).await.header("etag").to_owned();
        assert_eq!(patch_if(&app, &key, &webhook, &tag, &json!({ "enabled": true })).await.status, 200);
        let action = async |name: &str, tag: &str, body| {
            let browser = app.browser();
            let request = browser.request(Method::POST, &app.url(&format!("{webhook}/{name}"))).bearer_auth(&key);
            browser.send(request.header(header::IF_MATCH, tag).json(&body)).await
        };
        for (name, body) in [("rotate-secret", json!({})), ("replay", json!({ "after": 0 }))] {
            assert_eq!(action(name, &tag, body).await.status, 412, "{name}");
        }
        let tag = app.api(&key, Method::GET, &webhook, None).await.header("etag").to_owned();
        // What is to be sent is no setting; a secret is.
        let replayed = action("replay", &tag, json!({ "after": 0 })).await;
        assert_eq!((replayed.status.as_u16(), replayed.header("etag")), (200, tag.as_str()));
        let rotated = action("rotate-secret", &tag, json!({})).await;
        assert_eq!(rotated.status, 200, "{}", rotated.body);
        assert_ne!(rotated.header("etag"), tag);
        assert_eq!(action("rotate-secret", &tag, json!({})).await.status, 412);
    }

    async fn the_form_of_a_webhook_keeps_what_others_changed(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let key = app.api_key(&environment, true).await;
        let body = json!({ "url": "https://hooks.example/", "eventTypes": ["scim_user.created"] });
        let made = app.api(&key, Method::POST, "/v1/webhooks", Some(body)).await;
        let id = made.json()["webhook"]["id"].as_str().unwrap().to_owned();
        let (edit, path) = (format!("/webhooks/{id}/edit"), format!("/v1/webhooks/{id}"));
        let seen = console.seen(&edit).await;
        let meanwhile = json!({ "eventTypes": ["scim_user.deleted"] });
        assert_eq!(app.api(&key, Method::PATCH, &path, Some(meanwhile)).await.status, 200);

        let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("url", "https://typed.example/"), ("eventTypes", ""), ("eventTypes", "scim_user.created")]);
        let page = console.post(&edit, &fields).await;
        assert_eq!(page.status, 409, "{}", page.body);
        page.says("Events is “scim_user.deleted” now");
        assert_eq!(page.input("url").as_deref(), Some("https://typed.example/"));
        assert!(page.body.contains("value=\"scim_user.deleted\" checked"), "{}", page.body);
        assert!(!page.body.contains("value=\"scim_user.created\" checked"), "{}", page.body);

        let again = seen_in(&page, &edit);
        let mut fields: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("url", "https://typed.example/"), ("eventTypes", ""), ("eventTypes", "scim_user.deleted")]);
        console.done(&edit, &fields).await.says("Webhook saved.").says("https://typed.example/").says("scim_user.deleted");
    }

    async fn an_environment_changed_twice_at_once_has_both_changes(app: TestApp) {
        let environment = app.environment("prod").await;
        let other = app.environment("staging").await;
        let key = app.api_key(&environment, true).await;
        let path = format!("/v1/environments/{}", environment.id);
        let changes = [
            json!({ "displayName": "Production" }),
            json!({ "redirectUrl": "https://app.example/callback" }),
            json!({ "oauthRedirectUris": ["https://app.example/oauth"] }),
        ];
        all_changes_survive(&app, &key, &path, &changes).await;
        tags_are_honoured(&app, &key, &path, &changes[0], &changes[1]).await;

        let tag = app.api(&key, Method::GET, &path, None).await.header("etag").to_owned();
        let taken = patch_if(&app, &key, &path, &tag, &json!({ "slug": "staging" })).await;
        assert_eq!(taken.status, 400, "{}", taken.body);
        let foreign = format!("/v1/environments/{}", other.id);
        assert_eq!(patch_if(&app, &key, &foreign, "*", &changes[0]).await.status, 404);
        let remove = async |tag: &str| {
            let browser = app.browser();
            let request = browser.request(Method::DELETE, &app.url(&path)).bearer_auth(&key);
            browser.send(request.header(header::IF_MATCH, tag)).await.status.as_u16()
        };
        assert_eq!(remove("W/\"1\"").await, 412);
        assert_eq!(remove(&tag).await, 200);
    }

    async fn the_form_of_an_environment_keeps_what_others_changed(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Owner, &environment).await;
        let key = app.api_key(&environment, true).await;
        let edit = "/settings/edit";
        let page = console.page(edit).await;
        let seen = seen_in(&page, edit);
        let uris = environment.oauth_redirect_uris.iter().map(ToString::to_string).collect::<Vec<_>>().join("\r\n");
        let typed = [("displayName", "Live"), ("slug", "prod"), ("oauthRedirectUris", uris.as_str()), ("idpInitiated", "RESTART")];
        let meanwhile = json!({ "displayName": "Production", "oauthRedirectUris": ["https://new.example/oauth"] });
        let path = format!("/v1/environments/{}", environment.id);
        assert_eq!(app.api(&key, Method::PATCH, &path, Some(meanwhile)).await.status, 200);

        let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend(typed);
        let page = console.post(edit, &fields).await;
        assert_eq!(page.status, 409, "{}", page.body);
        page.says("is “Production” now").says("is “https://new.example/oauth” now");
        assert_eq!(page.input("displayName").as_deref(), Some("Live"));

        let again = seen_in(&page, edit);
        let mut fields: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("displayName", "Live"), ("slug", "prod"), ("oauthRedirectUris", "https://new.example/oauth")]);
        console.done(edit, &fields).await.says("Environment saved.").says("Live").says("https://new.example/oauth");
    }
}
