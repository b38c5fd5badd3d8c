//! Programs and schemas of different versions.

use std::{
    io::{BufRead as _, BufReader},
    process::Child,
    sync::Arc,
};

use base::{random::SystemRandom, time::SystemClock};
use ostiary::{
    config::{Config, Migrate, Redacted},
    server,
    store::{Db, Dialect, Error, SchemaFault},
};

use crate::{
    both,
    support::{
        Backend, TestApp, TestDatabase, eventually,
        process::{self, ServerProcess},
    },
};

/// What a newer program leaves: a migration that this one does not contain, and the floor of the schema.
async fn migrate_further(db: &Db, floor: &'static str) {
    let mut tx = db.write().await.unwrap();
    let applied = match db.dialect() {
        Dialect::Sqlite => {
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'of the next release', TRUE, x'00', 1)"
        }
        Dialect::Postgres => {
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'of the next release', TRUE, '\\x00', 1)"
        }
    };
    tx.sql(applied).execute().await.unwrap();
    tx.sql("UPDATE settings SET value = $1 WHERE name = 'schema_floor'").bind(floor).execute().await.unwrap();
    tx.sql("UPDATE settings SET value = '7.7.7' WHERE name = 'migrated_by'").execute().await.unwrap();
    tx.commit().await.unwrap();
}

async fn opened(app: &TestApp, migrate: Migrate) -> Result<(), String> {
    let config = Config {
        database_url: app.database.url.parse().unwrap(),
        database_migrate: migrate,
        master_key: Some(Redacted(vec![[7; 32]])),
        ..Config::default()
    };
    let opened = server::open(&config, config.listen, Arc::new(SystemClock), Arc::new(SystemRandom)).await;
    match opened {
        Ok(state) => {
            state.db.close().await;
            Ok(())
        }
        Err(error) => Err(error.to_string()),
    }
}

async fn readiness(app: &TestApp) -> u16 {
    app.browser().get(&app.url("/readyz")).await.status.as_u16()
}

both! {
    async fn a_newer_schema_that_still_carries_this_program_is_served_with_a_warning(app: TestApp) {
        migrate_further(&app.state.db, "0043").await;
        assert_eq!(readiness(&app).await, 200);
        for migrate in [Migrate::Always, Migrate::Never] {
            assert_eq!(opened(&app, migrate).await, Ok(()));
        }
        assert_eq!(app.state.db.schema_fault().await.unwrap(), None);
        let newer = app.state.db.newer_schema().await.unwrap().expect("a newer schema");
        assert_eq!((newer.applied, newer.migrated_by.as_deref()), (9999, Some("7.7.7")));

        let told = "has a newer schema than this program: it has migration 9999, and this program ends with 00";
        for (arguments, code) in [(["migrate", "--check"].as_slice(), 0), (&["migrate"], 0), (&["doctor", "--offline"], 0)] {
            let (exit, text) = process::run(&app.database, arguments);
            assert_eq!(exit, Some(code), "{arguments:?}: {text}");
            assert!(text.contains(told) && text.contains("ostiary 7.7.7 migrated it"), "{arguments:?}: {text}");
        }
        let server = ServerProcess::start(&mut process::server(&app.database));
        assert!(server.log().contains(told), "{}", server.log());
    }

    async fn a_schema_beyond_this_program_is_refused_by_name(app: TestApp) {
        migrate_further(&app.state.db, "9999").await;
        let told = "needs a newer program: one that contains migration 9999, and this one ends with 00";
        for migrate in [Migrate::Always, Migrate::Auto, Migrate::Never] {
            let refused = opened(&app, migrate).await.unwrap_err();
            assert!(refused.contains(told) && refused.contains("ostiary 7.7.7 migrated it"), "{refused}");
        }
        let migrated = app.state.db.migrate().await.unwrap_err();
        assert!(matches!(migrated, Error::Schema(SchemaFault::Newer { floor: 9999, .. })), "{migrated}");
        eventually("not ready", async || (readiness(&app).await == 503).then_some(())).await;
        for arguments in [
            ["serve", "--listen", "127.0.0.1:0"].as_slice(),
            &["migrate"],
            &["migrate", "--check"],
            &["doctor", "--offline"],
            &["environment", "list"],
        ] {
            let (exit, text) = process::run(&app.database, arguments);
            assert_eq!(exit, Some(1), "{arguments:?}: {text}");
            assert!(text.contains(told) && !text.contains("previously applied"), "{arguments:?}: {text}");
        }
    }

    async fn a_program_that_may_not_migrate_names_what_is_missing(app: TestApp) {
        let mut tx = app.state.db.write().await.unwrap();
        let (newest,): (i64,) = tx.sql("SELECT MAX(version) FROM _sqlx_migrations").one().await.unwrap();
        tx.sql("DELETE FROM _sqlx_migrations WHERE version = $1").bind(newest).execute().await.unwrap();
        tx.commit().await.unwrap();
        let name = format!("{newest:04}_");
        let refused = opened(&app, Migrate::Never).await.unwrap_err();
        assert!(refused.contains(&name) && refused.contains("run `ostiary migrate`"), "{refused}");
        eventually("not ready", async || (readiness(&app).await == 503).then_some(())).await;
        for arguments in [
            ["serve", "--listen", "127.0.0.1:0", "--set", "database.migrate=never"].as_slice(),
            &["migrate", "--check"],
            &["doctor", "--offline"],
        ] {
            let (exit, text) = process::run(&app.database, arguments);
            assert_eq!(exit, Some(1), "{arguments:?}: {text}");
            assert!(text.contains(&name), "{arguments:?}: {text}");
        }
    }
}

#[test]
fn a_migration_says_that_it_waits_for_another_process() {
    actix_web::rt::System::new().block_on(async {
        let database = TestDatabase::new(Backend::Sqlite).await;
        let other = Db::connect(&database.url, 1).await.unwrap();
        let held = other.write().await.unwrap();
        let mut child = process::command(&database, &["migrate"]).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let waiting = "waiting for another process that writes to the database";
        assert!(said.any(|line| line.unwrap().contains(waiting)));
        held.commit().await.unwrap();
        let (exit, text) = process::told(&child.wait_with_output().unwrap());
        assert_eq!(exit, Some(0), "{text}");
    });
}

fn programs_that_migrate_at_once_wait_for_one_another(backend: Backend) {
    let database = TestDatabase::unmigrated(backend);
    let start = || -> Child { process::command(&database, &["migrate"]).spawn().unwrap() };
    let all: Vec<Child> = (0..6).map(|_| start()).collect();
    for one in all {
        let (exit, text) = process::told(&one.wait_with_output().unwrap());
        assert_eq!(exit, Some(0), "{text}");
    }
    let (exit, text) = process::run(&database, &["migrate", "--check"]);
    assert_eq!(exit, Some(0), "{text}");
    assert!(text.contains("is up to date"), "{text}");
}

#[test]
fn programs_that_migrate_at_once_wait_for_one_another_sqlite() {
    programs_that_migrate_at_once_wait_for_one_another(Backend::Sqlite);
}

#[test]
fn programs_that_migrate_at_once_wait_for_one_another_postgres() {
    programs_that_migrate_at_once_wait_for_one_another(Backend::Postgres);
}
