//! Secrets of authenticator apps. They are sealed.

use base::time::Timestamp;
use model::account::AccountId;

use super::{Conn, Result};

/// The secret of an account.
#[derive(sqlx::FromRow)]
pub struct StoredTotp {
    /// The sealed secret.
    pub secret: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// The secret of an account, if it has one.
pub async fn find(conn: &mut Conn, account: AccountId) -> Result<Option<StoredTotp>> {
    conn.sql("SELECT secret, created_at FROM totp_secrets WHERE account_id = $1")
        .bind(account.to_string())
        .optional()
        .await
}

/// Sets the secret of an account. No code of it is used.
pub async fn upsert(conn: &mut Conn, account: AccountId, sealed: &str, now: Timestamp) -> Result<()> {
    conn.sql(
        "INSERT INTO totp_secrets (account_id, secret, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (account_id) DO UPDATE \
         SET secret = excluded.secret, created_at = excluded.created_at, last_used_step = NULL",
    )
    .bind(account.to_string())
    .bind(sealed)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Uses the code of a step up, unless it was used, or a later one, or the secret is another. Returns whether it did.
pub async fn use_step(conn: &mut Conn, account: AccountId, sealed: &str, step: i64) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE totp_secrets SET last_used_step = $3 WHERE account_id = $1 AND secret = $2 \
             AND (last_used_step IS NULL OR last_used_step < $4)",
        )
        .bind(account.to_string())
        .bind(sealed)
        .bind(step)
        .bind(step)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Removes the secret of an account. Returns whether it had one.
pub async fn remove(conn: &mut Conn, account: AccountId) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM totp_secrets WHERE account_id = $1")
        .bind(account.to_string())
        .execute()
        .await?;
    Ok(touched == 1)
}
