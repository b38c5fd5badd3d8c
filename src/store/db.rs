//! One SQL text for two native drivers.
//!
//! [`Db`] selects the driver from the URL, [`Conn`] is a borrowed connection, [`Transaction`] a unit of work,
//! and [`Statement`] binds parameters and runs. No code outside `store` names a driver. The measurements behind
//! this design, and behind the SQLite settings, are in `docs/decisions.md`.
//!
//! The pool has shares: SCIM requests use at most [`PoolShare::Directory`], so that a login always gets a
//! connection and waits for at most one writer on SQLite.

use std::{
    borrow::Cow,
    fmt::Write as _,
    fs, io,
    num::NonZeroUsize,
    ops,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Connection as _, Encode, FromRow, Postgres, Sqlite, SqlitePool, Type,
    pool::PoolConnection,
    postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow},
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
        SqliteSynchronous,
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{Error, Result};

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// After how much idle time a PostgreSQL connection is pinged before it is used.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);

/// How long the connection attempt that diagnoses a pool timeout may take.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(3);

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// A value that both databases can store.
pub trait Value<'t>: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres> {}
impl<'t, T> Value<'t> for T where T: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres> {}

/// A row type that both databases can produce.
pub trait Record: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}
impl<T> Record for T where T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

/// The kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, embedded.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// What a connection is used for, which bounds how many may be in use at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolShare {
    /// Logins, the console, the API and jobs: every connection of the pool.
    General,
    /// SCIM requests, the SCIM request log and exports. At most half of the pool; on SQLite at most as many
    /// readers as there are cores, and one waiter for the writer at a time.
    Directory,
}

/// The database handle: cheap to clone, shared by the whole process.
#[derive(Debug, Clone)]
pub struct Db {
    pools: Pools,
    share: PoolShare,
    permits: Permits,
    statements: StatementCounts,
}

/// Counts statements. Tests use it to measure the cost of a request.
#[derive(Debug, Clone, Default)]
struct StatementCounts {
    /// In total.
    all: Arc<AtomicU64>,
    /// In the transaction with the most statements.
    longest: Arc<AtomicU64>,
}

/// How many connections [`PoolShare::Directory`] may hold. On PostgreSQL reads and writes use the same permits.
#[derive(Debug, Clone)]
struct Permits {
    read: Arc<Semaphore>,
    write: Arc<Semaphore>,
}

impl Permits {
    fn sqlite(readers: u32) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let read = Arc::new(Semaphore::new(half(readers).min(cores)));
        Self { read, write: Arc::new(Semaphore::new(1)) }
    }

    fn postgres(size: u32) -> Self {
        let both = Arc::new(Semaphore::new(half(size)));
        Self { read: Arc::clone(&both), write: both }
    }
}

fn half(size: u32) -> usize {
    usize::try_from(size / 2).unwrap_or(usize::MAX).max(1)
}

#[derive(Debug, Clone)]
enum Pools {
    /// SQLite allows one writer. Readers and the writer have separate pools, so a connection never waits for a
    /// lock that another holds, and SQLite itself rejects a write on a read-only connection.
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// How many connections of the pool are open, and how many of them are idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// Open connections.
    pub open: u32,
    /// Connections that are not in use.
    pub idle: usize,
}

/// The migration state of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrations {
    /// Names of the migrations that this binary contains and the database lacks.
    pub missing: Vec<String>,
}

impl Db {
    /// Opens the database at `url`: `sqlite://FILE` (created if it does not exist) or `postgres://…`, with at
    /// most `size` connections (for SQLite: readers).
    pub async fn connect(url: &str, size: u32) -> Result<Self> {
        let wait = ACQUIRE_TIMEOUT;
        if url.starts_with("sqlite:") {
            let options = url.parse::<SqliteConnectOptions>()?;
            create_private_file(options.get_filename()).map_err(sqlx::Error::Io)?;
            let options = options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(wait)
                // A login writes about twenty pages; checkpointing every thousand pages copies the same hot
                // pages again and again.
                .pragma("wal_autocheckpoint", "4000")
                .foreign_keys(true);
            let writer = SqlitePoolOptions::new()
                .max_connections(1)
                .acquire_timeout(wait)
                .test_before_acquire(false)
                .connect_with(options.clone())
                .await?;
            let readers = SqlitePoolOptions::new()
                .max_connections(size.max(1))
                .acquire_timeout(wait)
                .test_before_acquire(false)
                .connect_lazy_with(options.read_only(true));
            Ok(Self::new(Pools::Sqlite { readers, writer }, Permits::sqlite(size.max(1))))
        } else {
            let options = url.parse::<PgConnectOptions>()?;
            let pool = PgPoolOptions::new()
                .max_connections(size.max(2))
                .acquire_timeout(wait)
                .test_before_acquire(false)
                .before_acquire(|conn, idle| {
                    Box::pin(async move {
                        // A connection in regular use is known to work; an idle one may have been cut off.
                        if idle.idle_for > PING_AFTER_IDLE {
                            conn.ping().await?;
                        }
                        Ok(true)
                    })
                })
                .connect_with(options.clone())
                .await;
            match pool {
                Ok(pool) => Ok(Self::new(Pools::Postgres(pool), Permits::postgres(size.max(2)))),
                Err(sqlx::Error::PoolTimedOut) => Err(diagnose_timeout(&options).await.into()),
                Err(error) => Err(error.into()),
            }
        }
    }

    fn new(pools: Pools, permits: Permits) -> Self {
        Self { pools, share: PoolShare::General, permits, statements: StatementCounts::default() }
    }

    /// The same database, with connections taken from `share`.
    #[must_use]
    pub fn with_share(&self, share: PoolShare) -> Self {
        Self { share, ..self.clone() }
    }

    /// How many more read connections the share may take. `None`: the share has no limit of its own.
    pub fn free_in_share(&self) -> Option<usize> {
        (self.share == PoolShare::Directory).then(|| self.permits.read.available_permits())
    }

    /// How many statements were started in total, over all shares. Tests use it to measure the cost of a
    /// request.
    pub fn statements(&self) -> u64 {
        self.statements.all.load(Ordering::Relaxed)
    }

    /// Waits for a permit of the share, which is held as long as the connection. [`Error::Busy`]: none became
    /// free in time.
    async fn permit(&self, of: &Arc<Semaphore>) -> Result<Option<OwnedSemaphorePermit>> {
        match self.share {
            PoolShare::General => Ok(None),
            PoolShare::Directory => {
                let permit = tokio::time::timeout(ACQUIRE_TIMEOUT, Arc::clone(of).acquire_owned()).await;
                // The semaphore is never closed.
                permit.ok().and_then(std::result::Result::ok).map(Some).ok_or(Error::Busy)
            }
        }
    }

    fn conn(&self, handle: Handle, permit: Option<OwnedSemaphorePermit>) -> Conn {
        let is_transaction = matches!(handle, Handle::SqliteTransaction(_) | Handle::PostgresTransaction(_));
        let counter = StatementCounter { statements: 0, is_transaction, reported: self.statements.clone() };
        Conn { handle, counter, _permit: permit }
    }

    /// The kind of database.
    pub fn dialect(&self) -> Dialect {
        match self.pools {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Applies missing migrations. Replicas that start together wait for one another.
    pub async fn migrate(&self) -> Result<()> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => MIGRATOR.run(writer).await?,
            Pools::Postgres(pool) => MIGRATOR.run(pool).await?,
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

    /// Compares the schema with what this binary needs. A database that was never migrated lacks every
    /// migration.
    pub async fn migrations(&self) -> Result<Migrations> {
        let mut conn = self.read().await?;
        let applied: Vec<(i64,)> =
            match conn.sql("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version").all().await
            {
                Ok(applied) => applied,
                Err(error) if error.is_missing_table() => Vec::new(),
                Err(error) => return Err(error),
            };
        let missing = MIGRATOR
            .iter()
            .filter(|m| !applied.contains(&(m.version,)))
            .map(|m| format!("{:04}_{}", m.version, m.description.replace(' ', "_")))
            .collect();
        Ok(Migrations { missing })
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Conn> {
        let permit = self.permit(&self.permits.read).await?;
        let handle = match &self.pools {
            Pools::Sqlite { readers, .. } => Handle::Sqlite(readers.acquire().await?),
            Pools::Postgres(pool) => Handle::Postgres(pool.acquire().await?),
        };
        Ok(self.conn(handle, permit))
    }

    /// A transaction for writing. It rolls back unless it is committed.
    pub async fn write(&self) -> Result<Transaction> {
        let permit = self.permit(&self.permits.write).await?;
        let handle = match &self.pools {
            Pools::Sqlite { writer, .. } => {
                Handle::SqliteTransaction(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Pools::Postgres(pool) => Handle::PostgresTransaction(pool.begin().await?),
        };
        Ok(Transaction(self.conn(handle, permit)))
    }

    /// The number of statements in the longest transaction since the last call. It bounds how long one request
    /// holds the writer or its row locks.
    pub fn take_longest_transaction(&self) -> u64 {
        self.statements.longest.swap(0, Ordering::Relaxed)
    }

    /// The size of the pool, for `/metrics`.
    pub fn pool_size(&self) -> PoolSize {
        match &self.pools {
            Pools::Sqlite { readers, writer } => PoolSize {
                open: readers.size() + writer.size(),
                idle: readers.num_idle() + writer.num_idle(),
            },
            Pools::Postgres(pool) => PoolSize { open: pool.size(), idle: pool.num_idle() },
        }
    }

    /// Closes the pools; connections in use are closed when they are returned.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// Creates the database file, unless it exists, with mode 0600, because it contains personal data. SQLite gives
/// the files beside it (`-wal`, `-shm`) the same mode.
fn create_private_file(file: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Connects once to find the cause of a pool timeout: while a pool retries a refused connection it reports
/// nothing but the timeout.
async fn diagnose_timeout(options: &PgConnectOptions) -> sqlx::Error {
    match tokio::time::timeout(DIAGNOSIS_TIMEOUT, sqlx::PgConnection::connect_with(options)).await {
        Ok(Err(error)) => error,
        Ok(Ok(_)) => sqlx::Error::PoolTimedOut,
        Err(_) => sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the server does not answer")),
    }
}

/// A connection, inside or outside a transaction: the first argument of every storage function.
#[derive(Debug)]
pub struct Conn {
    handle: Handle,
    counter: StatementCounter,
    /// The permit of its share; dropped after the connection.
    _permit: Option<OwnedSemaphorePermit>,
}

/// Counts the statements of a connection. Those of a transaction are reported when it ends.
#[derive(Debug)]
struct StatementCounter {
    statements: u64,
    is_transaction: bool,
    reported: StatementCounts,
}

impl StatementCounter {
    fn count(&mut self) {
        self.statements += 1;
        self.reported.all.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for StatementCounter {
    fn drop(&mut self) {
        if self.is_transaction {
            self.reported.longest.fetch_max(self.statements, Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
enum Handle {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    SqliteTransaction(sqlx::Transaction<'static, Sqlite>),
    PostgresTransaction(sqlx::Transaction<'static, Postgres>),
}

impl Conn {
    /// Starts a statement: the same text, with `$1` placeholders, for both databases.
    pub fn sql(&mut self, text: &'static str) -> Statement<'_> {
        self.counter.count();
        let run = match &mut self.handle {
            Handle::Sqlite(c) => DriverQuery::Sqlite(sqlx::query(text), c),
            Handle::SqliteTransaction(c) => DriverQuery::Sqlite(sqlx::query(text), c),
            Handle::Postgres(c) => DriverQuery::Postgres(sqlx::query(text), c),
            Handle::PostgresTransaction(c) => DriverQuery::Postgres(sqlx::query(text), c),
        };
        Statement { run, bound: 0, text: Cow::Borrowed(text) }
    }

    /// Starts a statement that was assembled at run time. It is not kept in the statement cache, because the
    /// number of such texts is unbounded.
    pub fn dynamic(&mut self, sql: Sql) -> Statement<'_> {
        self.counter.count();
        let Sql { text, values } = sql;
        // Safe: a `Sql` consists of literals, and values are parameters only.
        macro_rules! query {
            ($arm:path, $c:expr) => {
                $arm(sqlx::query(AssertSqlSafe(text.clone())).persistent(false), $c)
            };
        }
        let run = match &mut self.handle {
            Handle::Sqlite(c) => query!(DriverQuery::Sqlite, c),
            Handle::SqliteTransaction(c) => query!(DriverQuery::Sqlite, c),
            Handle::Postgres(c) => query!(DriverQuery::Postgres, c),
            Handle::PostgresTransaction(c) => query!(DriverQuery::Postgres, c),
        };
        let statement = Statement { run, bound: 0, text: Cow::Owned(text) };
        values.into_iter().fold(statement, |statement, value| match value {
            Parameter::Text(value) => statement.bind(value),
            Parameter::Integer(value) => statement.bind(value),
            Parameter::Boolean(value) => statement.bind(value),
        })
    }

    /// The kind of database.
    pub fn dialect(&self) -> Dialect {
        match &self.handle {
            Handle::Sqlite(_) | Handle::SqliteTransaction(_) => Dialect::Sqlite,
            Handle::Postgres(_) | Handle::PostgresTransaction(_) => Dialect::Postgres,
        }
    }
}

/// SQL that is assembled at run time: text comes from literals, values are parameters only, so SQL injection is
/// impossible by construction.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sql {
    text: String,
    values: Vec<Parameter>,
}

/// A value in a [`Sql`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// TEXT.
    Text(String),
    /// BIGINT.
    Integer(i64),
    /// BOOLEAN.
    Boolean(bool),
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::default().push(text)
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Parameter {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Parameter {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Parameter {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl Sql {
    /// Adds text. It contains no `$`: placeholders are added by [`Sql::value`].
    #[must_use]
    pub fn push(mut self, text: &'static str) -> Self {
        debug_assert!(!text.contains('$'), "placeholders are made by `value`: {text}");
        self.text.push_str(text);
        self
    }

    /// Adds a placeholder and its value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Parameter>) -> Self {
        self.values.push(value.into());
        // Writing to a String cannot fail.
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// Adds a comma-separated list of placeholders with their values.
    #[must_use]
    pub fn values<V: Into<Parameter>>(self, values: impl IntoIterator<Item = V>) -> Self {
        values.into_iter().enumerate().fold(self, |sql, (at, value)| {
            if at == 0 { sql.value(value) } else { sql.push(", ").value(value) }
        })
    }

    /// Appends another statement part; its placeholders are renumbered after ours.
    #[must_use]
    pub fn append(mut self, other: Self) -> Self {
        let mut pieces = other.text.split('$');
        self.text.push_str(pieces.next().unwrap_or_default());
        for (piece, value) in pieces.zip(other.values) {
            self = self.value(value);
            self.text.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        self
    }
}

/// A unit of work. Dropped without [`Transaction::commit`], it rolls back.
#[derive(Debug)]
pub struct Transaction(Conn);

impl Transaction {
    /// Commits.
    pub async fn commit(self) -> Result<()> {
        match self.0.handle {
            Handle::SqliteTransaction(transaction) => transaction.commit().await?,
            Handle::PostgresTransaction(transaction) => transaction.commit().await?,
            Handle::Sqlite(_) | Handle::Postgres(_) => {} // only `Db::write` creates transactions
        }
        Ok(())
    }
}

impl ops::Deref for Transaction {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl ops::DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

/// A statement whose parameters are still to be bound.
#[must_use = "a statement does nothing until it is run"]
pub struct Statement<'c> {
    run: DriverQuery<'c>,
    bound: usize,
    text: Cow<'static, str>,
}

enum DriverQuery<'c> {
    Sqlite(Query<'static, Sqlite, SqliteArguments>, &'c mut sqlx::SqliteConnection),
    Postgres(Query<'static, Postgres, PgArguments>, &'c mut sqlx::PgConnection),
}

/// One fetched row, still in its driver's form.
enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    fn decode<T: Record>(&self) -> Result<T> {
        Ok(match self {
            Self::Sqlite(row) => T::from_row(row)?,
            Self::Postgres(row) => T::from_row(row)?,
        })
    }
}

impl<'c> Statement<'c> {
    /// Binds the next `$n`.
    pub fn bind<'t, T: Value<'t>>(self, value: T) -> Self {
        let run = match self.run {
            DriverQuery::Sqlite(query, c) => DriverQuery::Sqlite(query.bind(value), c),
            DriverQuery::Postgres(query, c) => DriverQuery::Postgres(query.bind(value), c),
        };
        Self { run, bound: self.bound + 1, text: self.text }
    }

    /// Runs the statement and returns the number of affected rows.
    pub async fn execute(self) -> Result<u64> {
        Ok(match self.checked() {
            DriverQuery::Sqlite(query, c) => query.execute(c).await?.rows_affected(),
            DriverQuery::Postgres(query, c) => query.execute(c).await?.rows_affected(),
        })
    }

    /// The only row.
    pub async fn one<T: Record>(self) -> Result<T> {
        self.optional().await?.ok_or(Error::Database(sqlx::Error::RowNotFound))
    }

    /// The row, if there is one.
    pub async fn optional<T: Record>(self) -> Result<Option<T>> {
        self.first_row().await?.map(|row| row.decode()).transpose()
    }

    /// Every row: for statements with a `LIMIT`, or with a bound given by the schema.
    pub async fn all<T: Record>(self) -> Result<Vec<T>> {
        self.rows().await?.iter().map(Row::decode).collect()
    }

    // The driver calls are not generic, so that they are compiled only once.

    async fn first_row(self) -> Result<Option<Row>> {
        Ok(match self.checked() {
            DriverQuery::Sqlite(query, c) => query.fetch_optional(c).await?.map(Row::Sqlite),
            DriverQuery::Postgres(query, c) => query.fetch_optional(c).await?.map(Row::Postgres),
        })
    }

    async fn rows(self) -> Result<Vec<Row>> {
        Ok(match self.checked() {
            DriverQuery::Sqlite(query, c) => query.fetch_all(c).await?.into_iter().map(Row::Sqlite).collect(),
            DriverQuery::Postgres(query, c) => {
                query.fetch_all(c).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// SQLite reads an unbound parameter as NULL, so debug builds check the number of values.
    fn checked(self) -> DriverQuery<'c> {
        debug_assert_eq!(
            placeholders(&self.text),
            self.bound,
            "placeholders and values differ: {}",
            self.text
        );
        self.run
    }
}

/// The highest `$n` in a statement.
fn placeholders(text: &str) -> usize {
    text.split('$')
        .skip(1)
        .filter_map(|rest| rest[..rest.bytes().take_while(u8::is_ascii_digit).count()].parse().ok())
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn pieces_keep_their_values_when_they_are_joined() {
        let inner = Sql::from("b = ").value("x").push(" OR c IN (").values([1, 2]).push(")");
        let sql = Sql::from("SELECT 1 WHERE a = ").value(true).push(" AND (").append(inner).push(")");
        assert_eq!(sql.text, "SELECT 1 WHERE a = $1 AND (b = $2 OR c IN ($3, $4))");
        let values = [Parameter::Boolean(true), "x".into(), 1.into(), 2.into()];
        assert_eq!(sql.values, values);
        assert_eq!(placeholders(&sql.text), 4);
    }

    #[tokio::test]
    async fn only_its_owner_reads_an_embedded_database() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.db");
        let db = Db::connect(&format!("sqlite://{}", file.display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        for name in ["x.db", "x.db-wal", "x.db-shm"] {
            let mode = fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        db.close().await;
        // An existing file keeps its mode.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        Db::connect(&format!("sqlite://{}", file.display()), 2).await.unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[tokio::test]
    async fn directories_use_up_their_share_and_no_more() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let db = Db::connect(&format!("sqlite://{}", file.path().display()), 4).await.unwrap();
        db.migrate().await.unwrap();
        let directories = db.with_share(PoolShare::Directory);
        let permits = directories.permits.read.available_permits();
        assert!((1..=2).contains(&permits));
        let mut held = Vec::new();
        for _ in 0..permits {
            held.push(directories.read().await.unwrap());
        }
        assert_eq!(directories.free_in_share(), Some(0));
        assert!(waits(std::pin::pin!(directories.read())).await, "the share is used up");
        drop(db.read().await.expect("others read on"));

        // One directory request writes and sixty-four wait: the next writer is still the login.
        let writing = directories.write().await.unwrap();
        let waiting: Vec<_> = (0..64)
            .map(|_| {
                let directories = directories.clone();
                tokio::spawn(async move { directories.write().await.unwrap().commit().await })
            })
            .collect();
        tokio::task::yield_now().await;
        let mut login = std::pin::pin!(db.write());
        assert!(waits(login.as_mut()).await, "the writer is held");
        writing.commit().await.unwrap();
        let login = login.await.unwrap();
        assert!(
            waiting.iter().all(|one| !one.is_finished()),
            "it waits for the current writer only, not for the queue"
        );
        drop(login);
        for one in waiting {
            one.await.unwrap().unwrap();
        }
    }

    /// Polls once and returns whether the future is still pending.
    async fn waits<T>(mut wanted: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
        std::future::poll_fn(|context| std::task::Poll::Ready(wanted.as_mut().poll(context).is_pending()))
            .await
    }

    #[tokio::test]
    async fn a_server_that_is_down_is_reported_as_down() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Db::connect(&format!("postgres://x@{free}/x"), 2).await.unwrap_err().to_string();
        assert!(error.contains("refused"), "{error}");
    }
}
