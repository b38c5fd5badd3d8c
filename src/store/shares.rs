//! The shares of the pool: what a connection is used for, and how many each use may hold.

use std::{num::NonZeroUsize, sync::Arc, thread, time::Duration};

use tokio::sync::Semaphore;

use super::{connection::Dialect, pool::Patience};

/// How long the probe of readiness may take, and how long its result holds.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_millis(900);

/// What a connection is used for, which bounds how many may be in use at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolShare {
    /// Logins, the console, the API and jobs: every connection of the pool.
    General,
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
            Self::General | Self::Directory => (Duration::from_secs(4), "SET statement_timeout = 5000"),
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
    pub(super) directory: SharePermits,
    pub(super) jobs: SharePermits,
}

/// How many connections one share may hold. On PostgreSQL reads and writes use the same permits.
#[derive(Debug, Clone)]
pub(super) struct SharePermits {
    pub(super) read: Arc<Semaphore>,
    pub(super) write: Arc<Semaphore>,
}

impl SharePermits {
    pub(super) fn sqlite(readers: usize) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let read = Arc::new(Semaphore::new(readers.min(cores).max(1)));
        Self { read, write: Arc::new(Semaphore::new(1)) }
    }

    pub(super) fn postgres(connections: usize) -> Self {
        let both = Arc::new(Semaphore::new(connections.max(1)));
        Self { read: Arc::clone(&both), write: both }
    }
}

impl Permits {
    pub(super) fn new(size: usize, of: fn(usize) -> SharePermits) -> Self {
        Self { directory: of(size / 2), jobs: of(size / 4) }
    }
}
