//! The schema: the migrations that this program contains, and whether it can serve what a database has.

use std::sync::LazyLock;

use sqlx::{Connection as _, migrate::Migrator};

use super::{
    connection::{Conn, Dialect},
    db::{Db, Pools},
    error::{Error, NewerSchema, Result, SchemaFault},
    settings,
};

/// The migrations that this program contains. Others that the database has are those of a newer program: `schema_floor`
/// says whether this one may serve them.
static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!();
    migrator.set_ignore_missing(true);
    migrator
});

/// The name in `settings` of the migration that a program must contain to serve the schema.
const SCHEMA_FLOOR: &str = "schema_floor";

/// The name in `settings` of the version of the program that applied the newest migration.
const MIGRATED_BY: &str = "migrated_by";

/// How long SQLite waits while another process migrates.
const WAIT_FOR_MIGRATION: &str = "PRAGMA busy_timeout = 600000";

/// The number of the newest migration that this program contains.
fn newest_known() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default()
}

impl Db {
    /// Applies missing migrations. Programs that do it at the same time wait for one another. Refused on a schema that
    /// needs a newer program.
    pub async fn migrate(&self) -> Result<()> {
        let missing = match self.schema_fault().await? {
            Some(fault @ SchemaFault::Newer { .. }) => return Err(fault.into()),
            fault => fault.is_some(),
        };
        match &self.pools {
            Pools::Sqlite { writer, .. } => {
                let mut conn = writer.open().await?;
                if let Err(error) = sqlx::raw_sql("BEGIN IMMEDIATE; ROLLBACK").execute(&mut conn).await {
                    tracing::warn!(%error, "waiting for another process that writes to the database");
                }
                sqlx::raw_sql(WAIT_FOR_MIGRATION).execute(&mut conn).await?;
                // The driver has no lock for migrations on SQLite. The write lock is one: all files are one transaction.
                let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
                MIGRATOR.run(&mut *tx).await?;
                tx.commit().await?;
                conn.close().await?;
            }
            Pools::Postgres { requests, .. } => {
                let mut conn = requests.open().await?;
                MIGRATOR.run(&mut conn).await?;
                conn.close().await?;
            }
        }
        if missing {
            let mut tx = self.write().await?;
            settings::upsert(&mut tx, MIGRATED_BY, env!("CARGO_PKG_VERSION")).await?;
            tx.commit().await?;
        }
        self.install_audit_log_triggers().await
    }

    /// Creates triggers that make the audit log append-only. The trigger syntax of the two databases differs,
    /// so this is code and not a migration.
    async fn install_audit_log_triggers(&self) -> Result<()> {
        const SQLITE: &[&str] = &[
            "CREATE TRIGGER IF NOT EXISTS audit_events_keep_update BEFORE UPDATE ON audit_events \
             BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
            "CREATE TRIGGER IF NOT EXISTS audit_events_keep_delete BEFORE DELETE ON audit_events \
             BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        ];
        const POSTGRES: &[&str] = &[
            "CREATE OR REPLACE FUNCTION audit_events_keep() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN RAISE EXCEPTION ''the audit log is append-only''; END'",
            "CREATE OR REPLACE TRIGGER audit_events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events \
             FOR EACH STATEMENT EXECUTE FUNCTION audit_events_keep()",
        ];
        let statements = match self.dialect() {
            Dialect::Sqlite => SQLITE,
            Dialect::Postgres => POSTGRES,
        };
        let mut tx = self.write().await?;
        if self.dialect() == Dialect::Postgres {
            // Replicas that start together would otherwise replace the function concurrently.
            tx.sql("LOCK TABLE audit_events IN SHARE ROW EXCLUSIVE MODE").execute().await?;
            let there = "SELECT 1 FROM pg_trigger WHERE tgname = 'audit_events_keep'";
            if tx.sql(there).optional::<(i32,)>().await?.is_some() {
                return Ok(());
            }
        }
        for statement in statements {
            tx.sql(statement).execute().await?;
        }
        tx.commit().await
    }

    /// Compares the schema with this binary: `None` if this binary can serve it. A database that was never migrated
    /// lacks every migration.
    pub async fn schema_fault(&self) -> Result<Option<SchemaFault>> {
        let mut conn = self.read().await?;
        let floor = match setting(&mut conn, SCHEMA_FLOOR).await? {
            None => 0,
            Some(floor) => {
                floor.parse().map_err(|_| Error::inconsistent("settings", "value", SCHEMA_FLOOR))?
            }
        };
        let newest = newest_known();
        if floor > newest {
            let migrated_by = setting(&mut conn, MIGRATED_BY).await?;
            return Ok(Some(SchemaFault::Newer { floor, newest, migrated_by }));
        }
        let applied = applied(&mut conn).await?;
        let missing: Vec<String> = MIGRATOR
            .iter()
            .filter(|m| !applied.contains(&m.version))
            .map(|m| format!("{:04}_{}", m.version, m.description.replace(' ', "_")))
            .collect();
        Ok((!missing.is_empty()).then_some(SchemaFault::Missing(missing)))
    }

    /// Whether the database has migrations that this program does not contain. It serves them nevertheless, unless there
    /// is a [`SchemaFault`].
    pub async fn newer_schema(&self) -> Result<Option<NewerSchema>> {
        let mut conn = self.read().await?;
        let newest = newest_known();
        let applied = applied(&mut conn).await?.into_iter().max().unwrap_or_default();
        if applied <= newest {
            return Ok(None);
        }
        let migrated_by = setting(&mut conn, MIGRATED_BY).await?;
        Ok(Some(NewerSchema { applied, newest, migrated_by }))
    }
}

/// A value of `settings`; `None` also where the table does not exist yet.
async fn setting(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    match settings::find(conn, name).await {
        Err(error) if error.is_missing_table() => Ok(None),
        found => found,
    }
}

/// The numbers of the applied migrations.
async fn applied(conn: &mut Conn) -> Result<Vec<i64>> {
    match conn
        .sql("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
        .all::<(i64,)>()
        .await
    {
        Ok(applied) => Ok(applied.into_iter().map(|(version,)| version).collect()),
        Err(error) if error.is_missing_table() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
