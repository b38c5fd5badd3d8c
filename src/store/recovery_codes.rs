//! Recovery codes. Only digests are stored.

use base::{secret::Digest, time::Timestamp};
use model::account::AccountId;

use super::{Conn, Result};

/// Adds a code.
pub async fn insert(conn: &mut Conn, account: AccountId, code: Digest, now: Timestamp) -> Result<()> {
    conn.sql("INSERT INTO recovery_codes (account_id, code_sha256, created_at) VALUES ($1, $2, $3)")
        .bind(account.to_string())
        .bind(code)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Uses a code up. Returns whether it was there and not used.
pub async fn consume(conn: &mut Conn, account: AccountId, code: Digest, now: Timestamp) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE recovery_codes SET consumed_at = $3 \
             WHERE account_id = $1 AND code_sha256 = $2 AND consumed_at IS NULL",
        )
        .bind(account.to_string())
        .bind(code)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Whether an account has this code, used or not.
pub async fn exists(conn: &mut Conn, account: AccountId, code: Digest) -> Result<bool> {
    let row: Option<(Timestamp,)> = conn
        .sql("SELECT created_at FROM recovery_codes WHERE account_id = $1 AND code_sha256 = $2")
        .bind(account.to_string())
        .bind(code)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// How many codes of an account are not used, and when all of them were made. `None` if it has none.
pub async fn count(conn: &mut Conn, account: AccountId) -> Result<Option<(i64, Timestamp)>> {
    conn.sql(
        "SELECT SUM(CASE WHEN consumed_at IS NULL THEN 1 ELSE 0 END), MIN(created_at) FROM recovery_codes \
         WHERE account_id = $1 GROUP BY account_id",
    )
    .bind(account.to_string())
    .optional()
    .await
}

/// Deletes every code of an account, used or not.
pub async fn remove_all(conn: &mut Conn, account: AccountId) -> Result<()> {
    conn.sql("DELETE FROM recovery_codes WHERE account_id = $1").bind(account.to_string()).execute().await?;
    Ok(())
}
