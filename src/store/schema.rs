//! The schema: the migrations that this program contains, and whether it can serve what a database has.

use sqlx::Connection as _;

use super::{
    connection::Dialect,
    db::{Db, Pools},
    error::{Error, Result, SchemaFault},
    settings,
};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The name in `settings` of the migration that a program must contain to serve the schema.
const SCHEMA_FLOOR: &str = "schema_floor";

impl Db {
    /// Applies missing migrations. Replicas that start together wait for one another. Refused on a schema that needs a
    /// newer program.
    pub async fn migrate(&self) -> Result<()> {
        if let Some(fault @ SchemaFault::Newer { .. }) = self.schema_fault().await? {
            return Err(fault.into());
        }
        match &self.pools {
            Pools::Sqlite { writer, .. } => {
                let mut conn = writer.open().await?;
                MIGRATOR.run(&mut conn).await?;
                conn.close().await?;
            }
            Pools::Postgres { requests, .. } => {
                let mut conn = requests.open().await?;
                MIGRATOR.run(&mut conn).await?;
                conn.close().await?;
            }
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
        let floor = match settings::find(&mut conn, SCHEMA_FLOOR).await {
            Ok(None) => 0,
            Ok(Some(floor)) => {
                floor.parse().map_err(|_| Error::inconsistent("settings", "value", SCHEMA_FLOOR))?
            }
            Err(error) if error.is_missing_table() => 0,
            Err(error) => return Err(error),
        };
        let newest = MIGRATOR.iter().map(|m| m.version).max().unwrap_or_default();
        if floor > newest {
            return Ok(Some(SchemaFault::Newer { floor, newest }));
        }
        let applied: Vec<(i64,)> =
            match conn.sql("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version").all().await
            {
                Ok(applied) => applied,
                Err(error) if error.is_missing_table() => Vec::new(),
                Err(error) => return Err(error),
            };
        let missing: Vec<String> = MIGRATOR
            .iter()
            .filter(|m| !applied.contains(&(m.version,)))
            .map(|m| format!("{:04}_{}", m.version, m.description.replace(' ', "_")))
            .collect();
        Ok((!missing.is_empty()).then_some(SchemaFault::Missing(missing)))
    }
}
