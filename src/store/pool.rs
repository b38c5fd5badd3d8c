//! The pool of one driver's connections.
//!
//! A connection belongs to the runtime that opened the pool, not to the HTTP worker that needed it first. It returns
//! without a round trip, is pinged before its next use only after a rest, and is dropped as soon as nobody knows its state:
//! after a time-out, a caller who went away, or an error of the connection itself. Then the others that rest are dropped
//! too, since whatever broke one of them broke them all.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult};
use sqlx::{
    ConnectOptions as _, Connection, Database, PgConnection, Postgres, Sqlite, SqliteConnection,
    postgres::PgQueryResult, sqlite::SqliteQueryResult,
};
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit, time::timeout};

use super::{
    client_places::ClientPlace,
    error::{Error, Result, failure_reason, is_connection_closed, is_connection_lost},
};
use crate::telemetry;

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);

/// After how long a rest a connection is pinged before it is used.
const PING_AFTER_REST: Duration = Duration::from_secs(5);

/// How long a ping, or the rollback of an abandoned transaction, may take.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a statement of PostgreSQL whose caller went away keeps its connection's place: as long as the server may work on
/// one of a request (`statement_timeout`; jobs, which may take longer, are few). Else callers who come and go would open more
/// connections than the pool may have.
const ABANDONED_TIMEOUT: Duration = Duration::from_secs(6);

/// How long a connection rests before it is closed.
const MAX_REST: Duration = Duration::from_secs(10 * 60);

/// How old a connection becomes. The server frees what a session has gathered, and replicas spread over new servers.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// How many callers may wait for each connection of the pool. More are refused at once.
pub(super) const MAX_WAITING_EACH: usize = 32;

/// What the pool must know of a driver.
pub(super) trait Driver: Database<Connection: Connection<Options: Sync> + Sync> {
    /// Whether a statement whose caller went away ends by itself, so that the connection's state is known afterwards.
    const ENDS_ABANDONED_STATEMENTS: bool;

    /// Prepares a new connection.
    fn prepare(conn: &mut Self::Connection) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Runs statements that have no parameters and no result.
    fn run(conn: &mut Self::Connection, text: &'static str) -> impl Future<Output = sqlx::Result<()>> + Send;
}

impl Driver for Sqlite {
    /// Each connection has a thread, which runs what it was given to the end.
    const ENDS_ABANDONED_STATEMENTS: bool = true;

    async fn prepare(_: &mut SqliteConnection) -> sqlx::Result<()> {
        Ok(())
    }

    async fn run(conn: &mut SqliteConnection, text: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(text).execute(conn).await.map(|_: SqliteQueryResult| ())
    }
}

/// What the server itself does about a client that it cannot reach, a lock that is not freed and a transaction that nobody
/// goes on with. The client's own deadlines come first; these are for what it can no longer end.
const POSTGRES_SESSION: &str = "SET lock_timeout = 3000; SET idle_in_transaction_session_timeout = 60000; \
     SET tcp_user_timeout = 10000; SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 5; \
     SET tcp_keepalives_count = 3";

impl Driver for Postgres {
    const ENDS_ABANDONED_STATEMENTS: bool = false;

    async fn prepare(conn: &mut PgConnection) -> sqlx::Result<()> {
        Self::run(conn, POSTGRES_SESSION).await
    }

    async fn run(conn: &mut PgConnection, text: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(text).execute(conn).await.map(|_: PgQueryResult| ())
    }
}

type Options<D> = <<D as Database>::Connection as Connection>::Options;

/// Opens connections and looks after those that rest.
struct Opener<D: Driver> {
    options: Options<D>,
    runtime: Handle,
    /// Raised when a connection was lost. Connections of an earlier epoch are not used again.
    epoch: Arc<AtomicU64>,
}

/// A connection of the pool.
struct Pooled<D: Driver> {
    conn: D::Connection,
    epoch: u64,
    resting_since: Instant,
    /// What its session was last set to.
    session: &'static str,
}

impl<D: Driver> managed::Manager for Opener<D> {
    type Type = Pooled<D>;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<Pooled<D>> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        let options = self.options.clone();
        let opening = async move {
            let mut conn = options.connect().await?;
            D::prepare(&mut conn).await?;
            Ok::<_, sqlx::Error>(conn)
        };
        let opened = self.runtime.spawn(timeout(CONNECT_TIMEOUT, opening)).await;
        let conn = match opened {
            Ok(Ok(opened)) => opened?,
            Ok(Err(_)) => return Err(timed_out("the server does not answer")),
            Err(_) => return Err(sqlx::Error::PoolClosed),
        };
        Ok(Pooled { conn, epoch, resting_since: Instant::now(), session: "" })
    }

    async fn recycle(&self, pooled: &mut Pooled<D>, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if pooled.epoch != self.epoch.load(Ordering::Relaxed) {
            return Err(RecycleError::message("another connection was lost since"));
        }
        if metrics.age() > MAX_AGE {
            return Err(RecycleError::message("it is old"));
        }
        if pooled.resting_since.elapsed() < PING_AFTER_REST {
            return Ok(());
        }
        match timeout(SETTLE_TIMEOUT, pooled.conn.ping()).await {
            Ok(Ok(())) => Ok(()),
            _ => {
                self.epoch.fetch_add(1, Ordering::Relaxed);
                Err(RecycleError::message("it does not answer"))
            }
        }
    }
}

fn timed_out(text: &'static str) -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text))
}

/// How long a caller waits for the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For one statement.
    pub(super) deadline: Duration,
    /// What makes a PostgreSQL server end a statement that nobody waits for any more.
    pub(super) session: &'static str,
}

/// What allows a caller to hold a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    /// Of the share that the connection is used for.
    pub(super) _of_share: OwnedSemaphorePermit,
    /// Of several shares together.
    pub(super) _of_several: Option<OwnedSemaphorePermit>,
    /// Of the client whose request it is for.
    pub(super) _of_client: Option<ClientPlace>,
}

/// The pool: cheap to clone.
pub(super) struct Pool<D: Driver> {
    connections: managed::Pool<Opener<D>>,
    runtime: Handle,
    epoch: Arc<AtomicU64>,
}

impl<D: Driver> std::fmt::Debug for Pool<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("status", &self.connections.status()).finish_non_exhaustive()
    }
}

impl<D: Driver> Clone for Pool<D> {
    fn clone(&self) -> Self {
        Self {
            connections: self.connections.clone(),
            runtime: self.runtime.clone(),
            epoch: Arc::clone(&self.epoch),
        }
    }
}

impl<D: Driver> Pool<D> {
    /// A pool of at most `size` connections, which are opened on the current runtime when they are needed.
    pub(super) fn new(options: Options<D>, size: usize) -> Result<Self> {
        let runtime = Handle::current();
        let epoch = Arc::new(AtomicU64::new(0));
        let opener = Opener { options, runtime: runtime.clone(), epoch: Arc::clone(&epoch) };
        let connections = managed::Pool::builder(opener)
            .max_size(size)
            // Those at the bottom rest, and are closed after a while.
            .queue_mode(QueueMode::Lifo)
            .build()
            .map_err(|error| Error::Database(sqlx::Error::Configuration(error.into())))?;
        let this = Self { connections, runtime, epoch };
        this.close_resting();
        Ok(this)
    }

    /// Closes connections that have rested for long, until the pool is closed.
    fn close_resting(&self) {
        let pool = self.connections.weak();
        self.runtime.spawn(async move {
            loop {
                tokio::time::sleep(MAX_REST / 10).await;
                let Some(pool) = pool.upgrade().filter(|pool| !pool.is_closed()) else { return };
                let old = pool.retain(|pooled, _| pooled.resting_since.elapsed() < MAX_REST);
                drop(pool);
                close(old.removed).await;
            }
        });
    }

    /// A connection. [`Error::Busy`]: too many wait already, or none became free in time.
    pub(super) async fn acquire(&self, patience: Patience) -> Result<Lease<D>> {
        self.start(patience, None).await
    }

    /// A connection in a transaction, which `begin` begins.
    pub(super) async fn begin(&self, patience: Patience, begin: &'static str) -> Result<Lease<D>> {
        self.start(patience, Some(begin)).await
    }

    /// A connection that is lost by then is replaced once, since nothing else was sent on it.
    async fn start(&self, patience: Patience, begin: Option<&'static str>) -> Result<Lease<D>> {
        let mut lease = self.take().await?;
        match lease.prepare(patience, begin).await {
            Err(error) if is_connection_closed(&error) => {
                drop(lease);
                lease = self.take().await?;
                lease.prepare(patience, begin).await?;
            }
            outcome => outcome?,
        }
        Ok(lease)
    }

    async fn take(&self) -> Result<Lease<D>> {
        let status = self.connections.status();
        if status.waiting >= status.max_size * MAX_WAITING_EACH {
            return Err(Error::Busy);
        }
        let began = Instant::now();
        let object = match timeout(ACQUIRE_TIMEOUT, self.connections.get()).await {
            Ok(Ok(object)) => object,
            Ok(Err(PoolError::Backend(error))) => return Err(error.into()),
            Ok(Err(_)) => return Err(sqlx::Error::PoolClosed.into()),
            Err(_) => return Err(Error::Busy),
        };
        telemetry::connection_acquired(began.elapsed());
        Ok(Lease {
            object: Some(object),
            runtime: self.runtime.clone(),
            epoch: Arc::clone(&self.epoch),
            state: Use::Idle,
            in_transaction: false,
            permit: None,
        })
    }

    /// A connection of its own, which is not one of the pool's and has no deadlines.
    pub(super) async fn open(&self) -> Result<D::Connection> {
        Ok(self.connections.manager().options.connect().await?)
    }

    /// Replaces every connection before its next use: they may be set up for what the server was before.
    pub(super) fn renew(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections are open, and how many of them are not in use.
    pub(super) fn size(&self) -> (usize, usize) {
        let status = self.connections.status();
        (status.size, status.available)
    }

    /// Closes the pool; connections in use are closed when they are returned.
    pub(super) async fn close(&self) {
        let resting = self.connections.retain(|_, _| false);
        self.connections.close();
        close(resting.removed).await;
    }
}

/// Takes leave of the server.
async fn close<D: Driver>(connections: Vec<Pooled<D>>) {
    for pooled in connections {
        // If it cannot be reached, there is nobody to take leave of.
        let _ = timeout(SETTLE_TIMEOUT, pooled.conn.close()).await;
    }
}

/// What is known about a connection in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Everything that was sent was answered.
    Idle,
    /// A statement was sent and not answered yet.
    Waiting,
    /// Its state is not known.
    Lost,
}

/// A connection in use. Dropped, it returns to the pool, after a rollback if it is in a transaction.
pub(super) struct Lease<D: Driver> {
    object: Option<Object<Opener<D>>>,
    runtime: Handle,
    epoch: Arc<AtomicU64>,
    state: Use,
    in_transaction: bool,
    /// What allows to hold the connection, for as long as it is held: also after its caller went away.
    permit: Option<Arc<Permit>>,
}

impl<D: Driver> std::fmt::Debug for Lease<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("state", &self.state)
            .field("in_transaction", &self.in_transaction)
            .finish_non_exhaustive()
    }
}

impl<D: Driver> Lease<D> {
    /// Keeps the permit until the connection is given back.
    pub(super) fn keep(&mut self, permit: Option<Arc<Permit>>) {
        self.permit = permit;
    }

    /// The connection, for one statement: [`Lease::finish`] must get its outcome. A caller who goes away in between leaves
    /// the connection in a state that is not known.
    pub(super) fn start(&mut self) -> sqlx::Result<&mut D::Connection> {
        self.state = match self.state {
            Use::Lost => return Err(timed_out("the connection was lost before")),
            Use::Idle | Use::Waiting => Use::Waiting,
        };
        // Only `drop` takes the object.
        self.object.as_mut().map(|object| &mut object.conn).ok_or(sqlx::Error::PoolClosed)
    }

    /// The outcome of a statement that was given a deadline.
    pub(super) fn finish<T>(
        &mut self,
        outcome: Result<sqlx::Result<T>, tokio::time::error::Elapsed>,
    ) -> sqlx::Result<T> {
        let outcome = outcome.unwrap_or_else(|_| Err(timed_out("the statement took too long")));
        if let Some(reason) = outcome.as_ref().err().and_then(failure_reason) {
            telemetry::statement_failed(reason);
        }
        match &outcome {
            Err(error) if is_connection_lost(error) => {
                self.state = Use::Lost;
                self.epoch.fetch_add(1, Ordering::Relaxed);
            }
            _ => self.state = Use::Idle,
        }
        outcome
    }

    async fn run(&mut self, text: &'static str, deadline: Duration) -> sqlx::Result<()> {
        let outcome = timeout(deadline, D::run(self.start()?, text)).await;
        self.finish(outcome)
    }

    /// Sets up the session, unless it is as it must be, and begins a transaction if one is wanted.
    async fn prepare(&mut self, patience: Patience, begin: Option<&'static str>) -> sqlx::Result<()> {
        if self.object.as_ref().is_some_and(|object| object.session != patience.session) {
            self.run(patience.session, patience.deadline).await?;
            if let Some(object) = &mut self.object {
                object.session = patience.session;
            }
        }
        if let Some(begin) = begin {
            self.in_transaction = true;
            let begun = self.run(begin, patience.deadline).await;
            self.in_transaction = begun.is_ok();
            begun?;
        }
        Ok(())
    }

    /// Commits the transaction.
    pub(super) async fn commit(mut self, deadline: Duration) -> sqlx::Result<()> {
        let committed = self.run("COMMIT", deadline).await;
        self.in_transaction = false;
        if committed.is_err() {
            // It may be in a transaction still, or not any more.
            self.state = Use::Lost;
        }
        committed
    }

    /// Whether it is in a transaction.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.in_transaction
    }
}

impl<D: Driver> Drop for Lease<D> {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else { return };
        let abandoned = self.state == Use::Waiting;
        if self.state == Use::Lost {
            drop(Object::take(object));
            return;
        }
        let permit = self.permit.take();
        if abandoned && !D::ENDS_ABANDONED_STATEMENTS {
            self.runtime.spawn(async move {
                // Reads the rest of the answer first.
                let _ = timeout(ABANDONED_TIMEOUT, object.conn.ping()).await;
                drop(Object::take(object));
                drop(permit);
            });
            return;
        }
        object.resting_since = Instant::now();
        if !abandoned && !self.in_transaction {
            return;
        }
        let in_transaction = self.in_transaction;
        self.runtime.spawn(async move {
            let settle = async {
                match in_transaction {
                    true => D::run(&mut object.conn, "ROLLBACK").await,
                    false => object.conn.ping().await,
                }
            };
            match timeout(SETTLE_TIMEOUT, settle).await {
                Ok(Ok(())) => drop(object),
                _ => drop(Object::take(object)),
            }
            drop(permit);
        });
    }
}
