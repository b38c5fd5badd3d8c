//! Lists: filters, search, orders and cursors (1.4).

use base::id::Id;
use model::organization::Organization;
use ostiary::background::organization_keys;

use super::*;
use crate::{both, support::random};

both! {
    async fn a_list_is_filtered_sorted_and_cut(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        for (id, name, template) in [
            ("id-3", "Beta", false), ("id-1", "alpha 50%_off!", false), ("id-2", "Gamma", true), ("id-4", "delta", false),
        ] {
            caller.create(json!({ "id": id, "name": name, "template": template })).await;
            app.advance(std::time::Duration::from_millis(5));
        }
        for child in ["one", "two"] {
            caller.create(json!({ "name": child, "parent_id": "id-3" })).await;
            app.advance(std::time::Duration::from_millis(5));
        }
        let (beta, alpha, gamma, delta) = ("Beta", "alpha 50%_off!", "Gamma", "delta");
        for (query, names) in [
            ("", vec![beta, alpha, gamma, delta, "one", "two"]),
            ("?sort=created_at&order=desc", vec!["two", "one", delta, gamma, alpha, beta]),
            ("?sort=name", vec![alpha, beta, delta, gamma, "one", "two"]),
            ("?sort=name&order=desc", vec!["two", "one", gamma, delta, beta, alpha]),
            ("?template=false&sort=id&limit=3&after_organization_id=id-1", vec![beta, delta]),
            ("?template=true", vec![gamma]),
            ("?template=false&sort=name", vec![alpha, beta, delta, "one", "two"]),
            ("?parent_id=id-3", vec!["one", "two"]),
            ("?parent_id=id-3&order=desc", vec!["two", "one"]),
            ("?parent_id=id-4", vec![]),
            ("?search_phrase=ALPHA", vec![alpha]),
            ("?search_phrase=ta", vec![beta, delta]),
            ("?search_phrase=50%25_off!", vec![alpha]),
            ("?search_phrase=%25", vec![alpha]),
            ("?search_phrase=_", vec![alpha]),
            ("?search_phrase=id-2", vec![gamma]),
            ("?search_phrase=ID-2", vec![]),
            ("?search_phrase=id-", vec![]),
            ("?search_phrase=%20beta%20", vec![beta]),
            ("?search_phrase=", vec![beta, alpha, gamma, delta, "one", "two"]),
            ("?search_phrase=a&template=false&sort=name&limit=2", vec![alpha, beta]),
            ("?search_phrase='; DROP TABLE organizations; --", vec![]),
            ("?limit=2", vec![beta, alpha]),
            ("?limit=2&after_organization_id=id-1", vec![gamma, delta]),
            ("?limit=2&before_organization_id=id-4", vec![alpha, gamma]),
            ("?limit=2&before_organization_id=id-3", vec![]),
            ("?sort=name&limit=2&after_organization_id=id-3", vec![delta, gamma]),
            ("?sort=name&order=desc&limit=2&after_organization_id=id-3", vec![alpha]),
            ("?sort=name&order=desc&limit=2&before_organization_id=id-3", vec![gamma, delta]),
            ("?unknown=1&limit=1", vec![beta]),
        ] {
            assert_eq!(caller.names(query).await, names, "{query}");
            assert_eq!(caller.admin().names(query).await, names, "{query}");
        }
        // By the id in every form.
        let hex = caller.create(json!({ "name": "hex" })).await["id"].as_str().unwrap().to_owned();
        assert_eq!(caller.names(&format!("?search_phrase={hex}")).await, ["hex"]);
        for query in [
            "?template=1", "?template=TRUE", "?sort=size", "?sort=Name", "?order=up", "?limit=0", "?limit=-1", "?limit=x", "?limit=1.5",
            "?after_organization_id=id-1&before_organization_id=id-2", &format!("?search_phrase={}", "x".repeat(300)),
            "?search_phrase=%00",
        ] {
            assert_eq!(error(&caller.send(Method::GET, query, None).await), (422, "validation_failed".into()), "{query}");
        }
        for (query, code) in [
            ("?parent_id=nobody", "parent_not_found"),
            ("?after_organization_id=nobody", "organization_not_found"),
            ("?before_organization_id=nobody", "organization_not_found"),
        ] {
            assert_eq!(error(&caller.send(Method::GET, query, None).await), (404, code.into()), "{query}");
        }
    }

    async fn organizations_from_before_get_what_they_are_sorted_and_found_by(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let key = app.api_key(&environment, true).await;
        for name in ["Zeta", "alpha"] {
            app.api(&key, Method::POST, "/v1/organizations", Some(json!({ "displayName": name }))).await;
        }
        caller.create(json!({ "id": "Mid-Id", "name": "Mid" })).await;
        let gone = caller.create(json!({ "name": "gone" })).await;
        caller.send(Method::DELETE, &format!("/{}", gone["id"].as_str().unwrap()), None).await;
        // As a program of before leaves them.
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE organizations SET name_key = '', public_id = ''").execute().await.unwrap();
        tx.commit().await.unwrap();
        let before = caller.send(Method::GET, "/Mid-Id", None).await;
        assert_eq!(caller.names("?search_phrase=zeta").await, Vec::<String>::new());
        assert_eq!(organization_keys::write(&app.state).await.unwrap(), 3);
        assert_eq!(caller.names("?sort=name").await, ["alpha", "Mid", "Zeta"]);
        assert_eq!(caller.names("?search_phrase=zeta").await, ["Zeta"]);
        assert_eq!(caller.names("?search_phrase=Mid-Id").await, ["Mid"]);
        assert_eq!(caller.refused(json!({ "name": "ZETA" })).await, (409, "organization_name_exists".into()));
        let after = caller.send(Method::GET, "/Mid-Id", None).await;
        assert_eq!((after.header("etag"), after.json()), (before.header("etag"), before.json()), "no change of it");
        assert_eq!(organization_keys::write(&app.state).await.unwrap(), 0);
    }

    async fn a_page_has_twenty_unless_said_and_a_hundred_at_most(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let mut tx = app.state.db.write().await.unwrap();
        for number in 0..130 {
            // All of one moment, and names that differ in nothing but their case: the id decides.
            let organization = Organization {
                name: Some(if number % 2 == 0 { "Same".to_owned() } else { "same".to_owned() }),
                description: number.to_string(),
                ..Organization::new(Id::new(app.now(), random()), environment.id, app.now())
            };
            ostiary::store::table::insert(&mut tx, &organization).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(caller.names("").await.len(), 20);
        assert_eq!(caller.names("?limit=100").await.len(), 100);
        assert_eq!(caller.names("?limit=100000").await.len(), 100);
        assert_eq!(error(&caller.send(Method::GET, "?limit=99999999999999999999", None).await), (422, "validation_failed".into()));
        for sort in ["id", "name", "created_at"] {
            for order in ["asc", "desc"] {
                let all = walk(&caller, &format!("?sort={sort}&order={order}&limit=37"), "after").await;
                let mut back = walk(&caller, &format!("?sort={sort}&order={order}&limit=37"), "before").await;
                back.reverse();
                let mut unique = all.clone();
                unique.sort_unstable();
                unique.dedup();
                assert_eq!((all.len(), unique.len()), (130, 130), "{sort} {order}");
                // Backwards, beginning at the last one.
                assert_eq!(back[..], all[..129], "{sort} {order}");
            }
        }
    }
}

/// The ids of all pages, each begun at the end (or the beginning) of the one before.
async fn walk(caller: &Caller<'_>, query: &str, direction: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut at = None;
    if direction == "before" {
        // The last organization of the list is the first of the reversed one.
        let reversed = match query.contains("asc") {
            true => query.replace("asc", "desc"),
            false => query.replace("desc", "asc"),
        };
        let answer = caller.send(Method::GET, &reversed.replace("limit=37", "limit=1"), None).await;
        at = answer.json()["organizations"][0]["id"].as_str().map(str::to_owned);
    }
    loop {
        let cursor = at.as_ref().map(|id| format!("&{direction}_organization_id={id}")).unwrap_or_default();
        let answer = caller.send(Method::GET, &format!("{query}{cursor}"), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        let mut page: Vec<String> = body["organizations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|organization| organization["id"].as_str().unwrap().to_owned())
            .collect();
        if direction == "before" {
            page.reverse();
        }
        match page.last() {
            Some(last) => at = Some(last.clone()),
            None => return ids,
        }
        ids.extend(page);
    }
}
