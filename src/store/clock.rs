//! What time a replica may go by when it lets go of what another one still needs.

use std::time::Duration;

use super::{Conn, Dialect, Result};
use crate::model::time::Timestamp;

/// How far the clock of a replica may be behind the database's.
pub const MAX_REPLICA_SKEW: Duration = Duration::from_secs(3600);

/// The earlier of the caller's clock and the database's: a replica whose clock is ahead does not end what is
/// still good for the others.
pub async fn earliest(conn: &mut Conn, now: Timestamp) -> Result<Timestamp> {
    let text = match conn.dialect() {
        Dialect::Sqlite => "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        Dialect::Postgres => "SELECT CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)",
    };
    let (database,): (i64,) = conn.sql(text).one().await?;
    Ok(now.min(Timestamp::from_millis(database)))
}

/// Before which moment everything is over on every replica: what keeps a thing from happening twice (an
/// assertion, a challenge, an idempotency key) is let go of only then.
pub(super) async fn over_everywhere(conn: &mut Conn, now: Timestamp) -> Result<Timestamp> {
    Ok(earliest(conn, now).await? - MAX_REPLICA_SKEW)
}
