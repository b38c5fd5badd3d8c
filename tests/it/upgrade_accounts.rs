//! What proves who somebody is, and their sessions, after an upgrade from an earlier version: the rows that the old tables
//! had are those of the new ones, and cookies go on working.

use std::{fs, path::Path, sync::Arc};

use base::{
    secret::SetupSessionToken,
    time::{ManualClock, Timestamp},
};
use ostiary::{
    config::{Config, Redacted},
    store::{Conn, Db},
};
use serde_json::Value;

use crate::support::{Backend, TestApp, TestDatabase, administrators::CONSOLE_COOKIE};

const PUBLIC_URL: &str = "http://sso.example";

/// The cookie of a setup link's session that was open.
const SETUP_COOKIE: &str = "ostiary_setup_12vqjrnxk9xeov6o4f05pan0g";

/// What moved: the rows of an old table and of its new one, each as one text.
const MOVED: &[(&str, &str, &str)] = &[
    (
        "console sessions",
        "SELECT id || ' ' || token_sha256 || ' ' || administrator_id || ' ' || method || ' ' || COALESCE(address, '') || ' ' \
         || user_agent || ' ' || created_at || ' ' || last_seen_at || ' ' || expires_at || ' ' || COALESCE(revoked_at, 0) \
         FROM admin_sessions",
        "SELECT id || ' ' || token_sha256 || ' ' || subject_id || ' ' || method || ' ' || COALESCE(address, '') || ' ' \
         || user_agent || ' ' || created_at || ' ' || last_seen_at || ' ' || expires_at || ' ' || COALESCE(revoked_at, 0) \
         FROM sessions WHERE method <> 'setup_link' AND environment_id IS NULL AND connection_id IS NULL",
    ),
    (
        "setup sessions",
        "SELECT s.token_sha256 || ' ' || s.setup_link_id || ' ' || l.environment_id || ' ' || s.created_at || ' ' \
         || s.last_seen_at || ' ' || s.expires_at FROM setup_sessions s JOIN setup_links l ON l.id = s.setup_link_id",
        "SELECT token_sha256 || ' ' || subject_id || ' ' || environment_id || ' ' || created_at || ' ' || last_seen_at || ' ' \
         || expires_at FROM sessions WHERE method = 'setup_link' AND revoked_at IS NULL",
    ),
    (
        "passwords",
        "SELECT id || ' ' || password_hash || ' ' || updated_at FROM administrators WHERE password_hash IS NOT NULL",
        "SELECT account_id || ' ' || password_hash || ' ' || changed_at FROM passwords",
    ),
    (
        "passkeys",
        "SELECT id || ' ' || administrator_id || ' ' || credential_key || ' ' || credential || ' ' || display_name || ' ' \
         || created_at || ' ' || COALESCE(last_used_at, 0) FROM administrator_passkeys",
        "SELECT id || ' ' || account_id || ' ' || credential_key || ' ' || credential || ' ' || display_name || ' ' \
         || created_at || ' ' || COALESCE(last_used_at, 0) FROM passkeys",
    ),
    (
        "challenges",
        "SELECT id || ' ' || expires_at FROM admin_challenges",
        "SELECT id || ' ' || expires_at FROM authentication_challenges",
    ),
    (
        "invitations",
        "SELECT id || ' ' || token_sha256 || ' ' || purpose || ' ' || COALESCE(email, '') || ' ' || COALESCE(email_key, '') || ' ' \
         || role || ' ' || environment_id || ' ' || COALESCE(invited_by, '') || ' ' || created_at || ' ' || expires_at || ' ' \
         || COALESCE(consumed_at, 0) FROM admin_invitations",
        "SELECT id || ' ' || token_sha256 || ' ' || purpose || ' ' || COALESCE(email, '') || ' ' || COALESCE(email_key, '') || ' ' \
         || role || ' ' || COALESCE(environment_id, '') || ' ' || COALESCE(invited_by, '') || ' ' || created_at || ' ' \
         || expires_at || ' ' || COALESCE(consumed_at, 0) FROM invitations WHERE account_kind = 'administrator'",
    ),
];

/// Rows of tables that the stored databases have left empty.
const ADDED: &[&str] = &[
    "INSERT INTO admin_sessions (id, token_sha256, administrator_id, method, address, user_agent, created_at, last_seen_at, \
     expires_at, revoked_at) SELECT 'admin_session_0000000000000000000000001', 'ended', id, 'passkey', '10.0.0.1', 'x', 1, 2, 3, \
     4 FROM administrators",
    "INSERT INTO setup_sessions (token_sha256, setup_link_id, created_at, last_seen_at, expires_at) \
     SELECT 'f' || substr(token_sha256, 2, 63), id, created_at, created_at, expires_at FROM setup_links",
    "INSERT INTO administrator_passkeys (id, administrator_id, credential_key, credential, display_name, created_at) \
     SELECT 'passkey_0000000000000000000000001', id, 'key', '{}', 'Laptop', 5 FROM administrators",
    "INSERT INTO admin_challenges (id, expires_at) VALUES ('once', 6)",
];

async fn rows(conn: &mut Conn, text: &'static str) -> Vec<String> {
    let rows: Vec<(String,)> = conn.sql(text).all().await.unwrap();
    let mut rows: Vec<String> = rows.into_iter().map(|(row,)| row).collect();
    rows.sort();
    rows
}

async fn upgraded(backend: Backend, version: &Path) {
    let name = if backend == Backend::Sqlite { "sqlite.json" } else { "postgres.json" };
    let contents: Value = serde_json::from_str(&fs::read_to_string(version.join(name)).unwrap()).unwrap();
    let now = Timestamp::from_millis(contents["made_at"].as_i64().unwrap());
    let database = TestDatabase::of_version(backend, version);
    let db = Db::connect(&database.url, 2).await.unwrap();
    let mut tx = db.write().await.unwrap();
    for statement in ADDED {
        assert!(tx.sql(statement).execute().await.unwrap() > 0, "{statement}");
    }
    let setup: SetupSessionToken = SETUP_COOKIE.parse().unwrap();
    tx.sql(
        "INSERT INTO setup_sessions (token_sha256, setup_link_id, created_at, last_seen_at, expires_at) \
         SELECT $1, id, created_at, created_at, expires_at FROM setup_links",
    )
    .bind(setup.digest())
    .execute()
    .await
    .unwrap();
    let mut before = Vec::new();
    for (_, old, _) in MOVED {
        before.push(rows(&mut tx, old).await);
    }
    tx.commit().await.unwrap();
    db.migrate().await.unwrap();
    let mut conn = db.read().await.unwrap();
    for ((what, _, new), before) in MOVED.iter().zip(before) {
        assert!(!before.is_empty(), "{what}");
        assert_eq!(rows(&mut conn, new).await, before, "{what}");
    }
    drop(conn);
    db.close().await;

    let settings = |config: &mut Config| {
        config.public_url = Some(PUBLIC_URL.parse().unwrap());
        config.master_key = (backend == Backend::Postgres).then_some(Redacted([7; 32]));
    };
    let app = TestApp::spawn_on(Arc::new(database), backend, Arc::new(ManualClock::at(now)), settings).await;
    let console = contents["console_session"].as_str().unwrap();
    for (cookie, value, page) in
        [("ostiary_setup", SETUP_COOKIE, "/setup/home"), (CONSOLE_COOKIE, console, "/console/account")]
    {
        let browser = app.browser();
        browser.set_cookie(PUBLIC_URL, cookie, value);
        let answer = browser.get(&app.url(page)).await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.body);
    }
    app.stop().await;
}

fn every_version(backend: Backend) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/databases");
    for version in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if version.is_dir() {
            actix_web::rt::System::new().block_on(upgraded(backend, &version));
        }
    }
}

#[test]
fn what_proves_who_somebody_is_moves_whole_sqlite() {
    every_version(Backend::Sqlite);
}

#[test]
fn what_proves_who_somebody_is_moves_whole_postgres() {
    every_version(Backend::Postgres);
}
