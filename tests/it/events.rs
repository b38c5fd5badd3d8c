//! The events feed: ordered, gap-free, resumable.

use std::time::Duration;

use model::{administrator::Role, event::EventKind};
use ostiary::{
    app::events::{self, NewEvent},
    store,
};
use reqwest::Method;
use serde_json::{Value, json};
use strum::VariantArray;

use crate::{
    both,
    support::{Answer, TestApp},
};

async fn feed(app: &TestApp, key: &str, query: &str) -> Answer {
    app.api(key, Method::GET, &format!("/v1/events?{query}"), None).await
}

fn sequences(feed: &Value) -> Vec<u64> {
    feed["events"].as_array().unwrap().iter().map(|event| event["sequence"].as_u64().unwrap()).collect()
}

both! {
    async fn events_are_read_in_order_and_from_where_one_left_off(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.directory(&tenant).await;
        assert_eq!(feed(&app, &key, "").await.json(), json!({ "events": [], "nextAfter": 0, "hasMore": false }));
        for kind in EventKind::VARIANTS.iter().copied().take(9) {
            app.record_event(&directory, kind, json!({ "after": { "userName": "a" } })).await;
        }
        let all = feed(&app, &key, "after=0").await.json();
        assert_eq!(sequences(&all), (1..=9).collect::<Vec<_>>());
        assert_eq!(all["events"][0], json!({
            "type": "scim_user.created", "timestamp": app.now(), "sequence": 1, "environmentId": environment.id,
            "organizationId": tenant.organization.id, "scimDirectoryId": directory.directory.id,
            "resourceId": "scim_user_12vqjrnxk9xeov6o4f05pan0g", "data": { "after": { "userName": "a" } },
        }));

        let (mut after, mut seen, mut pages) = (0, Vec::new(), 0);
        loop {
            let page = feed(&app, &key, &format!("after={after}&pageSize=4")).await.json();
            seen.extend(sequences(&page));
            after = page["nextAfter"].as_u64().unwrap();
            pages += 1;
            if page["hasMore"] == false {
                break;
            }
        }
        assert_eq!((seen, pages, after), ((1..=9).collect(), 3, 9));

        let some = feed(&app, &key, "types=scim_user.deleted,scim_group.membership_changed").await.json();
        assert_eq!((sequences(&some), &some["nextAfter"]), (vec![5, 9], &json!(9)));
        let one = feed(&app, &key, "types=scim_user.created&pageSize=1").await.json();
        assert_eq!((sequences(&one), &one["nextAfter"], &one["hasMore"]), (vec![1], &json!(9), &json!(false)));
        for bad in ["after=x", "after=-1", "after=10", "pageSize=0", "pageSize=1001", "types=scim_user.exploded"] {
            assert_eq!(feed(&app, &key, bad).await.status, 400, "{bad}");
        }

        // Another environment has events of its own, and a plain key reads none.
        let staging = app.environment("staging").await;
        let foreign = app.api_key(&staging, true).await;
        assert_eq!(feed(&app, &foreign, "").await.json()["events"], json!([]));
        let plain = app.api_key(&environment, false).await;
        assert_eq!(feed(&app, &plain, "").await.status, 401);
    }

    async fn types_that_a_newer_version_records_are_shown_by_their_names(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.directory(&tenant).await;
        for &kind in EventKind::VARIANTS {
            app.record_event(&directory, kind, json!({})).await;
        }
        let body = json!({ "url": "https://hooks.app.example/x", "eventTypes": ["scim_user.created"] });
        let hook = app.api(&key, Method::POST, "/v1/webhooks", Some(body)).await.json();
        let mut tx = app.state.db.write().await.unwrap();
        for newer in [
            "UPDATE events SET type = 'invitation.accepted' WHERE sequence = 2",
            "UPDATE webhooks SET event_types = '[\"scim_user.created\",\"invitation.accepted\"]'",
        ] {
            tx.sql(newer).execute().await.unwrap();
        }
        tx.commit().await.unwrap();

        let all = feed(&app, &key, "").await.json();
        assert_eq!(sequences(&all).len(), EventKind::VARIANTS.len());
        assert_eq!(all["events"][1]["type"], "invitation.accepted");
        let every = EventKind::VARIANTS.iter().map(<&str>::from).collect::<Vec<_>>().join(",");
        let known = feed(&app, &key, &format!("types={every}")).await.json();
        assert_eq!(sequences(&known).len(), EventKind::VARIANTS.len() - 1, "a filter may name every type");
        let console = app.console(Role::Admin, &environment).await;
        assert!(console.page("/events").await.body.contains("invitation.accepted"));

        // Who changes the webhook keeps what they do not know, and does not add it.
        let path = format!("/v1/webhooks/{}", hook["webhook"]["id"].as_str().unwrap());
        let read = app.api(&key, Method::GET, &path, None).await.json();
        assert_eq!(read["webhook"]["eventTypes"], json!(["scim_user.created", "invitation.accepted"]));
        let types = json!({ "eventTypes": ["invitation.accepted", "scim_user.deleted"] });
        let changed = app.api(&key, Method::PATCH, &path, Some(types)).await.json();
        assert_eq!(changed["webhook"]["eventTypes"], json!(["scim_user.deleted", "invitation.accepted"]));
        let form = console.page(&format!("/webhooks/{}/edit", hook["webhook"]["id"].as_str().unwrap())).await;
        assert!(form.body.contains("value=\"invitation.accepted\" checked"), "{}", form.body);
        for strange in [json!(["invitation.refused"]), json!(["scim_user.created", "invitation.accepted"])] {
            let body = json!({ "url": "https://hooks.app.example/y", "eventTypes": strange });
            assert_eq!(app.api(&key, Method::POST, "/v1/webhooks", Some(body)).await.status, 400);
        }
    }

    async fn many_writers_leave_no_gap_and_no_rolled_back_number(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.directory(&tenant).await.directory;
        let writers: Vec<_> = (0..8).map(|writer| {
            let (state, directory) = (app.state.clone(), directory.clone());
            tokio::spawn(async move {
                for turn in 0..10 {
                    let mut tx = state.db.write().await.unwrap();
                    let event = NewEvent {
                        environment: &directory.environment_id, organization: &directory.organization_id,
                        directory: Some(&directory.id), kind: EventKind::UserUpdated, resource: format!("{writer}/{turn}"),
                        data: json!({}),
                    };
                    events::record(&mut tx, state.now(), event).await.unwrap();
                    // Every third transaction rolls back.
                    if turn % 3 == 0 { drop(tx) } else { tx.commit().await.unwrap() }
                }
            })
        }).collect();
        // A concurrent reader sees no number before an earlier one.
        let (mut after, mut seen) = (0, Vec::new());
        let mut follow = async |seen: &mut Vec<u64>| {
            let mut conn = app.state.db.read().await.unwrap();
            let last = store::events::last_sequence(&mut conn, environment.id).await.unwrap();
            let events = store::events::list(&mut conn, environment.id, after, last, &[], 1000).await.unwrap();
            seen.extend(events.iter().map(|event| event.sequence));
            after = last;
        };
        while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
            follow(&mut seen).await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        follow(&mut seen).await;
        assert_eq!(seen, (1..=48).collect::<Vec<_>>());
    }

    async fn who_was_away_too_long_is_told(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.directory(&tenant).await;
        let old = app.now() - Duration::from_secs(91 * 24 * 3600);
        for _ in 0..3 {
            app.record_event_at(&directory, EventKind::UserUpdated, json!({}), old).await;
        }
        app.record_event(&directory, EventKind::UserUpdated, json!({})).await;
        let mut tx = app.state.db.write().await.unwrap();
        assert_eq!(store::events::remove_old(&mut tx, app.now() - Duration::from_secs(90 * 24 * 3600)).await.unwrap(), 3);
        tx.commit().await.unwrap();
        let told = feed(&app, &key, "after=1").await;
        assert_eq!(told.status, 400);
        assert!(told.json()["message"].as_str().unwrap().starts_with("events 2 to 3 are no longer kept"), "{}", told.body);
        assert_eq!(sequences(&feed(&app, &key, "after=3").await.json()), [4]);
        assert_eq!(sequences(&feed(&app, &key, "").await.json()), [4], "from the beginning is from what there is");
        assert_eq!(app.record_event(&directory, EventKind::UserUpdated, json!({})).await, 5);
    }
}
