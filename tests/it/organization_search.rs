//! The search for organizations.

use std::{collections::BTreeSet, time::Duration};

use base::{id::Id, random::SystemRandom};
use model::organization::Organization;
use ostiary::{
    app::{
        actor::Actor,
        organizations::{self, OrganizationChange},
        pagination::PageQuery,
        resource,
    },
    store::{self, table},
};
use reqwest::Method;
use serde_json::json;

use crate::{both, support::*};

/// The names of what a search finds, page by page.
async fn found(app: &TestApp, actor: &Actor, text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut query = PageQuery { token: None, size: Some("2".to_owned()) };
    loop {
        let page = organizations::search(&app.state, actor, text, &query).await.unwrap();
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
        let actor = Actor::operator(environment.id);
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
            made.push(organizations::create(&app.state, &actor, &change).await.unwrap());
        }
        let all = ["Zeta", "Bücher & Söhne", "Acme Labs", "Acme Ltd"];
        assert_eq!(found(&app, &actor, "").await, all);
        assert_eq!(found(&app, &actor, "acme").await, ["Zeta", "Acme Labs", "Acme Ltd"]);
        assert_eq!(found(&app, &actor, "ACME la").await, ["Acme Labs"]);
        assert_eq!(found(&app, &actor, "dana@acme.com").await, ["Acme Ltd"]);
        assert_eq!(found(&app, &actor, "söhne").await, ["Bücher & Söhne"]);
        assert_eq!(found(&app, &actor, "c-3").await, ["Bücher & Söhne"]);
        assert_eq!(found(&app, &actor, &made[3].id.to_string()).await, ["Zeta"]);
        assert_eq!(found(&app, &actor, "nobody").await, [""; 0]);

        let change = OrganizationChange { display_name: Some("Omega".to_owned()), ..OrganizationChange::default() };
        organizations::update(&app.state, &actor, made[0].id, None, &change).await.unwrap();
        assert_eq!(found(&app, &actor, "ltd").await, [""; 0]);
        assert_eq!(found(&app, &actor, "omega acme.com").await, ["Omega"]);
        resource::remove::<Organization>(&app.state, &actor, made[1].id, None).await.unwrap();
        assert_eq!(found(&app, &actor, "labs").await, [""; 0]);

        let other = Actor::operator(app.environment("other").await.id);
        assert_eq!(found(&app, &other, "acme").await, [""; 0]);
        assert_eq!(found(&app, &other, &made[3].id.to_string()).await, [""; 0]);

        let key = app.api_key(&environment, true).await;
        let answer = app.api(&key, Method::GET, "/v1/organizations?query=omega", None).await.json();
        assert_eq!(answer["organizations"][0]["displayName"], json!("Omega"));
        assert_eq!(answer["nextPageToken"], json!(""));
    }

    async fn a_word_that_everybody_has_is_found_as_well(app: TestApp) {
        let environment = app.environment("prod").await;
        let actor = Actor::operator(environment.id);
        let mut tx = app.state.db.write().await.unwrap();
        for number in 0..2100 {
            let now = app.now() + Duration::from_millis(number);
            let organization = Organization {
                id: Id::new(now, &SystemRandom),
                environment_id: environment.id,
                version: 1,
                display_name: format!("Common {}", if number % 1000 == 7 { "rare" } else { "x" }),
                external_id: None,
                domains: Default::default(),
                created_at: now,
                updated_at: now,
            };
            table::insert(&mut tx, &organization).await.unwrap();
            store::organization_domains::set(&mut tx, &organization).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(found(&app, &actor, "common rare").await.len(), 3);
        assert_eq!(found(&app, &actor, "rare").await.len(), 3);
        let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
        let mut seen = BTreeSet::new();
        for _ in 0..3 {
            let page = organizations::search(&app.state, &actor, "comm", &query).await.unwrap();
            assert_eq!(page.items.len(), 100);
            assert!(page.items.is_sorted_by(|a, b| a.id > b.id));
            assert!(page.items.iter().all(|organization| seen.insert(organization.id)));
            query.token = Some(page.next_token);
        }
    }
}
