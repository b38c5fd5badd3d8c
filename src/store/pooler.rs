//! Poolers before PostgreSQL, such as PgBouncer.
//!
//! Where each transaction gets another server process, the time limits that a session sets are those of whoever comes next,
//! the lock of a migration is held by nobody, and prepared statements are missing or made twice. Session pooling is fine.

use sqlx::{Postgres, Row as _};
use tokio::time::timeout;

use super::{
    error::{Error, Result},
    pool::{Lease, Patience, Pool},
};

/// Refuses a server that gives two open sessions one process. A pooler hands out the process that became free last, so the
/// second session gets that of the first; where somebody else was quicker, the first one gets another when it asks again.
pub(super) async fn refuse(pool: &Pool<Postgres>, patience: Patience) -> Result<()> {
    let mut first = pool.acquire(patience).await?;
    let process = process_of(&mut first, patience).await?;
    let mut second = pool.begin(patience, "BEGIN").await?;
    if process_of(&mut second, patience).await? == process
        || process_of(&mut first, patience).await? != process
    {
        return Err(Error::Pooler);
    }
    Ok(())
}

/// The server process of a session. The simple protocol prepares nothing.
async fn process_of(lease: &mut Lease<Postgres>, patience: Patience) -> Result<i32> {
    let query = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(lease.start()?);
    let outcome = timeout(patience.deadline, query).await;
    Ok(lease.finish(outcome)?.try_get(0)?)
}
