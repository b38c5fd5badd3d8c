//! Leases of webhooks and metadata: another replica goes on soon after one was killed, and at once after one that stopped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use base::id::WebhookId;
use model::event::EventKind;
use ostiary::{
    app::{directories::ScimDirectoryView, lease},
    store,
};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    both,
    support::{TestApp, eventually},
};

/// Longer than the time between two looks for due work.
const LOOK: Duration = Duration::from_millis(1200);

/// An endpoint that accepts connections and never answers. Returns its address, and how many were made.
async fn silent_endpoint() -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (url, count)
}

async fn reach(count: &AtomicU32, wanted: u32) {
    eventually("a connection to the endpoint", async || {
        (count.load(Ordering::SeqCst) >= wanted).then_some(())
    })
    .await;
}

/// A server that may send to this machine, with a webhook to `url` and a directory for events.
async fn with_webhook(app: &TestApp, url: &str) -> (TestApp, WebhookId, ScimDirectoryView) {
    let app = app.replica_with(|config| config.outgoing_allow_private_targets = true).await;
    let environment = app.environment("prod").await;
    let key = app.api_key(&environment, true).await;
    let made = app.api(&key, Method::POST, "/v1/webhooks", Some(json!({ "url": url }))).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let id = made.json()["webhook"]["id"].as_str().unwrap().parse().unwrap();
    let directory = app.directory(&app.tenant(&environment, "acme.example").await).await;
    (app, id, directory)
}

both! {
    async fn deliveries_go_on_when_the_lease_of_a_killed_replica_has_ended(app: TestApp) {
        // The server that the test begins with must not be the one that delivers.
        assert!(app.state.background_tasks.stop(Duration::from_secs(20)).await);
        let (url, count) = silent_endpoint().await;
        let (app, id, directory) = with_webhook(&app, &url).await;
        let mut tx = app.state.db.write().await.unwrap();
        let until = app.now() + lease::DURATION;
        assert!(store::webhooks::claim(&mut tx, id, app.now(), until).await.unwrap());
        tx.commit().await.unwrap();
        app.record_event(&directory, EventKind::UserCreated, json!({})).await;
        app.advance(lease::DURATION - Duration::from_millis(1));
        tokio::time::sleep(LOOK).await;
        assert_eq!(count.load(Ordering::SeqCst), 0);
        app.advance(Duration::from_millis(1));
        reach(&count, 1).await;
    }

    async fn deliveries_go_on_at_once_on_another_replica_when_one_stops(app: TestApp) {
        assert!(app.state.background_tasks.stop(Duration::from_secs(20)).await);
        let (url, count) = silent_endpoint().await;
        let (stops, _, directory) = with_webhook(&app, &url).await;
        stops.record_event(&directory, EventKind::UserCreated, json!({})).await;
        reach(&count, 1).await;
        let _other = app.replica_with(|config| config.outgoing_allow_private_targets = true).await;
        tokio::time::sleep(LOOK).await;
        assert_eq!(count.load(Ordering::SeqCst), 1, "one replica at a time");
        stops.stop().await;
        reach(&count, 2).await;
    }

    async fn a_replica_that_lost_a_webhook_neither_keeps_nor_releases_it(app: TestApp) {
        assert!(app.state.background_tasks.stop(Duration::from_secs(20)).await);
        let (_, id, _) = with_webhook(&app, "http://127.0.0.1:9/").await;
        let (now, held) = (app.now(), app.now() + lease::DURATION);
        let mut tx = app.state.db.write().await.unwrap();
        assert!(store::webhooks::claim(&mut tx, id, now, held).await.unwrap());
        let renewed = held + Duration::from_secs(5);
        assert!(store::webhooks::extend_claim(&mut tx, id, held, renewed).await.unwrap());
        assert!(!store::webhooks::claim(&mut tx, id, held, renewed).await.unwrap());
        let others = renewed + lease::DURATION;
        assert!(store::webhooks::claim(&mut tx, id, renewed, others).await.unwrap());
        assert!(!store::webhooks::extend_claim(&mut tx, id, renewed, others).await.unwrap());
        store::webhooks::release(&mut tx, id, renewed, now, 0).await.unwrap();
        assert!(!store::webhooks::claim(&mut tx, id, renewed, others).await.unwrap());
        store::webhooks::release(&mut tx, id, others, now, 0).await.unwrap();
        assert!(store::webhooks::claim(&mut tx, id, now, others).await.unwrap());
    }

    async fn a_refresh_of_metadata_is_due_again_when_the_lease_of_a_killed_replica_has_ended(app: TestApp) {
        assert!(app.state.background_tasks.stop(Duration::from_secs(20)).await);
        let environment = app.environment("prod").await;
        let connection = app.tenant(&environment, "acme.example").await.connection;
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE saml_connections SET metadata_next_refresh_at = 1").execute().await.unwrap();
        let (seen, now) = (base::time::Timestamp::from_millis(1), app.now());
        let until = now + lease::DURATION;
        assert!(store::metadata_refreshes::claim(&mut tx, connection.id, Some(seen), until).await.unwrap());
        assert!(!store::metadata_refreshes::claim(&mut tx, connection.id, Some(seen), until).await.unwrap());
        let due = store::metadata_refreshes::list_due(&mut tx, until - Duration::from_millis(1), 10).await.unwrap();
        assert!(due.is_empty());
        assert_eq!(store::metadata_refreshes::list_due(&mut tx, until, 10).await.unwrap().len(), 1);
    }
}
