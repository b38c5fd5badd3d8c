//! Organizations through the management API.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    domain::{Domain, DomainState},
    organization::Organization,
};
use ostiary::store::table;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, TestApp},
};

const ROUTE: &str = "/v1/organizations";

async fn key(app: &TestApp) -> String {
    let environment = app.environment("prod").await;
    app.api_key(&environment, true).await
}

/// Creates an organization. Returns it as answered.
async fn create(app: &TestApp, key: &str, body: Value) -> Value {
    let answer = app.api(key, Method::POST, ROUTE, Some(body)).await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    answer.json()["organization"].clone()
}

async fn patch(app: &TestApp, key: &str, organization: &Value, body: Value) -> Answer {
    let url = format!("{ROUTE}/{}", organization["id"].as_str().unwrap());
    app.api(key, Method::PATCH, &url, Some(body)).await
}

async fn patched(app: &TestApp, key: &str, organization: &Value, body: Value) -> Value {
    let answer = patch(app, key, organization, body).await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    answer.json()["organization"].clone()
}

fn refused(answer: &Answer) -> String {
    assert_eq!(answer.status, 400, "{answer:#?}");
    assert_eq!(answer.json()["code"], 3, "{answer:#?}");
    answer.json()["message"].as_str().unwrap().to_owned()
}

/// Every page of a list, by its tokens: the ids of each.
async fn pages(app: &TestApp, key: &str, query: &str) -> Vec<Vec<String>> {
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let answer = app.api(key, Method::GET, &format!("{ROUTE}?pageToken={token}{query}"), None).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        let page = answer.json();
        let items = page["organizations"].as_array().unwrap();
        pages.push(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect());
        token = page["nextPageToken"].as_str().unwrap().to_owned();
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{token}");
        if token.is_empty() {
            return pages;
        }
        assert!(pages.len() < 50, "the list never ends");
    }
}

both! {
    async fn one_is_made_read_changed_and_taken_away(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let made = create(&app, &key, json!({
            "displayName": "Acme", "externalId": "acme", "domains": ["B.example", "a.example", "bücher.example"],
            "id": "org_0000000000000000000000000", "environmentId": "env_0000000000000000000000000",
        })).await;
        assert_eq!(made, json!({
            "id": made["id"], "environmentId": environment.id, "displayName": "Acme", "externalId": "acme", "disabled": false,
            "domains": ["a.example", "b.example", "xn--bcher-kva.example"],
        }));
        assert_ne!(made["id"], "org_0000000000000000000000000");
        let url = format!("{ROUTE}/{}", made["id"].as_str().unwrap());
        assert_eq!(app.api(&key, Method::GET, &url, None).await.json(), json!({ "organization": made }));
        let listed = app.api(&key, Method::GET, ROUTE, None).await.json();
        assert_eq!(listed, json!({ "organizations": [made], "nextPageToken": "" }));

        let removed = app.api(&key, Method::DELETE, &url, None).await;
        assert_eq!((removed.status.as_u16(), removed.body.as_str()), (200, "{}"));
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(app.api(&key, method, &url, None).await.status, 404);
        }
        let answer = app.api(&key, Method::PATCH, &url, Some(json!({ "displayName": "x" }))).await;
        assert_eq!(answer.json()["message"], format!("organization not found: {}", made["id"].as_str().unwrap()));
    }

    async fn an_empty_object_makes_an_empty_organization(app: TestApp) {
        let key = key(&app).await;
        let made = create(&app, &key, json!({})).await;
        assert_eq!((&made["displayName"], &made["externalId"], &made["domains"]), (&json!(""), &json!(""), &json!([])));
        let second = create(&app, &key, json!({ "externalId": "" })).await;
        assert_ne!(made["id"], second["id"], "an empty external id is none, and none is not taken");
    }

    async fn a_change_leaves_what_it_does_not_name(app: TestApp) {
        let key = key(&app).await;
        let made = create(&app, &key, json!({ "displayName": "Acme", "externalId": "acme", "domains": ["a.example"] })).await;
        let expect = |name: &str, external: &str, domains: &[&str]| json!({
            "id": made["id"], "environmentId": made["environmentId"], "displayName": name, "externalId": external, "disabled": false, "domains": domains,
        });
        assert_eq!(patched(&app, &key, &made, json!({})).await, made);
        assert_eq!(patched(&app, &key, &made, json!({ "display_name": "Acme 2" })).await, expect("Acme 2", "acme", &["a.example"]));
        assert_eq!(patched(&app, &key, &made, json!({ "externalId": "acme-2" })).await, expect("Acme 2", "acme-2", &["a.example"]));
        assert_eq!(
            patched(&app, &key, &made, json!({ "domains": ["c.example", "b.example"], "id": "org_1", "environmentId": "x" })).await,
            expect("Acme 2", "acme-2", &["b.example", "c.example"])
        );
        // Present and zero clears, however zero is written.
        assert_eq!(patched(&app, &key, &made, json!({ "displayName": "" })).await, expect("", "acme-2", &["b.example", "c.example"]));
        assert_eq!(patched(&app, &key, &made, json!({ "domains": null })).await, expect("", "acme-2", &[]));
        assert_eq!(patched(&app, &key, &made, json!({ "external_id": null })).await, expect("", "", &[]));
    }

    async fn what_cannot_be_stored_is_refused_by_its_name(app: TestApp) {
        let key = key(&app).await;
        let made = create(&app, &key, json!({ "externalId": "acme" })).await;
        let long = "x".repeat(501);
        for (body, message) in [
            (json!({ "displayName": 1 }), "bad displayName: must be a string"),
            (json!({ "displayName": long }), "bad displayName: must be at most 500 characters long"),
            (json!({ "displayName": "a\nb" }), "bad displayName: must not contain control characters"),
            (json!({ "displayName": "a\u{0}b" }), "bad displayName: must not contain NUL"),
            (json!({ "externalId": ["x"] }), "bad externalId: must be a string"),
            (json!({ "externalId": long }), "bad externalId: must be at most 500 characters long"),
            (json!({ "externalId": "\u{0}" }), "bad externalId: must not contain NUL"),
            (json!({ "domains": "a.example" }), "bad domains: must be a list of strings"),
            (json!({ "domains": [1] }), "bad domains: must be a string"),
            (json!({ "domains": [""] }), "bad domains: \"\" is not a domain name such as example.com"),
            (json!({ "domains": ["a.example", "x@a.example"] }), "bad domains: \"x@a.example\" is not a domain name such as example.com"),
            (json!({ "domains": ["co.uk"] }), "bad domains: \"co.uk\" is a public suffix, under which anybody can register names"),
            (json!({ "domains": ["com"], "allowFreeMail": true }), "bad domains: \"com\" is not a domain name such as example.com"),
            (json!({ "domains": ["a.example"], "allowFreeMail": "yes" }), "bad allowFreeMail: must be true or false"),
            (
                json!({ "domains": ["Gmail.com"] }),
                "bad domains: \"Gmail.com\" is a free-mail provider, where anybody can get an address; pass allowFreeMail to take it all the same",
            ),
        ] {
            for answer in [
                app.api(&key, Method::POST, ROUTE, Some(body.clone())).await,
                patch(&app, &key, &made, body.clone()).await,
            ] {
                assert_eq!(refused(&answer), message, "{body}");
            }
        }
        let many: Vec<String> = (0..1001).map(|n| format!("d{n}.example")).collect();
        assert_eq!(refused(&patch(&app, &key, &made, json!({ "domains": many })).await), "bad domains: must be at most 1000");
        let listed = app.api(&key, Method::GET, ROUTE, None).await.json();
        assert_eq!(listed["organizations"], json!([made]), "nothing of it was stored");
        let strange = "日本 <b>\"'; DROP TABLE organizations; --";
        assert_eq!(create(&app, &key, json!({ "displayName": strange })).await["displayName"], strange);
    }

    async fn a_free_mail_domain_is_taken_when_the_vendor_means_it(app: TestApp) {
        let key = key(&app).await;
        let made = create(&app, &key, json!({ "domains": ["gmail.com"], "allowFreeMail": true })).await;
        assert_eq!(made["domains"], json!(["gmail.com"]));
        // The list with one more domain needs no new confirmation.
        let changed = patched(&app, &key, &made, json!({ "domains": ["gmail.com", "a.example"] })).await;
        assert_eq!(changed["domains"], json!(["a.example", "gmail.com"]));
    }

    async fn what_waits_for_proof_is_neither_shown_nor_lost(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let state = |text: &str, state| (Domain::parse(text).unwrap(), state);
        let mut stored: Organization = app.tenant(&environment, "acme.example").await.organization;
        stored.domains = BTreeMap::from([
            state("proved.example", DomainState::Verified),
            state("set.example", DomainState::Whitelisted),
            state("waiting.example", DomainState::Pending),
        ]);
        app.store_organization(&stored).await;
        let url = format!("{ROUTE}/{}", stored.id);
        let shown = app.api(&key, Method::GET, &url, None).await.json()["organization"].clone();
        assert_eq!(shown["domains"], json!(["proved.example", "set.example"]));
        patched(&app, &key, &shown, json!({ "domains": ["proved.example", "new.example"] })).await;
        let mut conn = app.state.db.read().await.unwrap();
        let now = table::find::<Organization>(&mut conn, environment.id, stored.id).await.unwrap().unwrap();
        assert_eq!(now.domains, BTreeMap::from([
            state("new.example", DomainState::Whitelisted),
            state("proved.example", DomainState::Verified),
            state("waiting.example", DomainState::Pending),
        ]));
    }

    async fn an_external_id_is_taken_once_in_an_environment(app: TestApp) {
        let (first, second) = (app.environment("prod").await, app.environment("staging").await);
        let (key, other) = (app.api_key(&first, true).await, app.api_key(&second, true).await);
        let made = create(&app, &key, json!({ "externalId": "acme" })).await;
        let third = create(&app, &key, json!({ "externalId": "beta" })).await;
        let taken = "bad externalId: another organization already has this externalId";
        assert_eq!(refused(&app.api(&key, Method::POST, ROUTE, Some(json!({ "externalId": "acme" }))).await), taken);
        assert_eq!(refused(&patch(&app, &key, &third, json!({ "externalId": "acme", "displayName": "x" })).await), taken);
        assert_eq!(patched(&app, &key, &third, json!({})).await, third, "nothing of it was stored");
        patched(&app, &key, &made, json!({ "externalId": "acme" })).await;
        create(&app, &key, json!({ "externalId": "ACME" })).await;
        create(&app, &other, json!({ "externalId": "acme" })).await;
        patched(&app, &key, &made, json!({ "externalId": "" })).await;
        create(&app, &key, json!({ "externalId": "acme" })).await;
    }

    async fn of_sixteen_that_want_one_external_id_one_gets_it(app: TestApp) {
        let key = key(&app).await;
        let app = std::rc::Rc::new(app);
        let tries: Vec<_> = (0..16).map(|_| {
            let (app, key) = (app.clone(), key.clone());
            actix_web::rt::spawn(async move {
                app.api(&key, Method::POST, ROUTE, Some(json!({ "externalId": "acme", "domains": ["a.example"] }))).await
            })
        }).collect();
        let mut won = 0;
        for attempt in tries {
            let answer = attempt.await.unwrap();
            match answer.status.as_u16() {
                200 => won += 1,
                _ => assert!(refused(&answer).starts_with("bad externalId: another organization")),
            }
        }
        assert_eq!(won, 1);
        assert_eq!(pages(&app, &key, "").await[0].len(), 1);
    }

    async fn changes_of_different_fields_at_once_are_all_kept(app: TestApp) {
        let key = key(&app).await;
        let made = create(&app, &key, json!({})).await;
        let app = std::rc::Rc::new(app);
        let tries: Vec<_> = (0..15).map(|n| {
            let (app, key, made) = (app.clone(), key.clone(), made.clone());
            actix_web::rt::spawn(async move {
                let body = match n % 3 {
                    0 => json!({ "displayName": "Acme" }),
                    1 => json!({ "externalId": "acme" }),
                    _ => json!({ "domains": ["a.example"] }),
                };
                assert_eq!(patch(&app, &key, &made, body).await.status, 200);
            })
        }).collect();
        for attempt in tries {
            attempt.await.unwrap();
        }
        let now = patched(&app, &key, &made, json!({})).await;
        assert_eq!((&now["displayName"], &now["externalId"], &now["domains"]), (&json!("Acme"), &json!("acme"), &json!(["a.example"])));
    }

    async fn a_list_is_read_page_by_page_in_the_order_of_making(app: TestApp) {
        let key = key(&app).await;
        assert_eq!(pages(&app, &key, "").await, [Vec::<String>::new()]);
        let mut ids = Vec::new();
        for _ in 0..25 {
            app.advance(std::time::Duration::from_millis(1));
            ids.push(create(&app, &key, json!({})).await["id"].as_str().unwrap().to_owned());
        }
        let chunks = |size: usize| ids.chunks(size).map(<[String]>::to_vec).collect::<Vec<_>>();
        assert_eq!(pages(&app, &key, "").await, chunks(10));
        assert_eq!(pages(&app, &key, "&pageSize=25").await, chunks(25));
        assert_eq!(pages(&app, &key, "&page_size=7").await, chunks(7));
        assert_eq!(pages(&app, &key, "&pageSize=100").await, chunks(25));
        assert_eq!(pages(&app, &key, "&pageSize=&unknown=1").await, chunks(10));

        // The resource that a token names may be deleted meanwhile.
        let first = app.api(&key, Method::GET, ROUTE, None).await.json();
        let token = first["nextPageToken"].as_str().unwrap();
        app.api(&key, Method::DELETE, &format!("{ROUTE}/{}", ids[10]), None).await;
        let second = app.api(&key, Method::GET, &format!("{ROUTE}?page_token={token}"), None).await.json();
        assert_eq!(second["organizations"][0]["id"], ids[11]);
        for size in ["0", "-1", "101", "x", "1.5", "99999999999999999999"] {
            let answer = app.api(&key, Method::GET, &format!("{ROUTE}?pageSize={size}"), None).await;
            assert_eq!(refused(&answer), "bad page_size: must be a number from 1 to 100");
        }
    }

    async fn a_page_token_is_good_for_its_own_list_only(app: TestApp) {
        let (first, second) = (app.environment("prod").await, app.environment("staging").await);
        let (key, other) = (app.api_key(&first, true).await, app.api_key(&second, true).await);
        for key in [&key, &other] {
            for _ in 0..3 {
                create(&app, key, json!({})).await;
            }
        }
        let organization = pages(&app, &key, "").await[0][0].clone();
        let page = app.api(&key, Method::GET, &format!("{ROUTE}?pageSize=1"), None).await.json();
        let token = page["nextPageToken"].as_str().unwrap().to_owned();
        let flipped: String = token.chars().rev().collect();
        let bad: BTreeSet<String> = ["x", "AAAA", "%00", "%ff", "org_0000000000000000000000000", &token[1..], &format!("{token}A"), &"A".repeat(64), &"A".repeat(5000), &flipped]
            .into_iter().map(str::to_owned).collect();
        let expect = json!({
            "code": 3, "message": "",
            "details": [{
                "@type": "type.googleapis.com/google.rpc.BadRequest.FieldViolation",
                "field": "page_token", "description": "invalid pagination token",
            }],
        });
        for token in &bad {
            let answer = app.api(&key, Method::GET, &format!("{ROUTE}?pageToken={token}"), None).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (400, expect.clone()), "{token}");
        }
        let answer = app.api(&other, Method::GET, &format!("{ROUTE}?pageToken={token}"), None).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (400, expect.clone()), "another environment");
        let url = format!("/v1/saml-connections?organizationId={organization}&pageToken={token}");
        let answer = app.api(&key, Method::GET, &url, None).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (400, expect), "another list");
        assert_eq!(app.api(&key, Method::GET, &format!("{ROUTE}?pageToken={token}"), None).await.status, 200);
    }
}
