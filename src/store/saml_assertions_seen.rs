//! The accepted assertions: the replay cache, in the table `saml_assertions_seen`.

use base::{id::SamlConnectionId, secret::Digest, time::Timestamp};

use super::{Conn, Result, batch::DELETE_BATCH_SIZE, clock};

/// Stores the digest of an accepted assertion until `expires_at`. Returns whether it is the first time; the
/// database decides between concurrent replicas (SAML profiles §4.1.4.5).
pub async fn insert(
    conn: &mut Conn,
    connection: SamlConnectionId,
    assertion: Digest,
    expires_at: Timestamp,
) -> Result<bool> {
    let rows = conn
        .sql(
            "INSERT INTO saml_assertions_seen (saml_connection_id, assertion_sha256, expires_at) VALUES ($1, $2, $3) \
             ON CONFLICT (saml_connection_id, assertion_sha256) DO NOTHING",
        )
        .bind(connection)
        .bind(assertion)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Whether an assertion was accepted before.
pub async fn is_known(conn: &mut Conn, connection: SamlConnectionId, assertion: Digest) -> Result<bool> {
    let row: Option<(Timestamp,)> = conn
        .sql(
            "SELECT expires_at FROM saml_assertions_seen WHERE saml_connection_id = $1 AND assertion_sha256 = $2",
        )
        .bind(connection)
        .bind(assertion)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Deletes assertions that have expired on every replica. Returns how many.
pub async fn remove_expired(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    let before = clock::expiry_cutoff(conn, now).await?;
    conn.sql(
        "DELETE FROM saml_assertions_seen WHERE (saml_connection_id, assertion_sha256) IN \
         (SELECT saml_connection_id, assertion_sha256 FROM saml_assertions_seen WHERE expires_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
