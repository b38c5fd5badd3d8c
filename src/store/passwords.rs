//! Passwords of accounts. One is changed under the lock of its account, so that whoever holds the lock reads the one that
//! counts.

use base::time::Timestamp;
use model::account::{AccountId, PasswordHash};

use super::{Conn, Result};

/// The hash of an account's password, if it has one.
pub async fn find(conn: &mut Conn, account: AccountId) -> Result<Option<PasswordHash>> {
    let row: Option<(String,)> = conn
        .sql("SELECT password_hash FROM passwords WHERE account_id = $1")
        .bind(account.to_string())
        .optional()
        .await?;
    Ok(row.map(|(hash,)| PasswordHash(hash)))
}

/// Sets an account's password.
pub async fn upsert(conn: &mut Conn, account: AccountId, hash: &PasswordHash, now: Timestamp) -> Result<()> {
    conn.sql(
        "INSERT INTO passwords (account_id, password_hash, changed_at) VALUES ($1, $2, $3) \
         ON CONFLICT (account_id) DO UPDATE \
         SET password_hash = excluded.password_hash, changed_at = excluded.changed_at",
    )
    .bind(account.to_string())
    .bind(hash.0.as_str())
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Stores another hash of the same password, unless the password was changed. Returns whether it did.
pub async fn update_hash(
    conn: &mut Conn,
    account: AccountId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool> {
    let touched = conn
        .sql("UPDATE passwords SET password_hash = $3 WHERE account_id = $1 AND password_hash = $2")
        .bind(account.to_string())
        .bind(old.0.as_str())
        .bind(new.0.as_str())
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Removes an account's password. Returns whether it had one.
pub async fn remove(conn: &mut Conn, account: AccountId) -> Result<bool> {
    let touched =
        conn.sql("DELETE FROM passwords WHERE account_id = $1").bind(account.to_string()).execute().await?;
    Ok(touched == 1)
}
