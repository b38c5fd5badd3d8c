//! The schema: the migrations that this program contains, and whether it can serve what a database has.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use sqlx::{
    Connection as _,
    migrate::{Migration, Migrator},
};

use super::{
    connection::{Conn, Dialect},
    db::{Db, Pools},
    error::{Error, NewerSchema, Result, SchemaFault},
    schema_tables, settings, table_rows,
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
pub fn newest_known() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// The migrations that this program contains and a database lacks, by their names.
fn missing(applied: &[i64]) -> Vec<String> {
    MIGRATOR.iter().filter(|m| !applied.contains(&m.version)).map(name_of).collect()
}

fn name_of(migration: &Migration) -> String {
    format!("{:04}_{}", migration.version, migration.description.replace(' ', "_"))
}

/// The tables of a schema with these migrations.
pub(super) fn tables_after(applied: &[i64]) -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for migration in MIGRATOR.iter().filter(|migration| applied.contains(&migration.version)) {
        for line in migration.sql.as_str().lines() {
            let words: Vec<&str> = line.split([' ', ';', '(']).filter(|word| !word.is_empty()).collect();
            match words[..] {
                ["CREATE", "TABLE", "IF", "NOT", "EXISTS", table, ..] | ["CREATE", "TABLE", table, ..] => {
                    tables.insert(table.to_owned());
                }
                ["DROP", "TABLE", table, ..] => drop(tables.remove(table)),
                ["ALTER", "TABLE", table, "RENAME", "TO", other, ..] => {
                    tables.remove(table);
                    tables.insert(other.to_owned());
                }
                _ => {}
            }
        }
    }
    tables
}

/// What is known of the schema of a backup, which no server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFacts {
    applied: Vec<i64>,
    floor: i64,
    migrated_by: Option<String>,
}

impl SchemaFacts {
    pub(super) fn new(applied: Vec<i64>, settings: &BTreeMap<String, String>) -> Self {
        let floor = settings.get(SCHEMA_FLOOR).and_then(|floor| floor.parse().ok()).unwrap_or_default();
        Self { applied, floor, migrated_by: settings.get(MIGRATED_BY).cloned() }
    }

    /// What this program would say of such a database.
    pub fn fault(&self) -> Option<SchemaFault> {
        let newest = newest_known();
        if self.floor > newest {
            return Some(SchemaFault::Newer {
                floor: self.floor,
                newest,
                migrated_by: self.migrated_by.clone(),
            });
        }
        let missing = missing(&self.applied);
        (!missing.is_empty()).then_some(SchemaFault::Missing(missing))
    }

    /// The newest migration that it has.
    pub fn newest(&self) -> i64 {
        self.applied.iter().copied().max().unwrap_or_default()
    }
}

/// A migration that would be applied.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlannedMigration {
    /// Its name.
    pub name: String,
    /// What it is for, as its file begins.
    pub purpose: String,
    /// Its statements, each in one line.
    pub statements: Vec<String>,
    /// The tables that it changes and that have rows, with how many: they are locked meanwhile on PostgreSQL, some for as long
    /// as an index is built.
    pub touched: BTreeMap<String, i64>,
}

impl Db {
    /// The migrations that [`Db::migrate`] would apply, in their order.
    pub async fn migration_plan(&self) -> Result<Vec<PlannedMigration>> {
        let mut conn = self.read().await?;
        let applied = applied(&mut conn).await?;
        let tables = schema_tables::tables(&mut conn).await?;
        let mut plan = Vec::new();
        for migration in MIGRATOR.iter().filter(|migration| !applied.contains(&migration.version)) {
            let text = migration.sql.as_str();
            let comment =
                text.lines().map_while(|line| line.strip_prefix("-- ")).collect::<Vec<_>>().join(" ");
            let code: String = text
                .lines()
                .map(|line| line.split("--").next().unwrap_or_default())
                .collect::<Vec<_>>()
                .join(" ");
            let statements: Vec<String> = code
                .split(';')
                .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "))
                .filter(|statement| !statement.is_empty())
                .collect();
            let mut touched = BTreeMap::new();
            for table in &tables {
                let names = |statement: &String| {
                    statement.split([' ', '(', ',']).any(|word| word == table.name)
                        && !statement.starts_with("CREATE TABLE")
                };
                if statements.iter().any(names) {
                    let rows = table_rows::count(&mut conn, table).await?;
                    if rows > 0 {
                        touched.insert(table.name.clone(), rows);
                    }
                }
            }
            plan.push(PlannedMigration { name: name_of(migration), purpose: comment, statements, touched });
        }
        Ok(plan)
    }

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
        let missing = missing(&applied);
        Ok((!missing.is_empty()).then_some(SchemaFault::Missing(missing)))
    }

    /// The newest migration that the database has; 0: none.
    pub async fn newest_migration(&self) -> Result<i64> {
        Ok(applied(&mut self.read().await?).await?.into_iter().max().unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_tables_are_known_from_the_migrations_and_a_plan_says_what_each_does() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("x.db").display());
        let db = Db::connect(&url, 2).await.unwrap();
        let plan = db.migration_plan().await.unwrap();
        assert_eq!(plan.len(), MIGRATOR.iter().count());
        assert_eq!(plan[0].name, "0001_create_foundation");
        assert!(
            plan.iter().all(|migration| !migration.purpose.is_empty() && !migration.statements.is_empty())
        );
        db.migrate().await.unwrap();
        assert_eq!(db.migration_plan().await.unwrap(), []);
        let mut conn = db.read().await.unwrap();
        let all: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
        let tables = schema_tables::tables(&mut conn).await.unwrap();
        let there: BTreeSet<String> = tables.into_iter().map(|table| table.name).collect();
        assert_eq!(tables_after(&all), there);
    }
}
