//! API keys and OAuth clients.

use futures_util::future::join_all;
use model::administrator::Role;
use reqwest::{Method, header};
use serde_json::json;

use super::{all_changes_survive, tags_are_honoured};
use crate::{both, support::console::seen_in};

both! {
    async fn an_api_key_and_a_client_changed_twice_at_once_have_both_changes(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let make = async |path: &str| {
            let made = app.api(&key, Method::POST, path, Some(json!({}))).await;
            made.json().as_object().unwrap().values().next().unwrap()["id"].as_str().unwrap().to_owned()
        };
        let client = format!("/v1/saml-oauth-clients/{}", make("/v1/saml-oauth-clients").await);
        let changes = [
            json!({ "displayName": "Web" }),
            json!({ "idTokenAlg": "ES256" }),
            json!({ "initiateLoginUri": "https://app.example/login" }),
        ];
        all_changes_survive(&app, &key, &client, &changes).await;
        tags_are_honoured(&app, &key, &client, &changes[0], &changes[1]).await;

        let api_key = format!("/v1/api-keys/{}", make("/v1/api-keys").await);
        tags_are_honoured(&app, &key, &api_key, &json!({ "displayName": "a" }), &json!({ "displayName": "b" })).await;

        // A new secret, asked for twice from the same page, is made once.
        let tag = app.api(&key, Method::GET, &client, None).await.header("etag").to_owned();
        let rotate = async || {
            let browser = app.browser();
            let request = browser.request(Method::POST, &app.url(&format!("{client}/rotate-secret"))).bearer_auth(&key);
            browser.send(request.header(header::IF_MATCH, &tag).json(&json!({}))).await.status.as_u16()
        };
        let mut rotated = join_all([rotate(), rotate(), rotate()]).await;
        rotated.sort_unstable();
        assert_eq!(rotated, [200, 412, 412]);
        let browser = app.browser();
        let request = browser.request(Method::DELETE, &app.url(&client)).bearer_auth(&key);
        assert_eq!(browser.send(request.header(header::IF_MATCH, &tag)).await.status, 412, "a deletion too");
    }

    async fn a_form_that_was_open_meanwhile_shows_what_changed_and_keeps_what_was_typed(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let key = app.api_key(&environment, true).await;
        let body = json!({ "displayName": "Web", "initiateLoginUri": "https://old.example/login" });
        let made = app.api(&key, Method::POST, "/v1/saml-oauth-clients", Some(body)).await;
        let id = made.json()["samlOauthClient"]["id"].as_str().unwrap().to_owned();
        let edit = format!("/oauth-clients/{id}/edit");
        let seen = console.seen(&edit).await;

        let meanwhile = json!({ "displayName": "Website", "initiateLoginUri": "https://new.example/login" });
        let path = format!("/v1/saml-oauth-clients/{id}");
        assert_eq!(app.api(&key, Method::PATCH, &path, Some(meanwhile)).await.status, 200);

        // The user typed another name, and left the address as it was.
        let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let typed = [("displayName", "Shop"), ("idTokenAlg", "RS256"), ("initiateLoginUri", "https://old.example/login")];
        fields.extend(typed);
        let page = console.post(&edit, &fields).await;
        assert_eq!(page.status, 409, "{}", page.body);
        page.says("This was changed while you were editing").says("now “Website”, and you entered “Shop”");
        assert_eq!(page.input("displayName").as_deref(), Some("Shop"));
        assert_eq!(page.input("initiateLoginUri").as_deref(), Some("https://new.example/login"));
        let now = app.api(&key, Method::GET, &path, None).await.json();
        assert_eq!(now["samlOauthClient"]["displayName"], "Website", "nothing is saved yet");

        // Saved again, from the page that told it.
        let again = seen_in(&page, &edit);
        let mut fields: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("displayName", "Shop"), ("idTokenAlg", "RS256"), ("initiateLoginUri", "https://new.example/login")]);
        console.done(&edit, &fields).await.says("OAuth client saved.").says("Shop");

        // A form without a version, as a script sends it, overwrites nothing.
        let blind = console.post(&edit, &[("version", ""), ("displayName", "Blind")]).await;
        assert_eq!(blind.status, 409);
    }

    async fn an_invalid_form_is_still_of_the_version_that_it_was_filled_from(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let key = app.api_key(&environment, true).await;
        let made = app.api(&key, Method::POST, "/v1/saml-oauth-clients", Some(json!({ "displayName": "Web" }))).await;
        let id = made.json()["samlOauthClient"]["id"].as_str().unwrap().to_owned();
        let (edit, path) = (format!("/oauth-clients/{id}/edit"), format!("/v1/saml-oauth-clients/{id}"));
        let typed = [("displayName", "Web"), ("idTokenAlg", "RS256"), ("initiateLoginUri", "http://plain.example")];
        let refused = console.post(&edit, &typed).await;
        assert_eq!(refused.status, 422);
        let body = json!({ "displayName": "Website" });
        assert_eq!(app.api(&key, Method::PATCH, &path, Some(body)).await.status, 200);
        let seen = seen_in(&refused, &edit);
        let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("displayName", "Web"), ("idTokenAlg", "RS256"), ("initiateLoginUri", "")]);
        let page = console.post(&edit, &fields).await;
        assert_eq!(page.status, 409, "{}", page.body);
        assert_eq!(page.input("displayName").as_deref(), Some("Website"));
    }
}
