//! The database's clock, and which time decides that a row has expired when the clocks of replicas and database
//! differ.

use std::time::Duration;

use base::time::Timestamp;

use super::{Conn, Dialect, Result};

/// How far the clock of a replica may lag behind the database's.
pub const MAX_REPLICA_SKEW: Duration = Duration::from_secs(3600);

/// The database server's clock. `None` for SQLite, which uses our own clock.
pub async fn database_time(conn: &mut Conn, dialect: Dialect) -> Result<Option<Timestamp>> {
    match dialect {
        Dialect::Sqlite => Ok(None),
        Dialect::Postgres => {
            let (millis,): (i64,) =
                conn.sql("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)").one().await?;
            Ok(Some(Timestamp::from_millis(millis)))
        }
    }
}

/// The earlier of the caller's clock and the database's. A replica whose clock is ahead does not expire rows
/// that the other replicas still need.
pub async fn earliest(conn: &mut Conn, now: Timestamp) -> Result<Timestamp> {
    let text = match conn.dialect() {
        Dialect::Sqlite => "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        Dialect::Postgres => "SELECT CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)",
    };
    let (database,): (i64,) = conn.sql(text).one().await?;
    Ok(now.min(Timestamp::from_millis(database)))
}

/// The cutoff before which a row has expired on every replica. Rows that prevent replay (assertions,
/// challenges, idempotency keys) are deleted only when they are older.
pub(super) async fn expiry_cutoff(conn: &mut Conn, now: Timestamp) -> Result<Timestamp> {
    Ok(earliest(conn, now).await? - MAX_REPLICA_SKEW)
}
