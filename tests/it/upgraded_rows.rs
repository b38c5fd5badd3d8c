//! What migrations move arrives: for each table that one rebuilds or splits, the rows before it equal the rows after.

use ostiary::store::Db;

use crate::support::TestDatabase;

/// A table that is moved: one statement for the schema of the fixtures, one for today's. Each row is one text.
const MOVED: &[(&str, &str)] = &[
    (WEBHOOK_DELIVERIES, WEBHOOK_DELIVERIES),
    (
        "SELECT id || ' ' || purpose || ' ' || environment_id || ' ' || algorithm || ' ' || generation || ' ' || private_key \
     || ' ' || COALESCE(certificate, '-') || ' ' || created_at || ' ' || active_from || ' ' || COALESCE(retired_at, 0) \
     FROM signing_keys",
        "SELECT id || ' ' || purpose || ' ' || COALESCE(environment_id, '') || ' ' || algorithm || ' ' || generation || ' ' \
     || private_key || ' ' || COALESCE(certificate, '-') || ' ' || created_at || ' ' || active_from || ' ' \
     || COALESCE(retired_at, 0) FROM signing_keys",
    ),
];

const WEBHOOK_DELIVERIES: &str = "SELECT id || ' ' || webhook_id || ' ' || environment_id || ' ' || sequence || ' ' \
    || state || ' ' || attempts || ' ' || COALESCE(next_attempt_at, 0) || ' ' || COALESCE(last_status, 0) || ' ' \
    || COALESCE(last_error, '-') || ' ' || created_at || ' ' || updated_at FROM webhook_deliveries";

async fn rows(db: &Db, statement: &'static str) -> Vec<String> {
    let mut rows: Vec<(String,)> = db.read().await.unwrap().sql(statement).all().await.unwrap();
    rows.sort();
    rows.into_iter().map(|(row,)| row).collect()
}

/// Migrates a database of an earlier version, and compares.
pub async fn migrate(database: &TestDatabase) {
    let db = Db::connect(&database.url, 2).await.unwrap();
    let mut before = Vec::new();
    for (statement, _) in MOVED {
        before.push(rows(&db, statement).await);
    }
    db.migrate().await.unwrap();
    for ((statement, now), before) in MOVED.iter().zip(before) {
        assert!(!before.is_empty(), "no rows: {statement}");
        assert_eq!(rows(&db, now).await, before, "{now}");
    }
    db.close().await;
}
