//! Organizations and their domains.

use model::administrator::Role;
use reqwest::Method;
use serde_json::json;

use super::{all_changes_survive, tags_are_honoured};
use crate::both;

both! {
    async fn an_organization_changed_twice_at_once_has_both_changes(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let made = app.api(&key, Method::POST, "/v1/organizations", Some(json!({}))).await;
        assert_eq!(made.header("etag"), "W/\"1\"");
        let path = format!("/v1/organizations/{}", made.json()["organization"]["id"].as_str().unwrap());
        let changes = [
            json!({ "displayName": "Acme" }),
            json!({ "externalId": "customer-1" }),
            json!({ "domains": ["acme.example", "acme.test"] }),
        ];
        all_changes_survive(&app, &key, &path, &changes).await;
        tags_are_honoured(&app, &key, &path, &changes[0], &changes[2]).await;
    }

    async fn a_form_shows_the_domains_that_came_meanwhile(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let key = app.api_key(&environment, true).await;
        let body = json!({ "displayName": "Acme", "domains": ["acme.example"] });
        let made = app.api(&key, Method::POST, "/v1/organizations", Some(body)).await;
        let id = made.json()["organization"]["id"].as_str().unwrap().to_owned();
        let (path, edit) = (format!("/v1/organizations/{id}"), format!("/organizations/{id}/edit"));
        let seen = console.seen(&edit).await;
        let meanwhile = json!({ "domains": ["acme.example", "acme.test"] });
        assert_eq!(app.api(&key, Method::PATCH, &path, Some(meanwhile)).await.status, 200);

        let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("displayName", "ACME"), ("externalId", ""), ("domains", "acme.example"), ("allowFreeMail", "")]);
        let page = console.post(&edit, &fields).await;
        assert_eq!(page.status, 409, "{}", page.body);
        page.says("Somebody else saved this while you were editing").says("acme.test");
        assert_eq!(page.input("displayName").as_deref(), Some("ACME"));
        let now = app.api(&key, Method::GET, &path, None).await.json();
        assert_eq!(now["organization"]["domains"], json!(["acme.example", "acme.test"]));
    }
}
