//! An installation moves into a database of the other kind.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    process::Stdio,
    sync::Arc,
};

use ostiary::{app::directories::request_log, store::Db};
use serde_json::Value;

use crate::{
    both, master_key,
    support::{
        Backend, TestApp, TestDatabase,
        process::{self, ServerProcess, told},
    },
};

/// `ostiary copy`, from the first to the second key.
fn copying(from: &TestDatabase, to: &TestDatabase, key_file: &str) -> std::process::Command {
    let mut command = process::command(
        from,
        &["copy", "--from", &from.url, "--to", &to.url, "--to-master-key-file", key_file, "--json"],
    );
    command.stderr(Stdio::piped());
    command
}

/// A file with this master key.
fn key_file(folder: &tempfile::TempDir, key: u8) -> String {
    let file = folder.path().join(format!("{key}.key"));
    std::fs::write(&file, format!("{key:02x}").repeat(32)).unwrap();
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, owner_only).unwrap();
    file.to_str().unwrap().to_owned()
}

fn other(backend: Backend) -> Backend {
    match backend {
        Backend::Sqlite => Backend::Postgres,
        Backend::Postgres => Backend::Sqlite,
    }
}

fn refused(command: &mut std::process::Command, words: &str) {
    let (code, text) = told(&command.output().unwrap());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(words), "{words:?} is not in {text}");
}

/// Every table, as the database itself lists them.
async fn tables(db: &Db) -> BTreeSet<String> {
    let list = match db.dialect() {
        ostiary::store::Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
        ostiary::store::Dialect::Postgres => {
            "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    let rows: Vec<(String,)> = db.read().await.unwrap().sql(list).all().await.unwrap();
    rows.into_iter().map(|(name,)| name).filter(|name| !name.starts_with("sqlite_")).collect()
}

async fn count(db: &Db, table: &str) -> i64 {
    let sql: &'static str = format!("SELECT COUNT(*) FROM {table}").leak();
    db.read().await.unwrap().sql(sql).one::<(i64,)>().await.unwrap().0
}

both! {
    async fn everything_is_there_and_works_after_a_move(app: TestApp) {
        let folder = tempfile::tempdir().unwrap();
        let key = key_file(&folder, 8);
        let backend = other(app.backend);
        let target = Arc::new(TestDatabase::unmigrated(backend));
        let serving = app.replica_with(master_key::with_keys(&[master_key::OLD])).await;
        let contents = master_key::fill(&serving).await;
        // A child comes before its parent.
        let mut tx = serving.state.db.write().await.unwrap();
        tx.sql(
            "INSERT INTO organizations (id, environment_id, display_name, parent_id, created_at, updated_at, handle, name_key, \
             public_id) SELECT 'org_0000000000000000000000001', environment_id, 'Child', id, 0, 0, 'child', 'child', 'child' FROM organizations WHERE id = $1",
        )
        .bind(contents.tenant.organization.id)
        .execute()
        .await
        .unwrap();
        tx.commit().await.unwrap();
        request_log::flush(&serving.state).await.unwrap();
        // While it is served, it is not copied.
        if backend == Backend::Sqlite {
            refused(&mut copying(&app.database, &target, &key), "the source is in use");
        }
        let clock = serving.clock.clone();
        serving.stop().await;
        let source = app.stop().await;

        // With a key that is not the source's, nothing is done.
        refused(copying(&source, &target, &key).env("OSTIARY_MASTER_KEY", "09".repeat(32)), "the source: the master key ");
        let output = copying(&source, &target, &key).output().unwrap();
        assert!(output.status.success(), "{}", told(&output).1);
        let copied: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&copied["resumed"], &copied["unreadable"]), (&Value::Bool(false), &Value::from(0)));
        let named: BTreeSet<String> =
            copied["tables"].as_array().unwrap().iter().map(|table| table["name"].as_str().unwrap().to_owned()).collect();
        let (from, to) = (Db::connect(&source.url, 2).await.unwrap(), Db::connect(&target.url, 2).await.unwrap());
        let mut there = tables(&from).await;
        assert_eq!(there, tables(&to).await);
        for table in ["_sqlx_migrations", "settings"] {
            assert!(there.remove(table), "{table}");
        }
        assert_eq!(named, there, "no table is forgotten");
        for table in there.iter().filter(|table| *table != "audit_events") {
            assert_eq!(count(&from, table).await, count(&to, table).await, "{table}");
        }
        assert_eq!(count(&from, "audit_events").await + 1, count(&to, "audit_events").await);
        let parent: (Option<String>,) = to
            .read().await.unwrap()
            .sql("SELECT parent_id FROM organizations WHERE id = 'org_0000000000000000000000001'")
            .one().await.unwrap();
        assert_eq!(parent.0, Some(contents.tenant.organization.id.to_string()));
        from.close().await;
        to.close().await;

        // It holds something now.
        refused(&mut copying(&source, &target, &key), "the target holds something already");
        let moved = TestApp::spawn_on(target, backend, clock, master_key::with_keys(&[master_key::NEW])).await;
        master_key::use_everything(&moved, &contents).await;
        assert_eq!(moved.columns_where("substr({}, 1, 9) = $1", &old_name()).await, Vec::<String>::new());
        moved.stop().await;
    }
}

/// What values under the old key begin with.
fn old_name() -> String {
    let old = model::master_key::MasterKey::new(vec![master_key::OLD]).unwrap();
    format!("{}.", old.names().remove(0))
}

/// Starts a copy, and kills it as soon as it says this.
fn killed_at(mut command: std::process::Command, words: &str) {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    loop {
        let line = lines.next().unwrap_or_else(|| panic!("{words:?} is not in {said:?}")).unwrap();
        if line.contains(words) {
            break;
        }
        said.push(line);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn a_copy_that_is_killed_goes_on(backend: Backend) {
    actix_web::rt::System::new().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let key = key_file(&folder, 8);
        let source = TestDatabase::new(backend).await;
        let target = TestDatabase::unmigrated(other(backend));
        let (code, text) = process::run(&source, &["environment", "create", "--slug", "prod"]);
        assert_eq!(code, Some(0), "{text}");
        let db = Db::connect(&source.url, 1).await.unwrap();
        let mut tx = db.write().await.unwrap();
        tx.sql(
            "INSERT INTO events (environment_id, sequence, at, type, organization_id, directory_id, resource_id, data) \
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 45000) \
             SELECT 'env_x', i, i, 'x', '', '', 'r' || i, '{}' FROM n",
        )
        .execute()
        .await
        .unwrap();
        tx.commit().await.unwrap();
        db.close().await;

        killed_at(copying(&source, &target, &key), "copy events: 10000 of 45000");
        let there = async || {
            let db = Db::connect(&target.url, 1).await.unwrap();
            let rows = count(&db, "events").await;
            db.close().await;
            rows
        };
        let first = there().await;
        assert!((10_000..45_000).contains(&first), "{first}");
        // Nothing serves it, another source does not get mixed in, nor another key.
        refused(&mut process::server(&target), "holds an unfinished copy");
        refused(&mut process::command(&target, &["environment", "list"]), "holds an unfinished copy");
        let (_, doctor) = process::run(&target, &["doctor", "--offline"]);
        assert!(doctor.contains("holds an unfinished copy"), "{doctor}");
        let stranger = TestDatabase::new(backend).await;
        process::run(&stranger, &["environment", "create", "--slug", "prod"]);
        refused(&mut copying(&stranger, &target, &key), "an unfinished copy of another database");
        refused(&mut copying(&source, &target, &key_file(&folder, 9)), "is sealed with the master key ");
        assert_eq!(there().await, first);

        killed_at(copying(&source, &target, &key), "copy events: 3");
        let second = there().await;
        assert!(second > first, "{first} {second}");
        killed_at(copying(&source, &target, &key), "compare events: ");
        let output = copying(&source, &target, &key).output().unwrap();
        assert!(output.status.success(), "{}", told(&output).1);
        let copied: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(copied["resumed"], true);
        let events = copied["tables"].as_array().unwrap().iter().find(|table| table["name"] == "events").unwrap();
        assert_eq!(events["rows"], 45_000);
        let mut served = process::server(&target);
        let served = ServerProcess::start(served.env("OSTIARY_MASTER_KEY", "08".repeat(32)));
        assert_eq!(served.ask("GET", "/readyz", "x", "").0, 200);
        served.stop();
    });
}

#[test]
fn a_copy_that_is_killed_goes_on_from_sqlite() {
    a_copy_that_is_killed_goes_on(Backend::Sqlite);
}

#[test]
fn a_copy_that_is_killed_goes_on_from_postgres() {
    a_copy_that_is_killed_goes_on(Backend::Postgres);
}

#[test]
fn a_source_that_changed_meanwhile_is_found_and_one_that_is_used_is_refused() {
    actix_web::rt::System::new().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let key = key_file(&folder, 8);
        let (source, target) =
            (TestDatabase::new(Backend::Sqlite).await, TestDatabase::unmigrated(Backend::Postgres));
        refused(&mut copying(&source, &target, &key), "the source was never used");
        process::run(&source, &["environment", "create", "--slug", "prod"]);
        let served = ServerProcess::start(&mut process::server(&source));
        refused(&mut copying(&source, &target, &key), "is in use: stop the server");
        served.stop();
        // A writer without a lock file.
        let db = Db::connect(&source.url, 1).await.unwrap();
        let held = db.write().await.unwrap();
        refused(&mut copying(&source, &target, &key), "the source is in use");
        held.commit().await.unwrap();

        killed_at(copying(&source, &target, &key), "compare ");
        let mut tx = db.write().await.unwrap();
        tx.sql("UPDATE environments SET display_name = 'Changed'").execute().await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
        refused(
            &mut copying(&source, &target, &key),
            "the table environments differs: 1 rows in the source and 1 in",
        );
        refused(&mut process::server(&target), "holds an unfinished copy");

        let same = ["copy", "--from", &source.url, "--to", &source.url];
        refused(&mut process::command(&source, &same), "name the same database");
        let nowhere = folder.path().join("none.db");
        let from = format!("sqlite://{}", nowhere.display());
        refused(
            &mut process::command(&source, &["copy", "--from", &from, "--to", &target.url]),
            "does not exist",
        );
        assert!(!nowhere.exists());
        let foreign = crate::support::ForeignDatabase::new("CREATE TABLE other (id TEXT PRIMARY KEY)");
        let into = ["copy", "--from", &source.url, "--to", &foreign.url];
        refused(&mut process::command(&source, &into), "the target holds something already (in other)");
    });
}
