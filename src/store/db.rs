//! One SQL text, two native drivers.
//!
//! [`Db`] picks the driver from the URL, [`Conn`] is a borrowed connection, [`Transaction`] a unit of
//! work, and [`Statement`] binds and runs. Nothing outside `store` names a driver. Why it looks like
//! this, and how SQLite must be opened, was measured: `docs/decisions.md`.
//!
//! Connections are taken by shares: what identity providers make directories do can use up [`Share::Directory`]
//! and no more, so a login always finds a connection and is second at SQLite's writer.

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

/// How long somebody waits for a connection.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(10);

/// How long a PostgreSQL connection may rest before it is asked whether it still lives.
const TRUSTED_IDLE: Duration = Duration::from_secs(5);

/// How long a PostgreSQL server that gave no connection is asked why.
const ASKED_WHY: Duration = Duration::from_secs(3);

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// A value that both databases can store.
pub trait Value<'t>: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres> {}
impl<'t, T> Value<'t> for T where T: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres> {}

/// A row type that both databases can produce.
pub trait Record: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}
impl<T> Record for T where T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

/// Which database answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded one.
    Sqlite,
    /// The shared one.
    Postgres,
}

/// What a connection is for, where that bounds how many there may be at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Logins, the console, the API, jobs: every connection of the pool.
    General,
    /// What identity providers push into directories and search in them, the log of that, and exports: at
    /// most half of the connections; of SQLite's readers at most as many as there are cores, and of those who
    /// want its writer one at a time.
    Directory,
}

/// The database: cheap to clone, shared by all.
#[derive(Debug, Clone)]
pub struct Db {
    pools: Pools,
    share: Share,
    permits: Permits,
    statements: Statements,
}

/// Statements that were run: tests count by them what a request costs.
#[derive(Debug, Clone, Default)]
struct Statements {
    /// In all.
    all: Arc<AtomicU64>,
    /// In the transaction that ran the most.
    longest: Arc<AtomicU64>,
}

/// How many connections [`Share::Directory`] may hold. On PostgreSQL reading and writing share them.
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
    /// SQLite has one writer: readers and the writer get pools of their own, so nobody waits on a lock
    /// that he cannot get, and a read path that tries to write is refused by SQLite itself.
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// How many connections of the pool are open and how many of them are idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// Open connections.
    pub open: u32,
    /// Those that nobody uses now.
    pub idle: usize,
}

/// Where the migrations of a database stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrations {
    /// Names of those this binary brings and the database lacks.
    pub missing: Vec<String>,
}

impl Db {
    /// Opens the database that `url` names: `sqlite://FILE` (made if it is not there) or `postgres://…`,
    /// with at most `size` connections (readers, for SQLite).
    pub async fn connect(url: &str, size: u32) -> Result<Self> {
        let wait = ACQUIRE_WITHIN;
        if url.starts_with("sqlite:") {
            let options = url.parse::<SqliteConnectOptions>()?;
            make_private(options.get_filename()).map_err(sqlx::Error::Io)?;
            let options = options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(wait)
                // A login writes some twenty pages; checkpointing them a thousand at a time copies the
                // hot ones again and again.
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
            Ok(Self::of(Pools::Sqlite { readers, writer }, Permits::sqlite(size.max(1))))
        } else {
            let options = url.parse::<PgConnectOptions>()?;
            let pool = PgPoolOptions::new()
                .max_connections(size.max(2))
                .acquire_timeout(wait)
                .test_before_acquire(false)
                .before_acquire(|conn, idle| {
                    Box::pin(async move {
                        // A busy connection proves itself by its work; one that rested may be cut off.
                        if idle.idle_for > TRUSTED_IDLE {
                            conn.ping().await?;
                        }
                        Ok(true)
                    })
                })
                .connect_with(options.clone())
                .await;
            match pool {
                Ok(pool) => Ok(Self::of(Pools::Postgres(pool), Permits::postgres(size.max(2)))),
                Err(sqlx::Error::PoolTimedOut) => Err(why_not(&options).await.into()),
                Err(error) => Err(error.into()),
            }
        }
    }

    fn of(pools: Pools, permits: Permits) -> Self {
        Self { pools, share: Share::General, permits, statements: Statements::default() }
    }

    /// The same database for the work of one share: its connections count there.
    #[must_use]
    pub fn share(&self, share: Share) -> Self {
        Self { share, ..self.clone() }
    }

    /// How many more connections to read with the share may take; `None`: it has no bound of its own.
    pub fn free_in_share(&self) -> Option<usize> {
        (self.share == Share::Directory).then(|| self.permits.read.available_permits())
    }

    /// How many statements were begun on it in all, by every share: tests count by it what a request costs.
    pub fn statements(&self) -> u64 {
        self.statements.all.load(Ordering::Relaxed)
    }

    /// A place in the share, held as long as the connection. [`Error::Busy`]: there was none for too long.
    async fn permit(&self, of: &Arc<Semaphore>) -> Result<Option<OwnedSemaphorePermit>> {
        match self.share {
            Share::General => Ok(None),
            Share::Directory => {
                let permit = tokio::time::timeout(ACQUIRE_WITHIN, Arc::clone(of).acquire_owned()).await;
                // The semaphore is never closed.
                permit.ok().and_then(std::result::Result::ok).map(Some).ok_or(Error::Busy)
            }
        }
    }

    fn conn(&self, handle: Handle, permit: Option<OwnedSemaphorePermit>) -> Conn {
        let is_transaction = matches!(handle, Handle::SqliteTransaction(_) | Handle::PostgresTransaction(_));
        let tally = Tally { statements: 0, is_transaction, reported: self.statements.clone() };
        Conn { handle, tally, _permit: permit }
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match self.pools {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Brings the schema up to date. Replicas that start together wait for one another.
    pub async fn migrate(&self) -> Result<()> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => MIGRATOR.run(writer).await?,
            Pools::Postgres(pool) => MIGRATOR.run(pool).await?,
        }
        self.seal_audit_log().await
    }

    /// Makes the database refuse whatever is not an addition to the audit log. The two spell triggers
    /// differently, so this stands here and not in a migration.
    async fn seal_audit_log(&self) -> Result<()> {
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
            // Replicas that start together would replace the function under one another.
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

    /// Compares the schema with what this binary needs. A database that was never migrated lacks all.
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

    /// A connection to read with.
    pub async fn read(&self) -> Result<Conn> {
        let permit = self.permit(&self.permits.read).await?;
        let handle = match &self.pools {
            Pools::Sqlite { readers, .. } => Handle::Sqlite(readers.acquire().await?),
            Pools::Postgres(pool) => Handle::Postgres(pool.acquire().await?),
        };
        Ok(self.conn(handle, permit))
    }

    /// A transaction to write in. It rolls back unless it is committed.
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

    /// How many statements the longest transaction ran since this was last asked: what bounds for how
    /// long one request holds what others wait for.
    pub fn take_longest_transaction(&self) -> u64 {
        self.statements.longest.swap(0, Ordering::Relaxed)
    }

    /// How full the pool is, for `/metrics`.
    pub fn pool_size(&self) -> PoolSize {
        match &self.pools {
            Pools::Sqlite { readers, writer } => PoolSize {
                open: readers.size() + writer.size(),
                idle: readers.num_idle() + writer.num_idle(),
            },
            Pools::Postgres(pool) => PoolSize { open: pool.size(), idle: pool.num_idle() },
        }
    }

    /// Closes every connection once it is idle.
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

/// Makes the database's file, unless it is there, so that only its owner reads it: people's addresses
/// stand in it. SQLite gives the files beside it (`-wal`, `-shm`) the same mode.
fn make_private(file: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// What is behind a pool that waited for its first connection in vain: it tries again for as long as it
/// may when it is turned away, and then says only that its time is over.
async fn why_not(options: &PgConnectOptions) -> sqlx::Error {
    match tokio::time::timeout(ASKED_WHY, sqlx::PgConnection::connect_with(options)).await {
        Ok(Err(error)) => error,
        Ok(Ok(_)) => sqlx::Error::PoolTimedOut,
        Err(_) => sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the server does not answer")),
    }
}

/// A connection, with or without a transaction around it: what every storage function takes.
#[derive(Debug)]
pub struct Conn {
    handle: Handle,
    tally: Tally,
    /// Its place in a share; given back after the connection.
    _permit: Option<OwnedSemaphorePermit>,
}

/// Counts the statements of a connection, and reports those of a transaction when it ends.
#[derive(Debug)]
struct Tally {
    statements: u64,
    is_transaction: bool,
    reported: Statements,
}

impl Tally {
    fn count(&mut self) {
        self.statements += 1;
        self.reported.all.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Tally {
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
        self.tally.count();
        let run = match &mut self.handle {
            Handle::Sqlite(c) => Run::Sqlite(sqlx::query(text), c),
            Handle::SqliteTransaction(c) => Run::Sqlite(sqlx::query(text), c),
            Handle::Postgres(c) => Run::Postgres(sqlx::query(text), c),
            Handle::PostgresTransaction(c) => Run::Postgres(sqlx::query(text), c),
        };
        Statement { run, bound: 0, text: Cow::Borrowed(text) }
    }

    /// Starts a statement that was put together in the program. It is not kept in the statement cache:
    /// there is no end of such texts.
    pub fn dynamic(&mut self, sql: Sql) -> Statement<'_> {
        self.tally.count();
        let Sql { text, values } = sql;
        // Safe: a `Sql` is made of literals; values are in it as parameters only.
        macro_rules! query {
            ($arm:path, $c:expr) => {
                $arm(sqlx::query(AssertSqlSafe(text.clone())).persistent(false), $c)
            };
        }
        let run = match &mut self.handle {
            Handle::Sqlite(c) => query!(Run::Sqlite, c),
            Handle::SqliteTransaction(c) => query!(Run::Sqlite, c),
            Handle::Postgres(c) => query!(Run::Postgres, c),
            Handle::PostgresTransaction(c) => query!(Run::Postgres, c),
        };
        let statement = Statement { run, bound: 0, text: Cow::Owned(text) };
        values.into_iter().fold(statement, |statement, value| match value {
            Parameter::Text(value) => statement.bind(value),
            Parameter::Integer(value) => statement.bind(value),
            Parameter::Boolean(value) => statement.bind(value),
        })
    }

    /// Which database answers.
    pub fn dialect(&self) -> Dialect {
        match &self.handle {
            Handle::Sqlite(_) | Handle::SqliteTransaction(_) => Dialect::Sqlite,
            Handle::Postgres(_) | Handle::PostgresTransaction(_) => Dialect::Postgres,
        }
    }
}

/// SQL that is put together in the program: text from literals, values only as parameters, so that an
/// injection cannot be written.
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
    /// Adds text. It holds no `$`: placeholders are made by [`Sql::value`].
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

    /// Adds a list of placeholders, with commas between them.
    #[must_use]
    pub fn values<V: Into<Parameter>>(self, values: impl IntoIterator<Item = V>) -> Self {
        values.into_iter().enumerate().fold(self, |sql, (at, value)| {
            if at == 0 { sql.value(value) } else { sql.push(", ").value(value) }
        })
    }

    /// Adds another piece; its placeholders get numbers behind ours.
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
    /// Makes everything done in it lasting.
    pub async fn commit(self) -> Result<()> {
        match self.0.handle {
            Handle::SqliteTransaction(transaction) => transaction.commit().await?,
            Handle::PostgresTransaction(transaction) => transaction.commit().await?,
            Handle::Sqlite(_) | Handle::Postgres(_) => {} // `Db::write` alone makes transactions
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

/// A statement that waits for its values.
#[must_use = "a statement does nothing until it is run"]
pub struct Statement<'c> {
    run: Run<'c>,
    bound: usize,
    text: Cow<'static, str>,
}

enum Run<'c> {
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
            Run::Sqlite(query, c) => Run::Sqlite(query.bind(value), c),
            Run::Postgres(query, c) => Run::Postgres(query.bind(value), c),
        };
        Self { run, bound: self.bound + 1, text: self.text }
    }

    /// Runs it and counts the rows it touched.
    pub async fn execute(self) -> Result<u64> {
        Ok(match self.checked() {
            Run::Sqlite(query, c) => query.execute(c).await?.rows_affected(),
            Run::Postgres(query, c) => query.execute(c).await?.rows_affected(),
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

    /// Every row: for statements with a `LIMIT` or a bound that the schema gives.
    pub async fn all<T: Record>(self) -> Result<Vec<T>> {
        self.rows().await?.iter().map(Row::decode).collect()
    }

    // The driver calls are not generic, so they are compiled once.

    async fn first_row(self) -> Result<Option<Row>> {
        Ok(match self.checked() {
            Run::Sqlite(query, c) => query.fetch_optional(c).await?.map(Row::Sqlite),
            Run::Postgres(query, c) => query.fetch_optional(c).await?.map(Row::Postgres),
        })
    }

    async fn rows(self) -> Result<Vec<Row>> {
        Ok(match self.checked() {
            Run::Sqlite(query, c) => query.fetch_all(c).await?.into_iter().map(Row::Sqlite).collect(),
            Run::Postgres(query, c) => query.fetch_all(c).await?.into_iter().map(Row::Postgres).collect(),
        })
    }

    /// SQLite reads a missing value as NULL, so debug builds count.
    fn checked(self) -> Run<'c> {
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
        // One that is there keeps the mode that its owner gave it.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        Db::connect(&format!("sqlite://{}", file.display()), 2).await.unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[tokio::test]
    async fn directories_use_up_their_share_and_no_more() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let db = Db::connect(&format!("sqlite://{}", file.path().display()), 4).await.unwrap();
        db.migrate().await.unwrap();
        let directories = db.share(Share::Directory);
        let permits = directories.permits.read.available_permits();
        assert!((1..=2).contains(&permits));
        let mut held = Vec::new();
        for _ in 0..permits {
            held.push(directories.read().await.unwrap());
        }
        assert_eq!(directories.free_in_share(), Some(0));
        assert!(waits(std::pin::pin!(directories.read())).await, "the share is used up");
        drop(db.read().await.expect("others read on"));

        // One directory writes and sixty-four want to: whoever else writes is next.
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
            "it waited for the one before it, for no queue"
        );
        drop(login);
        for one in waiting {
            one.await.unwrap().unwrap();
        }
    }

    /// Whether something is not to be had at once: it is asked one time.
    async fn waits<T>(mut wanted: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
        std::future::poll_fn(|context| std::task::Poll::Ready(wanted.as_mut().poll(context).is_pending()))
            .await
    }

    #[tokio::test]
    async fn a_server_that_is_down_is_told_as_that() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Db::connect(&format!("postgres://x@{free}/x"), 2).await.unwrap_err().to_string();
        assert!(error.contains("refused"), "{error}");
    }
}
