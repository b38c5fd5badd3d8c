//! The audit log in the console: sentences with old and new values, filters by actor and action, export as
//! JSON lines, of one's own environments only.

use std::time::Duration;

use model::administrator::Role;
use ostiary::app::{
    accounts::Device,
    administrators::sessions,
    organizations::{self, OrganizationChange},
    principal::Principal,
};
use serde_json::Value;

use crate::{
    both,
    support::{Browser, TestApp, administrators::CONSOLE_COOKIE},
};

async fn export(app: &TestApp, browser: &Browser, path: &str) -> Vec<Value> {
    let answer = browser.get(&app.url(path)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert!(answer.header("content-disposition").starts_with("attachment"));
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

both! {
    async fn changes_read_as_sentences_and_are_found(app: TestApp) {
        let environment = app.environment("prod").await;
        let dana = app.account("dana@vendor.example", Role::Admin, Some(&environment)).await;
        let browser = app.signed_in(&dana).await;
        let change = |name: &str, external: &str| OrganizationChange {
            display_name: Some(name.to_owned()), external_id: Some(external.to_owned()), ..OrganizationChange::default()
        };
        let principal = Principal::operator(environment.id);
        let acme = organizations::create(&app.state, &principal, &change("Acme <1>", "a")).await.unwrap();
        app.advance(Duration::from_secs(2));
        // Through the console's own form, so that the administrator made it.
        let edit = format!("/console/{}/organizations/{}/edit", environment.id, acme.id);
        let form = app.page(&browser, &edit).await;
        let saved = app.press(&browser, &form, &edit, &[("displayName", "Acme <2>"), ("externalId", "a")]).await;
        assert_eq!(saved.status, 303, "{}", saved.body);
        app.advance(Duration::from_secs(2));
        let other = organizations::create(&app.state, &principal, &change("Globex", "g")).await.unwrap();

        let log = format!("/console/{}/audit-events", environment.id);
        let page = app.page(&browser, &log).await.body;
        assert!(page.contains("<strong>dana@vendor.example</strong> changed organization Acme &lt;2&gt;"), "{page}");
        assert!(page.contains("<strong>The command line</strong> created organization Globex"), "{page}");
        assert!(page.contains("Acme &lt;1&gt;</span></td>"), "the old value: {page}");
        assert!(page.find("Globex") < page.find("Acme &lt;1&gt;"), "newest first");
        let day = app.now().to_string()[..10].to_owned();
        for (query, changed, created) in [
            ("actorId=dana%40vendor.example".to_owned(), true, false),
            ("actorId=DANA%40vendor.example".to_owned(), true, false),
            (format!("actorId={}", dana.id), true, false),
            ("actorId=nobody%40vendor.example".to_owned(), false, false),
            ("action=organization.created".to_owned(), false, true),
            (format!("organizationId={}", other.id), false, true),
            (format!("targetId={}", acme.id), true, false),
            (format!("since={day}&until={day}"), true, true),
            ("until=2001-01-01".to_owned(), false, false),
            ("since=2999-01-01".to_owned(), false, false),
        ] {
            let page = app.page(&browser, &format!("{log}?{query}")).await.body;
            let shown = (page.contains("changed organization"), page.contains("created organization Globex"));
            assert_eq!(shown, (changed, created), "{query}");
            let lines = export(&app, &browser, &format!("{log}/export?{query}")).await;
            let has = |action: &str, id: &str| lines.iter().any(|line| line["action"] == action && line["target"]["id"] == id);
            let exported = (has("organization.updated", &acme.id.to_string()), has("organization.created", &other.id.to_string()));
            assert_eq!(exported, (changed, created), "{query}");
        }
        for bad in ["since=yesterday", "organizationId=acme", "until=2026-13-01", "page_token=x"] {
            let answer = browser.get(&app.url(&format!("{log}?{bad}"))).await;
            assert_eq!(answer.status, 422, "{bad}");
            assert!(answer.body.contains("This filter finds nothing"), "{}", answer.body);
        }
        let lines = export(&app, &browser, &format!("{log}/export?actorId={}", dana.id)).await;
        let line = lines.iter().find(|line| line["action"] == "organization.updated").unwrap();
        assert_eq!(line["before"]["displayName"], "Acme <1>");
        assert_eq!(line["actor"]["id"], dana.id.to_string());
        assert_eq!(line["address"], "127.0.0.1");
    }

    async fn an_export_has_everything_once_however_much_it_is(app: TestApp) {
        let environment = app.environment("prod").await;
        let principal = Principal::operator(environment.id);
        for number in 0..450 {
            let change = OrganizationChange { display_name: Some(format!("N{number}")), ..OrganizationChange::default() };
            organizations::create(&app.state, &principal, &change).await.unwrap();
            app.advance(Duration::from_millis(1));
        }
        let viewer = app.administrator(Role::Viewer, Some(&environment)).await;
        let lines = export(&app, &viewer, &format!("/console/{}/audit-events/export", environment.id)).await;
        let names: Vec<&str> = lines.iter().map(|line| line["after"]["displayName"].as_str().unwrap()).collect();
        let expected: Vec<String> = (0..450).rev().map(|number| format!("N{number}")).collect();
        assert_eq!(names, expected);
    }

    async fn each_log_is_for_those_who_may_see_it(app: TestApp) {
        let (own, other) = (app.environment("prod").await, app.environment("staging").await);
        let change = OrganizationChange { display_name: Some("Secret customer".to_owned()), ..OrganizationChange::default() };
        organizations::create(&app.state, &Principal::operator(other.id), &change).await.unwrap();
        let owner = app.administrator(Role::Owner, Some(&own)).await;
        let boss = app.administrator(Role::Owner, None).await;
        let log = |environment: &str| format!("/console/{environment}/audit-events");
        let (own, other) = (own.id.to_string(), other.id.to_string());
        let mine = app.page(&owner, &log(&own)).await.body;
        assert!(!mine.contains("Secret customer") && !mine.contains("href=\"/console/audit-events\""), "{mine}");
        for path in [log(&other), format!("{}/export", log(&other))] {
            assert_eq!(owner.get(&app.url(&path)).await.status, 404, "{path}");
        }
        assert_eq!(export(&app, &owner, &format!("{}/export", log(&own))).await, Vec::<Value>::new());
        for path in ["/console/audit-events", "/console/audit-events/export"] {
            assert_eq!(owner.get(&app.url(path)).await.status, 403, "{path}");
        }

        // Entries of the whole installation are in a log of their own.
        let leaving = app.account("eve@vendor.example", Role::Viewer, None).await;
        let browser = app.signed_in(&leaving).await;
        let (token, device) = (browser.cookie(&app.base, CONSOLE_COOKIE).unwrap(), Device::default());
        let leaving = sessions::find(&app.state, &token, &device).await.unwrap().expect("a session");
        sessions::sign_out(&app.state, &leaving, &device).await.unwrap();
        assert!(app.page(&boss, &log(&own)).await.body.contains("href=\"/console/audit-events\""));
        let log = app.page(&boss, "/console/audit-events").await.body;
        assert!(log.contains("<strong>eve@vendor.example</strong> signed out"), "{log}");
        let lines = export(&app, &boss, "/console/audit-events/export").await;
        assert!(lines.iter().any(|line| line["action"] == "administrator.signed_out"), "{lines:?}");
        assert!(lines.iter().all(|line| line["environmentId"].is_null()), "{lines:?}");
    }
}
