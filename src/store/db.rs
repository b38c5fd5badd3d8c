//! The database: its pools, and the connections that they lend.
//!
//! [`Db`] selects the driver from the URL. The reasons of this design are
//! in `docs/decisions.md`.
//!
//! `shares.rs` says how many connections each kind of work may hold.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use sqlx::{Postgres, Sqlite, postgres::PgConnectOptions, sqlite::SqliteConnectOptions};
use tokio::sync::Mutex;

use super::{
    connection::{Conn, Dialect, Handle, StatementCounts, Transaction},
    error::Result,
    pool::Pool,
    pooler,
    shares::{Permits, PoolShare},
    sqlite_options::{Synchronous, prepare_file},
};

/// Whether the database can be used; `Err` says why not.
pub type Readiness = std::result::Result<(), String>;

/// The database handle: cheap to clone, shared by the whole process.
#[derive(Debug, Clone)]
pub struct Db {
    pub(super) pools: Pools,
    share: PoolShare,
    permits: Permits,
    pub(super) statements: StatementCounts,
    /// How many write transactions were requested.
    writes: Arc<AtomicU64>,
    /// The latest probe, and when it was made.
    pub(super) probed: Arc<Mutex<Option<(Instant, Readiness)>>>,
}

#[derive(Debug, Clone)]
pub(super) enum Pools {
    /// SQLite allows one writer. Readers and the writer have separate pools, so a connection never waits for a
    /// lock that another holds, and SQLite itself rejects a write on a read-only connection.
    Sqlite { readers: Pool<Sqlite>, writer: Pool<Sqlite>, file: PathBuf },
    Postgres {
        requests: Pool<Postgres>,
        /// One connection for the probe of readiness, which waits for nobody.
        probe: Pool<Postgres>,
    },
}

impl Pools {
    /// The pool of PostgreSQL that a share uses.
    fn postgres<'a>(
        share: PoolShare,
        requests: &'a Pool<Postgres>,
        probe: &'a Pool<Postgres>,
    ) -> &'a Pool<Postgres> {
        if share == PoolShare::Probe { probe } else { requests }
    }
}

/// How many connections of the pool are open, and how many of them are idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// Open connections.
    pub open: u32,
    /// Connections that are not in use.
    pub idle: u32,
}

/// How often the first connection to a file is tried while another program holds it up, each time for as long as a lock is waited for.
const OPENINGS: usize = 20;

/// Opens the first connection to a file. That may write to it (the write-ahead log is switched on), and a program that migrates
/// at the same time holds it up for as long as a migration takes.
async fn open_first(writer: &Pool<Sqlite>) -> Result<()> {
    let mut opened = writer.acquire(PoolShare::General.patience(Dialect::Sqlite)).await;
    for _ in 1..OPENINGS {
        if !matches!(opened, Err(super::Error::Busy)) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        opened = writer.acquire(PoolShare::General.patience(Dialect::Sqlite)).await;
    }
    opened.map(drop)
}

impl Db {
    /// Opens the database at `url`: `sqlite://FILE` (created if it does not exist) or `postgres://…`, with at
    /// most `size` connections (for SQLite: readers).
    pub async fn connect(url: &str, size: u32) -> Result<Self> {
        Self::connect_with(url, size, Synchronous::default()).await
    }

    /// The same. `synchronous` is for SQLite.
    pub async fn connect_with(url: &str, size: u32, synchronous: Synchronous) -> Result<Self> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if url.starts_with("sqlite:") {
            let options = prepare_file(url, synchronous).await?;
            let file = options.get_filename().to_owned();
            let writer = Pool::new(options.clone(), 1)?;
            open_first(&writer).await?;
            let readers = Pool::new(options.read_only(true), size.max(1))?;
            let permits = Permits::sqlite(size.max(1));
            Ok(Self::new(Pools::Sqlite { readers, writer, file }, permits))
        } else {
            // No column holds such numbers, and PgBouncer refuses to set their precision.
            let options = url.parse::<PgConnectOptions>()?.extra_float_digits(None);
            let requests = Pool::new(options.clone(), size.max(2))?;
            pooler::refuse(&requests, PoolShare::General.patience(Dialect::Postgres)).await?;
            let probe = Pool::new(options, 1)?;
            let permits = Permits::postgres(size.max(2));
            Ok(Self::new(Pools::Postgres { requests, probe }, permits))
        }
    }

    /// A file that nobody writes.
    pub(super) fn of_backup(options: SqliteConnectOptions, file: &Path) -> Result<Self> {
        let (readers, writer) = (Pool::new(options.clone(), 1)?, Pool::new(options, 1)?);
        Ok(Self::new(Pools::Sqlite { readers, writer, file: file.to_owned() }, Permits::sqlite(1)))
    }

    fn new(pools: Pools, permits: Permits) -> Self {
        Self {
            pools,
            share: PoolShare::General,
            permits,
            statements: StatementCounts::default(),
            writes: Arc::default(),
            probed: Arc::default(),
        }
    }

    /// The same database, with connections taken from `share`.
    #[must_use]
    pub fn with_share(&self, share: PoolShare) -> Self {
        Self { share, ..self.clone() }
    }

    /// How many more read connections the share may take. `None`: the share has no limit of its own.
    pub fn free_in_share(&self) -> Option<usize> {
        self.permits.free_to_read(self.share)
    }

    /// How many statements were started in total, over all shares. Tests use it to measure the cost of a
    /// request.
    pub fn statements(&self) -> u64 {
        self.statements.all.load(Ordering::Relaxed)
    }

    /// How many write transactions were requested in total, but for background jobs. Tests use it to see that a request
    /// has come as far as its transaction.
    pub fn requested_writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// The kind of database.
    pub fn dialect(&self) -> Dialect {
        match self.pools {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Conn> {
        let permit = self.permits.to_read(self.share).await?;
        let patience = self.share.patience(self.dialect());
        let handle = match &self.pools {
            Pools::Sqlite { readers, .. } => Handle::Sqlite(readers.acquire(patience).await?),
            Pools::Postgres { requests, probe } => {
                let pool = Pools::postgres(self.share, requests, probe);
                Handle::Postgres(pool.acquire(patience).await?, pool.clone())
            }
        };
        Ok(Conn::new(handle, patience, self.statements.clone(), permit))
    }

    /// A transaction for writing. It rolls back unless it is committed.
    pub async fn write(&self) -> Result<Transaction> {
        if self.share != PoolShare::Jobs {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        let permit = self.permits.to_write(self.share).await?;
        let patience = self.share.patience(self.dialect());
        let handle = match &self.pools {
            Pools::Sqlite { writer, .. } => Handle::Sqlite(writer.begin(patience, "BEGIN IMMEDIATE").await?),
            Pools::Postgres { requests, probe } => {
                let pool = Pools::postgres(self.share, requests, probe);
                Handle::Postgres(pool.begin(patience, "BEGIN").await?, pool.clone())
            }
        };
        Ok(Transaction(Conn::new(handle, patience, self.statements.clone(), permit)))
    }

    /// The number of statements in the longest transaction since the last call. It bounds how long one request
    /// holds the writer or its row locks.
    pub fn take_longest_transaction(&self) -> u64 {
        self.statements.longest.swap(0, Ordering::Relaxed)
    }

    /// The size of the pool, for `/metrics`.
    pub fn pool_size(&self) -> PoolSize {
        let (open, idle) = match &self.pools {
            Pools::Sqlite { readers, writer, .. } => {
                let (readers, writer) = (readers.size(), writer.size());
                (readers.0 + writer.0, readers.1 + writer.1)
            }
            Pools::Postgres { requests, .. } => requests.size(),
        };
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        PoolSize { open: number(open), idle: number(idle) }
    }

    /// Closes the pools; connections in use are closed when they are returned.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { readers, writer, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres { requests, probe } => {
                requests.close().await;
                probe.close().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn directories_use_up_their_share_and_no_more() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let db = Db::connect(&format!("sqlite://{}", file.path().display()), 4).await.unwrap();
        db.migrate().await.unwrap();
        let directories = db.with_share(PoolShare::Directory);
        let permits = directories.free_in_share().unwrap();
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
