//! Secrets of applications that were just made, sealed, until they are read.

use base::{id::ApplicationId, time::Timestamp};

use super::{Conn, Result, batch::DELETE_BATCH_SIZE};

/// Keeps the secret of an application until it is read.
pub async fn put(conn: &mut Conn, id: ApplicationId, sealed: &str, expires_at: Timestamp) -> Result<()> {
    conn.sql(
        "INSERT INTO issued_secrets (application_id, secret, expires_at) VALUES ($1, $2, $3) \
         ON CONFLICT (application_id) DO UPDATE SET secret = excluded.secret, expires_at = excluded.expires_at",
    )
    .bind(id)
    .bind(sealed)
    .bind(expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Takes the secret of an application: nobody gets it a second time.
pub async fn take(conn: &mut Conn, id: ApplicationId, now: Timestamp) -> Result<Option<String>> {
    let row: Option<(String,)> = conn
        .sql("DELETE FROM issued_secrets WHERE application_id = $1 AND expires_at > $2 RETURNING secret")
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.map(|(secret,)| secret))
}

/// Forgets the secret of an application.
pub async fn remove(conn: &mut Conn, id: ApplicationId) -> Result<()> {
    conn.sql("DELETE FROM issued_secrets WHERE application_id = $1").bind(id).execute().await?;
    Ok(())
}

/// Deletes a batch of what nobody read in time. Returns how many.
pub async fn remove_expired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM issued_secrets WHERE application_id IN \
         (SELECT application_id FROM issued_secrets WHERE expires_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
