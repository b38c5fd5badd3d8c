//! The search for organizations.

use std::{collections::BTreeSet, time::Duration};

use base::{id::Id, random::SystemRandom};
use model::{administrator::Role, organization::Organization};
use ostiary::{
    app::{
        organizations::{
            self, OrganizationChange,
            domains::{self, NewDomain},
        },
        pagination::PageQuery,
        permissions::Scope,
        principal::Principal,
        resource,
    },
    background::domain_ids,
    store::{self, table},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, support::*};

/// The names of what a search finds, page by page.
async fn found(app: &TestApp, principal: &Principal, text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut query = PageQuery { token: None, size: Some("2".to_owned()) };
    loop {
        let page = organizations::search(&app.state, principal, text, &query).await.unwrap();
        names.extend(page.items.into_iter().map(|organization| organization.display_name));
        if page.next_token.is_empty() {
            return names;
        }
        query.token = Some(page.next_token);
    }
}

both! {
    async fn the_newest_comes_first_and_changes_are_found_at_once(app: TestApp) {
        let environment = app.environment("prod").await;
        let principal = Principal::operator(environment.id);
        let mut made = Vec::new();
        for (name, external_id, domain) in [
            ("Acme Ltd", "c-1", "acme.com"),
            ("Acme Labs", "c-2", "labs.acme.com"),
            ("Bücher & Söhne", "c-30", "bücher.example"),
            ("Zeta", "acme-old", "zeta.example"),
        ] {
            app.advance(Duration::from_millis(5));
            let change = OrganizationChange {
                display_name: Some(name.to_owned()),
                external_id: Some(external_id.to_owned()),
                domains: Some(vec![domain.to_owned()]),
                ..OrganizationChange::default()
            };
            made.push(organizations::create(&app.state, &principal, &change).await.unwrap());
        }
        let all = ["Zeta", "Bücher & Söhne", "Acme Labs", "Acme Ltd"];
        assert_eq!(found(&app, &principal, "").await, all);
        assert_eq!(found(&app, &principal, "acme").await, ["Zeta", "Acme Labs", "Acme Ltd"]);
        assert_eq!(found(&app, &principal, "ACME la").await, ["Acme Labs"]);
        assert_eq!(found(&app, &principal, "dana@acme.com").await, ["Acme Ltd"]);
        assert_eq!(found(&app, &principal, "söhne").await, ["Bücher & Söhne"]);
        assert_eq!(found(&app, &principal, "c-3").await, ["Bücher & Söhne"]);
        assert_eq!(found(&app, &principal, &made[3].id.to_string()).await, ["Zeta"]);
        assert_eq!(found(&app, &principal, "nobody").await, [""; 0]);

        let change = OrganizationChange { display_name: Some("Omega".to_owned()), ..OrganizationChange::default() };
        organizations::update(&app.state, &principal, made[0].id, None, &change).await.unwrap();
        assert_eq!(found(&app, &principal, "ltd").await, [""; 0]);
        assert_eq!(found(&app, &principal, "omega acme.com").await, ["Omega"]);
        resource::remove::<Organization>(&app.state, &principal, made[1].id, None).await.unwrap();
        assert_eq!(found(&app, &principal, "labs").await, [""; 0]);

        let other = Principal::operator(app.environment("other").await.id);
        assert_eq!(found(&app, &other, "acme").await, [""; 0]);
        assert_eq!(found(&app, &other, &made[3].id.to_string()).await, [""; 0]);

        let key = app.api_key(&environment, true).await;
        let answer = app.api(&key, Method::GET, "/v1/organizations?query=omega", None).await.json();
        assert_eq!(answer["organizations"][0]["displayName"], json!("Omega"));
        assert_eq!(answer["nextPageToken"], json!(""));
    }

    async fn a_domain_is_found_however_it_came_and_not_when_it_is_gone(app: TestApp) {
        let environment = app.environment("prod").await;
        let (principal, key) = (Principal::operator(environment.id), app.api_key(&environment, true).await);
        let console = app.console(Role::Admin, &environment).await;
        let body = json!({ "displayName": "Acme", "domains": ["first.example"] });
        let made = app.api(&key, Method::POST, "/v1/organizations", Some(body)).await.json();
        let id = made["organization"]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/organizations/{id}");
        let is_found = async |domain: &str| found(&app, &principal, domain).await == ["Acme"];
        let call = async |method: Method, path: &str, body: Value| {
            let answer = app.api(&key, method, path, Some(body)).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        };
        assert!(is_found("first.example").await);

        // The API: the list, and a single domain.
        call(Method::PATCH, &path, json!({ "domains": ["list.example"] })).await;
        assert!(is_found("list.example").await && !is_found("first.example").await);
        call(Method::POST, &format!("{path}/domains"), json!({ "domain": "single.example" })).await;
        assert!(is_found("single.example").await && is_found("list.example").await);
        call(Method::POST, &format!("{path}/domains/single.example/approve"), json!({})).await;
        assert!(is_found("single.example").await);
        call(Method::DELETE, &format!("{path}/domains/single.example"), json!({})).await;
        assert!(!is_found("single.example").await);

        // The console: the form of the organization, and a page for one domain.
        let fields = [("displayName", "Acme"), ("externalId", ""), ("domains", "form.example"), ("allowFreeMail", "")];
        console.done(&format!("/organizations/{id}/edit"), &fields).await;
        assert!(is_found("form.example").await && !is_found("list.example").await);
        console.done(&format!("/organizations/{id}/domains"), &[("domain", "page.example")]).await;
        assert!(is_found("page.example").await);
        console.done(&format!("/organizations/{id}/domains/page.example/delete"), &[("confirm", "page.example")]).await;
        assert!(!is_found("page.example").await);

        // The customer's own admin, by a setup link.
        let organization_id = id.parse().unwrap();
        let scopes = [Scope::Domains].into_iter().collect();
        let customer = Principal::setup_link(Id::from_bits(1), environment.id, organization_id, scopes);
        let wanted = NewDomain { domain: Some("dana@link.example".to_owned()), allow_free_mail: None };
        domains::add(&app.state, &customer, organization_id, &wanted).await.unwrap();
        assert!(is_found("link.example").await);
        domains::remove(&app.state, &customer, organization_id, "link.example", None).await.unwrap();
        assert!(!is_found("link.example").await && is_found("form.example").await);
    }

    async fn domains_from_before_they_had_ids_get_them_and_are_found(app: TestApp) {
        let environment = app.environment("prod").await;
        let (principal, key) = (Principal::operator(environment.id), app.api_key(&environment, true).await);
        let names: Vec<String> = (0..510).map(|number| format!("d{number}.example")).collect();
        let body = json!({ "displayName": "Acme", "domains": names });
        let made = app.api(&key, Method::POST, "/v1/organizations", Some(body)).await.json();
        let path = format!("/v1/organizations/{}/domains", made["organization"]["id"].as_str().unwrap());
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE organization_domains SET id = NULL").execute().await.unwrap();
        tx.sql("DELETE FROM organization_words").execute().await.unwrap();
        tx.commit().await.unwrap();

        let ids = async || {
            let listed = app.api(&key, Method::GET, &path, None).await.json();
            let listed = listed["domains"].as_array().unwrap().iter();
            let ids: Vec<String> = listed.map(|domain| domain["id"].as_str().unwrap().to_owned()).collect();
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 510);
            ids
        };
        let stored = async || {
            let mut conn = app.state.db.read().await.unwrap();
            let text = "SELECT COUNT(*) FROM organization_domains WHERE id IS NOT NULL";
            conn.sql(text).one::<(i64,)>().await.unwrap().0
        };
        let before = ids().await;
        let by_id = format!("{path}/{}", before[7]);
        let one = app.api(&key, Method::GET, &by_id, None).await;
        assert_eq!((one.status.as_u16(), &one.json()["domain"]["id"]), (200, &json!(before[7])));
        // A change writes the id of its domain, and the words of all of them.
        let checked = app.api(&key, Method::POST, &path, Some(json!({ "domain": "d7.example" }))).await;
        assert_eq!(checked.status, 200, "{}", checked.body);
        assert_eq!((stored().await, ids().await), (1, before.clone()));
        assert_eq!(found(&app, &principal, "d8.example").await, [""; 0]);

        assert_eq!(domain_ids::write(&app.state).await.unwrap(), 1);
        assert_eq!((stored().await, ids().await), (510, before.clone()));
        assert_eq!(found(&app, &principal, "d8.example").await, ["Acme"]);
        assert_eq!(domain_ids::write(&app.state).await.unwrap(), 0, "they have ids now");
        assert_eq!(app.api(&key, Method::GET, &by_id, None).await.json(), one.json());
    }

    async fn a_word_that_everybody_has_is_found_as_well(app: TestApp) {
        let environment = app.environment("prod").await;
        let principal = Principal::operator(environment.id);
        let mut tx = app.state.db.write().await.unwrap();
        for number in 0..2100 {
            let now = app.now() + Duration::from_millis(number);
            let organization = Organization {
                display_name: format!("Common {}", if number % 1000 == 7 { "rare" } else { "x" }),
                ..Organization::new(Id::new(now, &SystemRandom), environment.id, now)
            };
            table::insert(&mut tx, &organization).await.unwrap();
            store::organization_domains::set(&mut tx, &organization, &SystemRandom).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(found(&app, &principal, "common rare").await.len(), 3);
        assert_eq!(found(&app, &principal, "rare").await.len(), 3);
        let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
        let mut seen = BTreeSet::new();
        for _ in 0..3 {
            let page = organizations::search(&app.state, &principal, "comm", &query).await.unwrap();
            assert_eq!(page.items.len(), 100);
            assert!(page.items.is_sorted_by(|a, b| a.id > b.id));
            assert!(page.items.iter().all(|organization| seen.insert(organization.id)));
            query.token = Some(page.next_token);
        }
    }
}
