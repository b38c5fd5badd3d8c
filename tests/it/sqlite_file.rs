//! The file of SQLite: the space that it takes, two servers on it, and locks of other processes.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use ostiary::{
    background,
    config::SqliteSynchronous,
    store::{Db, wal_of},
};
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Backend, Browser, TestApp, TestDatabase, eventually,
    process::{self, ServerProcess},
};

fn block_on<F: Future<Output = ()>>(scenario: F) {
    actix_web::rt::System::new().block_on(scenario);
}

fn file_of(database: &TestDatabase) -> PathBuf {
    Path::new(database.url.strip_prefix("sqlite://").expect("an SQLite file")).to_owned()
}

fn bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

const MEBIBYTE: u64 = 1024 * 1024;

/// Writes rows of a MiB of these letters, one transaction each.
async fn write_mebibytes(db: &Db, count: u64, letter: &str) {
    for number in 0..count {
        let mut tx = db.write().await.unwrap();
        let name = format!("filling {number}");
        let statement = "INSERT INTO settings (name, value) VALUES ($1, $2) \
                         ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        tx.sql(statement).bind(name).bind(letter.repeat(1 << 20)).execute().await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn remove_what_was_written(db: &Db) {
    let mut tx = db.write().await.unwrap();
    tx.sql("DELETE FROM settings WHERE name LIKE 'filling %'").execute().await.unwrap();
    tx.commit().await.unwrap();
}

#[test]
fn what_was_deleted_is_given_back_to_the_file_system() {
    block_on(async {
        let app = TestApp::spawn(Backend::Sqlite).await;
        let db = &app.state.db;
        let before = db.file_pages().await.unwrap().unwrap();
        assert!(before.can_be_given_back);
        write_mebibytes(db, 40, "x").await;
        remove_what_was_written(db).await;
        let full = db.file_pages().await.unwrap().unwrap();
        assert!(full.free * full.size > 38 << 20, "{full:?}");
        background::give_back_sqlite_space(&app.state).await.unwrap();
        let after = db.file_pages().await.unwrap().unwrap();
        // Some stays free, for what is written next.
        assert!(after.free * after.size < 9 << 20, "{after:?}");
        assert!(after.total <= before.total + after.free + 256, "{before:?} {after:?}");
        let environment = app.environment("prod").await;
        let found =
            app.state.db.read().await.unwrap().sql("SELECT slug FROM environments").all::<(String,)>().await;
        assert_eq!(found.unwrap(), [(environment.slug.to_string(),)]);
        let database = app.stop().await;
        assert!(bytes(&file_of(&database)) < 14 * MEBIBYTE, "{}", bytes(&file_of(&database)));
    });
}

#[test]
fn a_write_ahead_log_that_a_long_reader_let_grow_becomes_small_again() {
    block_on(async {
        let app = TestApp::spawn(Backend::Sqlite).await;
        let db = &app.state.db;
        let wal = wal_of(&file_of(&app.database));
        let reader = Db::connect(&app.database.url, 1).await.unwrap();
        for (truncated_by_the_job, letter) in [(true, "x"), (false, "y")] {
            let mut reading = reader.read().await.unwrap();
            reading.sql("BEGIN").execute().await.unwrap();
            let _: (i64,) = reading.sql("SELECT COUNT(*) FROM settings").one().await.unwrap();
            write_mebibytes(db, 70, letter).await;
            assert!(bytes(&wal) > 64 * MEBIBYTE, "{}", bytes(&wal));
            let told = db.truncate_wal().await.unwrap();
            assert_eq!(told, Some(bytes(&wal)), "it is not truncated under a reader");
            reading.sql("ROLLBACK").execute().await.unwrap();
            drop(reading);
            if truncated_by_the_job {
                background::give_back_sqlite_space(&app.state).await.unwrap();
                assert_eq!(bytes(&wal), 0);
            } else {
                // The next writers begin it anew.
                for letter in ["a", "b", "c"] {
                    write_mebibytes(db, 1, letter).await;
                }
                assert!(bytes(&wal) <= 32 * MEBIBYTE, "{}", bytes(&wal));
            }
        }
        app.stop().await;
    });
}

#[test]
fn a_file_of_an_earlier_version_is_compacted_once_and_gives_back_space_from_then_on() {
    block_on(async {
        let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/databases");
        let mut versions: Vec<_> =
            fs::read_dir(versions).unwrap().map(|entry| entry.unwrap().path()).collect();
        versions.retain(|path| path.is_dir());
        versions.sort();
        let database = TestDatabase::of_version(Backend::Sqlite, versions.last().unwrap());
        let key = fs::read_to_string(file_of(&database).with_extension("db.key")).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = process::command(&database, arguments);
            process::told(&command.env("OSTIARY_MASTER_KEY", key.trim()).output().unwrap())
        };
        assert_eq!(run(&["migrate"]).0, Some(0));
        let db = Db::connect(&database.url, 2).await.unwrap();
        assert!(!db.file_pages().await.unwrap().unwrap().can_be_given_back);
        let (_, text) = run(&["doctor", "--offline"]);
        assert!(text.contains("run `ostiary compact` once"), "{text}");
        write_mebibytes(&db, 20, "x").await;
        remove_what_was_written(&db).await;
        // Other processes may have the file open.
        let (exit, text) = run(&["compact"]);
        assert_eq!(exit, Some(0), "{text}");
        let pages = db.file_pages().await.unwrap().unwrap();
        assert!(pages.can_be_given_back && pages.free == 0, "{pages:?}");
        write_mebibytes(&db, 1, "y").await;
        db.close().await;
        assert!(bytes(&file_of(&database)) < 10 * MEBIBYTE);
        let (_, text) = run(&["doctor", "--offline"]);
        assert!(!text.contains("ostiary compact"), "{text}");
        assert!(text.contains("the database takes "), "{text}");
    });
}

#[test]
fn only_an_sqlite_file_is_compacted() {
    let database = TestDatabase::unmigrated(Backend::Postgres);
    let (exit, text) = process::run(&database, &["compact"]);
    assert_eq!(exit, Some(1), "{text}");
    assert!(text.contains("is not an SQLite file"), "{text}");
    let database = TestDatabase::unmigrated(Backend::Sqlite);
    let (exit, text) = process::run(&database, &["compact"]);
    assert_eq!(exit, Some(1), "{text}");
    assert!(text.contains("does not exist") && !file_of(&database).exists(), "{text}");
}

#[test]
fn a_second_server_on_a_file_names_the_first_and_goes_on_without_it() {
    block_on(async {
        let app = TestApp::spawn(Backend::Sqlite).await;
        let key = app.api_key(&app.environment("prod").await, true).await;
        let database = app.stop().await;
        let create = async |server: &ServerProcess| {
            let browser = Browser::new();
            let request = browser.request(Method::POST, &server.url("/v1/organizations"));
            let answer = browser.send(request.bearer_auth(&key).json(&json!({ "displayName": "x" }))).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        };
        let first = ServerProcess::start(&mut process::server(&database));
        assert!(!first.log().contains("another server"), "{}", first.log());
        let second = ServerProcess::start(&mut process::server(&database));
        assert!(second.log().contains("another server has "), "{}", second.log());
        assert!(
            second.log().contains(&format!("\"processes\":\"{}\"", first.child.id())),
            "{}",
            second.log()
        );
        create(&first).await;
        create(&second).await;
        first.stop();
        create(&second).await;
        second.stop();
        let third = ServerProcess::start(&mut process::server(&database));
        assert!(!third.log().contains("another server"), "{}", third.log());
    });
}

#[test]
fn a_write_waits_for_another_process_that_writes() {
    block_on(async {
        let app = TestApp::spawn(Backend::Sqlite).await;
        let key = app.api_key(&app.environment("prod").await, true).await;
        let other = Db::connect(&app.database.url, 1).await.unwrap();
        let mut held = other.write().await.unwrap();
        held.sql("UPDATE environments SET updated_at = updated_at").execute().await.unwrap();
        let browser = app.browser();
        let request = browser.request(Method::POST, &app.url("/v1/organizations")).bearer_auth(&key);
        let waiting = actix_web::rt::spawn(async move {
            browser.send(request.json(&json!({ "displayName": "x" }))).await.status.as_u16()
        });
        let requested = async || (app.state.db.requested_writes() > 0).then_some(());
        eventually("the request wants to write", requested).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        held.commit().await.unwrap();
        assert_eq!(waiting.await.unwrap(), 200);
        app.stop().await;
    });
}

#[test]
fn a_commit_waits_for_the_disk_unless_the_setting_says_otherwise() {
    block_on(async {
        for (setting, wanted) in [(SqliteSynchronous::Full, 2_i64), (SqliteSynchronous::Normal, 1)] {
            let app = TestApp::spawn_with(Backend::Sqlite, |config| {
                config.database_sqlite_synchronous = setting;
            })
            .await;
            let mut tx = app.state.db.write().await.unwrap();
            let found: (i64,) = tx.sql("PRAGMA synchronous").one().await.unwrap();
            assert_eq!(found, (wanted,), "{setting}");
            drop(tx);
            app.stop().await;
        }
    });
}
