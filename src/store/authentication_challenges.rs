//! Challenges of sign-ins that were answered: WebAuthn challenges, and the states of single sign-ons.

use base::{secret::Digest, time::Timestamp};

use super::{Conn, Result, clock};

/// Marks a challenge as answered. Returns whether this was the first answer.
pub async fn consume(conn: &mut Conn, challenge: Digest, expires_at: Timestamp) -> Result<bool> {
    let written = conn
        .sql("INSERT INTO authentication_challenges (id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(challenge)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(written == 1)
}

/// Deletes a batch of answered challenges that have expired on every replica. Returns how many.
pub async fn remove_expired(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    let before = clock::expiry_cutoff(conn, now).await?;
    conn.sql(
        "DELETE FROM authentication_challenges WHERE id IN \
         (SELECT id FROM authentication_challenges WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    )
    .bind(before)
    .execute()
    .await
}
