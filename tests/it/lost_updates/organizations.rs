//! Organizations and their domains.

use std::time::Duration;

use base::id::Id;
use model::administrator::Role;
use ostiary::app::{
    organizations::domains::{self, NewDomain},
    permissions::Scope,
    principal::Principal,
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{all_changes_survive, patch_if, tags_are_honoured};
use crate::{
    both,
    support::{Backend, TestApp, console::seen_in, dns::NameServer},
};

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
        page.says("This was changed while you were editing").says("Domains : added “acme.test”");
        assert_eq!(page.input("displayName").as_deref(), Some("ACME"));
        let now = app.api(&key, Method::GET, &path, None).await.json();
        assert_eq!(now["organization"]["domains"], json!(["acme.example", "acme.test"]));
    }

    async fn a_change_of_domains_is_a_change_of_the_organization(app: TestApp) {
        let environment = app.environment("prod").await;
        let (key, tenant) = (app.api_key(&environment, true).await, app.tenant(&environment, "acme.example").await);
        let path = format!("/v1/organizations/{}", tenant.organization.id);
        let tag = async || app.api(&key, Method::GET, &path, None).await.header("etag").to_owned();
        let mut seen = tag().await;
        let call = async |method: Method, way: &str, body: Value| {
            let answer = app.api(&key, method, &format!("{path}/domains{way}"), Some(body)).await;
            assert_eq!(answer.status, 200, "{way}: {}", answer.body);
        };
        for (method, way, body) in [
            (Method::POST, "", json!({ "domain": "new.example" })),
            (Method::POST, "/new.example/approve", json!({})),
            (Method::DELETE, "/new.example", json!({})),
        ] {
            call(method, way, body).await;
            let overwrites = patch_if(&app, &key, &path, &seen, &json!({ "domains": ["acme.example"] })).await;
            assert_eq!(overwrites.status, 412, "{way}: {}", overwrites.body);
            seen = tag().await;
        }
        // What is there already is not changed by being asked for again.
        call(Method::POST, "/acme.example/approve", json!({})).await;
        assert_eq!(tag().await, seen);

        // At once: no client that knows no versions loses the other's change.
        for round in 0..6 {
            let (added, name) = (format!("r{round}.example"), json!({ "displayName": format!("Round {round}") }));
            let (domains, external_id) = (format!("{path}/domains"), format!("c{round}"));
            let add = app.api(&key, Method::POST, &domains, Some(json!({ "domain": added })));
            let rename = app.api(&key, Method::PATCH, &path, Some(name.clone()));
            let (add, rename) = tokio::join!(add, rename);
            assert_eq!((add.status.as_u16(), rename.status.as_u16()), (200, 200), "{} {}", add.body, rename.body);
            let approval = format!("{domains}/{added}/approve");
            let approve = app.api(&key, Method::POST, &approval, Some(json!({})));
            let list = app.api(&key, Method::PATCH, &path, Some(json!({ "externalId": external_id })));
            let (approve, list) = tokio::join!(approve, list);
            assert_eq!((approve.status.as_u16(), list.status.as_u16()), (200, 200), "{} {}", approve.body, list.body);
            let now = app.api(&key, Method::GET, &path, None).await.json()["organization"].clone();
            assert_eq!((&now["displayName"], &now["externalId"]), (&name["displayName"], &json!(external_id)));
            assert!(now["domains"].as_array().unwrap().contains(&json!(added)), "{now}");
        }
    }

    async fn a_domain_has_a_version_by_its_name_and_by_its_id(app: TestApp) {
        let environment = app.environment("prod").await;
        let (key, tenant) = (app.api_key(&environment, true).await, app.tenant(&environment, "acme.example").await);
        let domains = format!("/v1/organizations/{}/domains", tenant.organization.id);
        let added = app.api(&key, Method::POST, &domains, Some(json!({ "domain": "new.example" }))).await;
        let id = added.json()["domain"]["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("domain_"), "{id}");
        let (by_name, by_id) = (format!("{domains}/new.example"), format!("{domains}/{id}"));
        let tag = added.header("etag").to_owned();
        for path in [&by_name, &by_id] {
            let read = app.api(&key, Method::GET, path, None).await;
            assert_eq!((read.header("etag"), read.json()), (tag.as_str(), added.json()));
        }
        let send = async |method: Method, path: &str, tag: &str| {
            let browser = app.browser();
            let request = browser.request(method, &app.url(path)).bearer_auth(&key);
            browser.send(request.header(header::IF_MATCH, tag).json(&json!({}))).await
        };
        let approved = send(Method::POST, &format!("{by_id}/approve"), &tag).await;
        assert_eq!((approved.status.as_u16(), &approved.json()["domain"]["state"]), (200, &json!("whitelisted")));
        for (method, path) in [
            (Method::POST, format!("{by_name}/approve")),
            (Method::POST, format!("{by_id}/check")),
            (Method::DELETE, by_id.clone()),
            (Method::DELETE, by_name.clone()),
        ] {
            assert_eq!(send(method, &path, &tag).await.status, 412, "{path}");
        }
        // An organization's domains only.
        let other = app.tenant(&environment, "globex.example").await;
        let elsewhere = format!("/v1/organizations/{}/domains/{id}", other.organization.id);
        assert_eq!(app.api(&key, Method::GET, &elsewhere, None).await.status, 404);
        assert_eq!(send(Method::DELETE, &by_id, approved.header("etag")).await.status, 200);
        assert_eq!(app.api(&key, Method::GET, &by_name, None).await.status, 404);
    }

    async fn a_form_shows_what_the_customer_asked_for_meanwhile_and_does_not_lose_it(app: TestApp) {
        let environment = app.environment("prod").await;
        let (key, tenant) = (app.api_key(&environment, true).await, app.tenant(&environment, "acme.example").await);
        let console = app.console(Role::Admin, &environment).await;
        let id = tenant.organization.id;
        let edit = format!("/organizations/{id}/edit");
        let seen = console.seen(&edit).await;
        let wanted = NewDomain { domain: Some("asked.example".to_owned()), allow_free_mail: None };
        let scopes = [Scope::Domains].into_iter().collect();
        let customer = Principal::setup_link(Id::from_bits(1), environment.id, id, scopes);
        domains::add(&app.state, &customer, id, &wanted).await.unwrap();

        let typed = [("displayName", "Acme"), ("externalId", ""), ("domains", "acme.example\r\nacme.test"), ("allowFreeMail", "")];
        let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend(typed);
        let page = console.post(&edit, &fields).await;
        assert_eq!(page.status, 409, "{}", page.body);
        page.says("Waiting for approval or proof : now “asked.example”").says("acme.test");

        let again = seen_in(&page, &edit);
        let mut fields: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend(typed);
        console.done(&edit, &fields).await.says("Organization saved.");
        let listed = app.api(&key, Method::GET, &format!("/v1/organizations/{id}/domains"), None).await.json();
        let listed = listed["domains"].as_array().unwrap().iter();
        let states: Vec<_> = listed.map(|one| (one["domain"].clone(), one["state"].clone())).collect();
        let is = |domain: &str, state: &str| (json!(domain), json!(state));
        let expected =
            [is("acme.example", "whitelisted"), is("acme.test", "whitelisted"), is("asked.example", "pending")];
        assert_eq!(states, expected);
    }
}

#[test]
fn a_proof_by_dns_is_a_change_and_a_failed_check_is_none() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        actix_web::rt::System::new().block_on(async {
            let dns = NameServer::start().await;
            let app = TestApp::spawn_with(backend, |config| config.dns_servers = vec![dns.address()]).await;
            let environment = app.environment("prod").await;
            let (key, tenant) =
                (app.api_key(&environment, true).await, app.tenant(&environment, "acme.example").await);
            let path = format!("/v1/organizations/{}", tenant.organization.id);
            let domains = format!("{path}/domains");
            let added = app.api(&key, Method::POST, &domains, Some(json!({ "domain": "new.example" }))).await;
            let asked = app.api(&key, Method::GET, &path, None).await.header("etag").to_owned();
            let check = format!("{domains}/new.example/check");
            let failed = app.api(&key, Method::POST, &check, Some(json!({}))).await;
            assert_eq!(failed.json()["domain"]["state"], "failed", "{}", failed.body);
            assert_ne!(failed.header("etag"), added.header("etag"), "its state is another one");
            assert_eq!(app.api(&key, Method::GET, &path, None).await.header("etag"), asked);
            app.advance(Duration::from_secs(11));
            let again = app.api(&key, Method::POST, &check, Some(json!({}))).await;
            assert_eq!(again.header("etag"), failed.header("etag"), "a check that finds the same");
            app.advance(Duration::from_secs(11));
            let record = added.json()["domain"].clone();
            let value = record["txtRecordValue"].as_str().unwrap();
            dns.publish(record["txtRecordName"].as_str().unwrap(), &[value]);
            let proved = app.api(&key, Method::POST, &check, Some(json!({}))).await;
            assert_eq!(proved.json()["domain"]["state"], "verified", "{}", proved.body);
            let overwrites =
                patch_if(&app, &key, &path, &asked, &json!({ "domains": ["acme.example"] })).await;
            assert_eq!(overwrites.status, 412, "{}", overwrites.body);
            let found = app.api(&key, Method::GET, "/v1/organizations?query=new.example", None).await.json();
            assert_eq!(found["organizations"][0]["id"], json!(tenant.organization.id));
        });
    }
}
