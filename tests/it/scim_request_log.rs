//! The log of SCIM requests loses nothing: not when the answer to a COMMIT is lost, and not at a stop.

use std::{sync::Arc, time::Duration};

use base::{
    id::{Id, ScimDirectoryId},
    time::{Clock as _, ManualClock, SystemClock},
};
use ostiary::{
    app::directories::request_log::{self, NewScimRequest},
    store::{
        Db,
        scim_requests::{self, StoredRequest},
    },
};

use crate::{
    both,
    support::{Backend, TestApp, TestDatabase, proxy::Proxy},
};

fn enqueue(app: &TestApp, directory: ScimDirectoryId, path: &str) {
    let request = NewScimRequest {
        directory,
        at: app.now(),
        method: "POST",
        path,
        status: 201,
        duration: Duration::from_millis(3),
        request_body: br#"{"userName":"a"}"#,
        response_body: br#"{"id":"x"}"#,
        error: None,
    };
    request_log::enqueue(&app.state, &request);
}

async fn directory(app: &TestApp) -> ScimDirectoryId {
    let environment = app.environment("prod").await;
    app.scim_directory(&app.tenant(&environment, "acme.example").await).await.id
}

/// The paths of the stored requests.
async fn stored(db: &Db) -> Vec<String> {
    let mut conn = db.read().await.unwrap();
    let rows: Vec<(String,)> = conn.sql("SELECT path FROM scim_requests ORDER BY path").all().await.unwrap();
    rows.into_iter().map(|(path,)| path).collect()
}

fn paths(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("/Users/{number:04}")).collect()
}

#[test]
fn a_batch_whose_commit_took_effect_unanswered_does_not_stop_the_log() {
    actix_web::rt::System::new().block_on(async {
        let database = TestDatabase::new(Backend::Postgres).await;
        let proxy = Proxy::before(&database.socket_folder());
        let url = database.url_through(proxy.folder());
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let app = TestApp::spawn_on(Arc::new(database), Backend::Postgres, clock, |config| {
            config.database_url = url.parse().unwrap();
        })
        .await;
        let directory = directory(&app).await;
        proxy.lose_commit_of("INSERT INTO scim_requests");
        let all = paths(130);
        for path in &all[..120] {
            enqueue(&app, directory, path);
        }
        // The server's own writer may be first.
        drop(request_log::flush(&app.state).await);
        assert!(proxy.has_lost_commit());
        request_log::flush(&app.state).await.unwrap();
        for path in &all[120..] {
            enqueue(&app, directory, path);
        }
        request_log::flush(&app.state).await.unwrap();
        assert_eq!(stored(&app.state.db).await, all, "each once");
        app.stop().await;
    });
}

both! {
    async fn a_request_that_is_stored_already_is_not_stored_again(app: TestApp) {
        let directory_id = directory(&app).await;
        let row = |id: u128, path: &str| StoredRequest {
            id: Id::from_bits(id),
            directory_id,
            at: app.now(),
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: None,
            status: 200,
            duration_ms: 1,
            request_body: None,
            response_body: None,
            error: None,
        };
        let batch = [row(1, "/1"), row(2, "/2")];
        for _ in 0..2 {
            let mut tx = app.state.db.write().await.unwrap();
            for row in &batch {
                scim_requests::insert(&mut tx, row).await.unwrap();
            }
            scim_requests::insert(&mut tx, &row(3, "/3")).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(stored(&app.state.db).await, ["/1", "/2", "/3"]);
    }

    async fn a_stop_right_after_requests_keeps_every_row(app: TestApp) {
        let directory = directory(&app).await;
        let all = paths(450);
        for path in &all {
            enqueue(&app, directory, path);
        }
        let database = app.stop().await;
        let db = Db::connect(&database.url, 1).await.unwrap();
        assert_eq!(stored(&db).await, all);
    }

    async fn a_stop_in_the_middle_of_a_batch_that_fails_keeps_every_row(app: TestApp) {
        let directory = directory(&app).await;
        let all = paths(150);
        for path in &all {
            enqueue(&app, directory, path);
        }
        // Nothing can be written until another process is done.
        let other = Db::connect(&app.database.url, 1).await.unwrap();
        let mut held = other.write().await.unwrap();
        held.sql("UPDATE scim_directories SET updated_at = updated_at").execute().await.unwrap();
        let table: &'static str = match app.backend {
            Backend::Sqlite => "UPDATE scim_requests SET status = status",
            Backend::Postgres => "LOCK TABLE scim_requests IN ACCESS EXCLUSIVE MODE",
        };
        held.sql(table).execute().await.unwrap();
        let release = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            held.commit().await.unwrap();
        };
        let (database, ()) = tokio::join!(app.stop(), release);
        let db = Db::connect(&database.url, 1).await.unwrap();
        assert_eq!(stored(&db).await, all);
    }
}
