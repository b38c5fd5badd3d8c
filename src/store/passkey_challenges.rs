//! Challenges for new passkeys that wait for their answers: one at a time for an account.

use base::time::Timestamp;
use model::account::AccountId;

use super::{Conn, Result, clock};

/// Sets the challenge of an account.
pub async fn upsert(conn: &mut Conn, account: AccountId, state: &str, expires_at: Timestamp) -> Result<()> {
    conn.sql(
        "INSERT INTO passkey_challenges (account_id, state, expires_at) VALUES ($1, $2, $3) \
         ON CONFLICT (account_id) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at",
    )
    .bind(account.to_string())
    .bind(state)
    .bind(expires_at)
    .execute()
    .await?;
    Ok(())
}

/// The challenge of an account that has not expired.
pub async fn find(conn: &mut Conn, account: AccountId, now: Timestamp) -> Result<Option<String>> {
    let row: Option<(String,)> = conn
        .sql("SELECT state FROM passkey_challenges WHERE account_id = $1 AND expires_at > $2")
        .bind(account.to_string())
        .bind(now)
        .optional()
        .await?;
    Ok(row.map(|(state,)| state))
}

/// Uses the challenge of an account up. Returns whether it is still this one.
pub async fn consume(conn: &mut Conn, account: AccountId, state: &str) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM passkey_challenges WHERE account_id = $1 AND state = $2")
        .bind(account.to_string())
        .bind(state)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes the challenge of an account.
pub async fn remove(conn: &mut Conn, account: AccountId) -> Result<()> {
    conn.sql("DELETE FROM passkey_challenges WHERE account_id = $1")
        .bind(account.to_string())
        .execute()
        .await?;
    Ok(())
}

/// Deletes a batch of challenges that have expired on every replica. Returns how many.
pub async fn remove_expired(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    let before = clock::expiry_cutoff(conn, now).await?;
    conn.sql(
        "DELETE FROM passkey_challenges WHERE account_id IN \
         (SELECT account_id FROM passkey_challenges WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    )
    .bind(before)
    .execute()
    .await
}
