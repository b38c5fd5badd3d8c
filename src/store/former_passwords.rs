//! Passwords that accounts had before.

use base::time::Timestamp;
use model::account::{AccountId, PasswordHash};

use super::{Conn, Result};

/// The hashes of the passwords that an account had last, newest first.
pub async fn list(conn: &mut Conn, account: AccountId, limit: i64) -> Result<Vec<PasswordHash>> {
    let rows: Vec<(String,)> = conn
        .sql(
            "SELECT password_hash FROM former_passwords WHERE account_id = $1 \
             ORDER BY replaced_at DESC, password_hash LIMIT $2",
        )
        .bind(account.to_string())
        .bind(limit)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(hash,)| PasswordHash(hash)).collect())
}

/// Adds a password that was replaced.
pub async fn insert(conn: &mut Conn, account: AccountId, hash: &PasswordHash, now: Timestamp) -> Result<()> {
    conn.sql(
        "INSERT INTO former_passwords (account_id, password_hash, replaced_at) VALUES ($1, $2, $3) \
         ON CONFLICT (account_id, password_hash) DO UPDATE SET replaced_at = excluded.replaced_at",
    )
    .bind(account.to_string())
    .bind(hash.0.as_str())
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Deletes all but the newest of an account.
pub async fn remove_older(conn: &mut Conn, account: AccountId, kept: i64) -> Result<()> {
    conn.sql(
        "DELETE FROM former_passwords WHERE account_id = $1 AND password_hash NOT IN \
         (SELECT password_hash FROM former_passwords WHERE account_id = $2 \
         ORDER BY replaced_at DESC, password_hash LIMIT $3)",
    )
    .bind(account.to_string())
    .bind(account.to_string())
    .bind(kept)
    .execute()
    .await?;
    Ok(())
}
