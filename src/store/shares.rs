//! The shares of the database's connections. Logins leave a quarter of them to all other work, and all other work together
//! leaves a quarter to logins, however long a lock or a slow statement takes. On SQLite a login waits for at most one writer
//! of each other kind.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    client_places::ClientPlaces,
    connection::Dialect,
    error::{Error, Result},
    pool::{MAX_WAITING_EACH, Patience, Permit},
};

/// How long a caller waits for a permit of its share.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(4);

/// How long the probe of readiness may take, and how long its result holds.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_millis(900);

/// What a connection is used for, which bounds how many may be in use at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolShare {
    /// Commands, and what is done before a server serves: every connection of the pool.
    General,
    /// Logins. At most three quarters of the pool, so that a table that only they use does not stop everything else.
    Login,
    /// The console, the setup pages and the API. At most three quarters of the pool, and one waiter for the writer of
    /// SQLite at a time.
    Management,
    /// SCIM requests, the SCIM request log and exports. At most half of the pool; on SQLite at most as many
    /// readers as there are cores, and one waiter for the writer at a time.
    Directory,
    /// Background jobs. At most a quarter of the pool, and one waiter for the writer of SQLite at a time; their
    /// statements may take longer.
    Jobs,
    /// The probe of readiness: on PostgreSQL a connection of its own.
    Probe,
}

impl PoolShare {
    pub(super) fn patience(self, dialect: Dialect) -> Patience {
        let (deadline, session) = match self {
            Self::General | Self::Login | Self::Management | Self::Directory => {
                (Duration::from_secs(4), "SET statement_timeout = 5000")
            }
            Self::Jobs => (Duration::from_secs(60), "SET statement_timeout = 65000"),
            Self::Probe => (PROBE_TIMEOUT, "SET statement_timeout = 1000"),
        };
        // SQLite has no such setting.
        let session = if dialect == Dialect::Postgres { session } else { "" };
        Patience { deadline, session }
    }
}

/// How many connections the shares may hold.
#[derive(Debug, Clone)]
pub(super) struct Permits {
    login: SharePermits,
    management: SharePermits,
    directory: SharePermits,
    jobs: SharePermits,
    /// What all but logins may hold together.
    but_logins: SharePermits,
}

/// How many connections one share may hold. On PostgreSQL reads and writes use the same permits.
#[derive(Debug, Clone)]
pub(super) struct SharePermits {
    read: Turns,
    write: Turns,
    /// Behind a proxy that is not trusted all people are one client: what waits for a directory takes no place of a login.
    clients: ClientPlaces,
}

/// A quarter of the line for a pool of `size` connections.
fn client_places(size: usize) -> ClientPlaces {
    ClientPlaces::new((MAX_WAITING_EACH * size / 4).max(1))
}

impl Permits {
    /// For a pool of `readers` connections of SQLite, beside its writer.
    pub(super) fn sqlite(readers: usize) -> Self {
        const ANY: usize = Semaphore::MAX_PERMITS;
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let share = |read, write| SharePermits {
            read: Turns::new(read, readers),
            write: Turns::new(write, readers),
            clients: client_places(readers),
        };
        let most = readers - readers / 4;
        Self {
            login: share(most, ANY),
            management: share(most, 1),
            directory: share((readers / 2).min(cores), 1),
            jobs: share((readers / 4).min(cores), 1),
            but_logins: share(most, ANY),
        }
    }

    /// For a pool of `size` connections of PostgreSQL.
    pub(super) fn postgres(size: usize) -> Self {
        let share = |count| {
            let both = Turns::new(count, size);
            SharePermits { read: both.clone(), write: both, clients: client_places(size) }
        };
        let most = size - size / 4;
        Self {
            login: share(most),
            management: share(most),
            directory: share(size / 2),
            jobs: share(size / 4),
            but_logins: share(most),
        }
    }

    fn of(&self, share: PoolShare) -> Option<&SharePermits> {
        match share {
            PoolShare::General | PoolShare::Probe => None,
            PoolShare::Login => Some(&self.login),
            PoolShare::Management => Some(&self.management),
            PoolShare::Directory => Some(&self.directory),
            PoolShare::Jobs => Some(&self.jobs),
        }
    }

    /// How many more connections the share may use for reading. `None`: it has no limit of its own.
    pub(super) fn free_to_read(&self, share: PoolShare) -> Option<usize> {
        self.of(share).map(|permits| permits.read.permits.available_permits())
    }

    /// Waits until the share may read. `None`: it has no limit.
    pub(super) async fn to_read(&self, share: PoolShare) -> Result<Option<Permit>> {
        self.take(share, |permits| &permits.read).await
    }

    /// Waits until the share may write. `None`: it has no limit.
    pub(super) async fn to_write(&self, share: PoolShare) -> Result<Option<Permit>> {
        self.take(share, |permits| &permits.write).await
    }

    async fn take(&self, share: PoolShare, of: fn(&SharePermits) -> &Turns) -> Result<Option<Permit>> {
        let Some(permits) = self.of(share) else { return Ok(None) };
        let place = permits.clients.take().await?;
        let of_share = of(permits).take().await?;
        let but_logins = match share {
            PoolShare::Login => None,
            _ => Some(of(&self.but_logins).take().await?),
        };
        Ok(Some(Permit { _of_share: of_share, _of_several: but_logins, _of_client: place }))
    }
}

/// The permits for one use of a share, and the queue for them.
#[derive(Debug, Clone)]
struct Turns {
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    max_waiting: usize,
}

/// A place in the queue; free when dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turns {
    /// At least one permit, of a pool of `size` connections.
    fn new(count: usize, size: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(count.max(1))),
            waiting: Arc::default(),
            max_waiting: MAX_WAITING_EACH * size,
        }
    }

    /// Waits for a permit. [`Error::Busy`]: too many wait already, or none became free in time.
    async fn take(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.waiting);
        if before >= self.max_waiting {
            return Err(Error::Busy);
        }
        let permit = tokio::time::timeout(PERMIT_TIMEOUT, Arc::clone(&self.permits).acquire_owned()).await;
        // The semaphore is never closed.
        permit.ok().and_then(std::result::Result::ok).ok_or(Error::Busy)
    }
}
