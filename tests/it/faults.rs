//! The database fails, and comes back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use base::time::{Clock as _, ManualClock, SystemClock};
use ostiary::store::{Db, Dialect};

use crate::{
    both,
    support::{Backend, Browser, TestApp, TestDatabase, proxy::Proxy},
};

fn block_on<F: Future<Output = ()>>(scenario: F) {
    actix_web::rt::System::new().block_on(scenario);
}

/// A server that reaches PostgreSQL through a proxy.
async fn behind_a_proxy() -> (TestApp, Proxy) {
    let database = TestDatabase::new(Backend::Postgres).await;
    let proxy = Proxy::before(&database.socket_folder());
    let url = database.url_through(proxy.folder());
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let app = TestApp::spawn_on(Arc::new(database), Backend::Postgres, clock, |config| {
        config.database_url = url.parse().unwrap();
    })
    .await;
    (app, proxy)
}

/// The status of a request that reads and writes.
async fn status(browser: &Browser, app: &TestApp, key: &str) -> u16 {
    let request = browser.request(reqwest::Method::POST, &app.url("/v1/organizations")).bearer_auth(key);
    browser.send(request.json(&serde_json::json!({ "displayName": "x" }))).await.status.as_u16()
}

async fn readiness(app: &TestApp) -> u16 {
    app.browser().get(&app.url("/readyz")).await.status.as_u16()
}

/// Asks again and again: an answer holds for a second.
async fn until_readiness_is(app: &TestApp, wanted: u16) {
    let begun = Instant::now();
    while readiness(app).await != wanted {
        assert!(begun.elapsed() < Duration::from_secs(30), "readiness is never {wanted}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn connections_that_were_cut_cost_no_request() {
    block_on(async {
        let (app, proxy) = behind_a_proxy().await;
        let key = app.api_key(&app.environment("prod").await, true).await;
        let browser = app.browser();
        for _ in 0..5 {
            assert_eq!(status(&browser, &app, &key).await, 200);
            proxy.cut();
        }
        assert_eq!(readiness(&app).await, 200);
        app.stop().await;
    });
}

#[test]
fn a_network_that_swallowed_everything_is_forgotten_within_seconds() {
    block_on(async {
        let (app, proxy) = behind_a_proxy().await;
        let key = app.api_key(&app.environment("prod").await, true).await;
        let browsers: Vec<Browser> = (0..8).map(|_| app.browser()).collect();
        let all = || async {
            let statuses = browsers.iter().map(|browser| status(browser, &app, &key));
            futures_util::future::join_all(statuses).await
        };
        assert!(all().await.iter().all(|status| *status == 200));
        let begun = Instant::now();
        proxy.silence();
        let during = all().await;
        assert!(during.iter().all(|status| matches!(status, 200 | 503)), "{during:?}");
        let after = all().await;
        assert!(after.iter().all(|status| *status == 200), "{after:?}");
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "minutes pass where the system's own patience counts"
        );
        assert_eq!(readiness(&app).await, 200);
        app.stop().await;
    });
}

#[test]
fn a_database_that_cannot_be_written_is_told_and_used_again_when_it_can() {
    block_on(async {
        let app = TestApp::spawn(Backend::Postgres).await;
        let key = app.api_key(&app.environment("prod").await, true).await;
        let browser = app.browser();
        assert_eq!((status(&browser, &app, &key).await, readiness(&app).await), (200, 200));
        app.database.read_only(true);
        // The sessions that are open stay as they are; new ones cannot write.
        app.database.end_sessions();
        assert_eq!(status(&browser, &app, &key).await, 503);
        until_readiness_is(&app, 503).await;
        app.database.read_only(false);
        until_readiness_is(&app, 200).await;
        assert_eq!(status(&browser, &app, &key).await, 200);
        app.stop().await;
    });
}

both! {
    async fn a_write_that_waits_too_long_for_a_lock_is_told_to_come_again(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let browser = app.browser();
        // Another process holds the lock: of SQLite's writer, or of the row.
        let other = Db::connect(&app.database.url, 1).await.unwrap();
        let mut held = other.write().await.unwrap();
        held.sql("UPDATE environments SET updated_at = updated_at").execute().await.unwrap();
        let path = format!("/v1/environments/{}", environment.id);
        let change = || browser.request(reqwest::Method::PATCH, &app.url(&path)).bearer_auth(&key)
            .json(&serde_json::json!({ "displayName": "Changed" }));
        let waited = browser.send(change()).await;
        assert_eq!(waited.status, 503, "{}", waited.body);
        assert!(waited.headers.contains_key("retry-after"));
        held.commit().await.unwrap();
        assert_eq!(browser.send(change()).await.status, 200);
    }

    async fn a_transaction_that_fails_half_way_leaves_the_writer_as_it_was(app: TestApp) {
        let db = &app.state.db;
        for _ in 0..3 {
            let mut tx = db.write().await.unwrap();
            tx.sql("INSERT INTO settings (name, value) VALUES ('x', 'y')").execute().await.unwrap();
            if db.dialect() == Dialect::Sqlite {
                // No room: the pages that the database has are all that it gets.
                let (pages,): (i64,) = tx.sql("PRAGMA page_count").one().await.unwrap();
                let limit: &'static str = format!("PRAGMA max_page_count = {pages}").leak();
                let _: Option<(i64,)> = tx.sql(limit).optional().await.unwrap();
            }
            let text = "z".repeat(200_000);
            let wrong = match db.dialect() {
                Dialect::Sqlite => "INSERT INTO settings (name, value) VALUES ('full', $1)",
                Dialect::Postgres => "INSERT INTO settings (name, value) VALUES ('x', $1)",
            };
            assert!(tx.sql(wrong).bind(text).execute().await.is_err());
            drop(tx);
            let mut tx = db.write().await.unwrap();
            let _: Option<(i64,)> = match db.dialect() {
                Dialect::Sqlite => tx.sql("PRAGMA max_page_count = 1000000").optional().await.unwrap(),
                Dialect::Postgres => None,
            };
            let kept: Option<(String,)> = tx.sql("SELECT value FROM settings WHERE name = 'x'").optional().await.unwrap();
            assert_eq!(kept, None, "it was rolled back");
            tx.sql("INSERT INTO settings (name, value) VALUES ('room', 'again') ON CONFLICT (name) DO NOTHING")
                .execute().await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(readiness(&app).await, 200);
    }
}
