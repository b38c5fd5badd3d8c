//! Which replica runs a job: the table `leases`.

use base::time::Timestamp;

use super::{Conn, error::Result};

/// Acquires the lease `name` until `until`, if it is free, expired, or already held by `holder`. Returns
/// whether it did.
pub async fn acquire(
    conn: &mut Conn,
    name: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql(
            "INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
             SET holder = excluded.holder, expires_at = excluded.expires_at \
             WHERE leases.holder = excluded.holder OR leases.expires_at < $4",
        )
        .bind(name)
        .bind(holder)
        .bind(until)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}
