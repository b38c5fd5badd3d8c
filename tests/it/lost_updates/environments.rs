//! Environments, their branding, and webhooks.

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::administrator::Role;
use reqwest::{Method, header};
use serde_json::json;

use super::{all_changes_survive, patch_if, tags_are_honoured};
use crate::{both, console_setup::PNG, support::console::seen_in};

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
        page.says("Events : now “scim_user.deleted”");
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
        page.says("Name : now “Production”, and you entered “Live”").says("added “https://new.example/oauth”");
        assert_eq!(page.input("displayName").as_deref(), Some("Live"));

        let again = seen_in(&page, edit);
        let mut fields: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("displayName", "Live"), ("slug", "prod"), ("oauthRedirectUris", "https://new.example/oauth")]);
        console.done(edit, &fields).await.says("Environment saved.").says("Live").says("https://new.example/oauth");
    }

    async fn a_branding_changed_twice_at_once_has_both_changes(app: TestApp) {
        let logo = json!({ "logo": BASE64.encode(PNG) });
        // Every first change finds no row, and its first ones are at once.
        for round in 0..6 {
            let environment = app.environment(&format!("stage-{round}")).await;
            let key = app.api_key(&environment, true).await;
            let path = format!("/v1/environments/{}/branding", environment.id);
            let logo_path = format!("{path}/logo");
            let set = async |body| app.api(&key, Method::PATCH, &path, Some(body)).await;
            let answers = tokio::join!(
                set(json!({ "applicationName": "Ledgerline" })),
                set(json!({ "accentColor": "#1f4fc4" })),
                app.api(&key, Method::PUT, &logo_path, Some(logo.clone())),
            );
            for answer in [answers.0, answers.1, answers.2] {
                assert_eq!(answer.status, 200, "round {round}: {}", answer.body);
            }
            let now = app.api(&key, Method::GET, &path, None).await;
            assert_eq!(now.header("etag"), "W/\"3\"", "round {round}");
            let now = now.json()["branding"].clone();
            assert_eq!((&now["applicationName"], &now["accentColor"]), (&json!("Ledgerline"), &json!("#1f4fc4")));
            assert!(now["logoUrl"].as_str().unwrap().contains("/logo"), "round {round}: {now}");
            let answers = tokio::join!(
                set(json!({ "applicationName": "Ledger" })),
                app.api(&key, Method::DELETE, &logo_path, None),
            );
            assert_eq!((answers.0.status.as_u16(), answers.1.status.as_u16()), (200, 200));
            let now = app.api(&key, Method::GET, &path, None).await.json()["branding"].clone();
            assert_eq!((&now["applicationName"], &now["logoUrl"]), (&json!("Ledger"), &json!("")), "round {round}");
        }

        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let path = format!("/v1/environments/{}/branding", environment.id);
        assert_eq!(app.api(&key, Method::GET, &path, None).await.header("etag"), "W/\"0\"");
        let (name, colour) = (json!({ "applicationName": "Ledgerline" }), json!({ "accentColor": "#1f4fc4" }));
        tags_are_honoured(&app, &key, &path, &name, &colour).await;
        all_changes_survive(&app, &key, &path, &[name, colour, json!({ "supportContact": "it@ledger.example" })]).await;

        let tag = app.api(&key, Method::GET, &path, None).await.header("etag").to_owned();
        let put = async |tag: &str| {
            let browser = app.browser();
            let request = browser.request(Method::PUT, &app.url(&format!("{path}/logo"))).bearer_auth(&key);
            browser.send(request.header(header::IF_MATCH, tag).json(&logo)).await
        };
        assert_eq!(put("W/\"0\"").await.status, 412);
        let first = put(&tag).await;
        assert_eq!(first.status, 200, "{}", first.body);
        assert_eq!(put(&tag).await.status, 412, "a logo is a change");
        assert_eq!(put(first.header("etag")).await.header("etag"), first.header("etag"), "the same logo is none");
    }

    async fn the_form_of_the_branding_is_saved_whole_or_not_at_all(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Owner, &environment).await;
        let key = app.api_key(&environment, true).await;
        let path = format!("/v1/environments/{}/branding", environment.id);
        let read = async || app.api(&key, Method::GET, &path, None).await.json()["branding"].clone();
        let typed = [("applicationName", "Ledgerline"), ("accentColor", ""), ("returnUrl", ""), ("supportContact", "")];
        let refused = console.upload("/branding", &typed, ("logo", "logo.png", b"<svg/>")).await;
        assert_eq!(refused.status, 422);
        assert_eq!(read().await["applicationName"], "", "a refused logo keeps the rest back");

        let seen = console.seen("/branding").await;
        let logo = json!({ "logo": BASE64.encode(PNG) });
        assert_eq!(app.api(&key, Method::PUT, &format!("{path}/logo"), Some(logo)).await.status, 200);
        let colour = json!({ "accentColor": "#1f4fc4" });
        assert_eq!(app.api(&key, Method::PATCH, &path, Some(colour)).await.status, 200);
        let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend(typed);
        let page = console.upload("/branding", &fields, ("logo", "logo.png", PNG)).await;
        assert_eq!(page.status, 409, "{}", page.body);
        page.says("Colour : now “#1f4fc4”").says("Logo : now the one shown below").says("must be chosen again");
        assert_eq!(page.input("applicationName").as_deref(), Some("Ledgerline"));
        assert_eq!(page.input("accentColor").as_deref(), Some("#1f4fc4"));
        assert_eq!(read().await["applicationName"], "", "nothing is saved yet");

        let again = seen_in(&page, "/branding");
        let mut fields: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("applicationName", "Ledgerline"), ("accentColor", "#1f4fc4"), ("removeLogo", "true")]);
        console.done("/branding", &fields).await.says("Branding saved.").does_not_say("Present logo");
        let now = read().await;
        let expected = (&json!("Ledgerline"), &json!("#1f4fc4"), &json!(""));
        assert_eq!((&now["applicationName"], &now["accentColor"], &now["logoUrl"]), expected);
    }
}
