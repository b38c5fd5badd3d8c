//! The database: its pools, their shares, and its migrations.
//!
//! [`Db`] selects the driver from the URL. The reasons of this design are
//! in `docs/decisions.md`.
//!
//! The pool has shares: SCIM requests use at most [`PoolShare::Directory`], so that a login always gets a
//! connection and waits for at most one writer on SQLite.

use std::{
    fs, io,
    num::NonZeroUsize,
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
    Connection as _, SqlitePool,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    connection::{Conn, Dialect, Handle, StatementCounts, Transaction},
    error::{Error, Result},
};

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// After how much idle time a PostgreSQL connection is pinged before it is used.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);

/// How long the connection attempt that diagnoses a pool timeout may take.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(3);

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

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
    /// How many write transactions were requested.
    writes: Arc<AtomicU64>,
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
        Self {
            pools,
            share: PoolShare::General,
            permits,
            statements: StatementCounts::default(),
            writes: Arc::default(),
        }
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

    /// How many write transactions were requested in total, over all shares. Tests use it to see that a request
    /// has come as far as its transaction.
    pub fn requested_writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
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
        Ok(Conn::new(handle, self.statements.clone(), permit))
    }

    /// A transaction for writing. It rolls back unless it is committed.
    pub async fn write(&self) -> Result<Transaction> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let permit = self.permit(&self.permits.write).await?;
        let handle = match &self.pools {
            Pools::Sqlite { writer, .. } => {
                Handle::SqliteTransaction(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Pools::Postgres(pool) => Handle::PostgresTransaction(pool.begin().await?),
        };
        Ok(Transaction(Conn::new(handle, self.statements.clone(), permit)))
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

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
        let mut waiting: Vec<_> =
            (0..64).map(|_| Box::pin(async { directories.write().await.unwrap().commit().await })).collect();
        for one in &mut waiting {
            assert!(waits(one.as_mut()).await);
        }
        let mut login = std::pin::pin!(db.write());
        assert!(waits(login.as_mut()).await, "the writer is held");
        writing.commit().await.unwrap();
        let login = login.await.unwrap();
        for one in &mut waiting {
            assert!(
                waits(one.as_mut()).await,
                "the login waits for the current writer only, not for the queue"
            );
        }
        drop(login);
        for one in waiting {
            one.await.unwrap();
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
