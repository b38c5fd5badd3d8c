//! Passwords of accounts. One is changed under the lock of its account, so that whoever holds the lock reads the one that
//! counts.

use base::time::Timestamp;
use model::account::{AccountId, CredentialState, PasswordHash};

use super::{Conn, Error, Result};

/// The password of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPassword {
    /// Its hash.
    pub hash: PasswordHash,
    /// Whether it can be used.
    pub state: CredentialState,
    /// When it was set.
    pub changed_at: Timestamp,
    /// Until when it can be used; `None` for as long as it is not changed.
    pub expires_at: Option<Timestamp>,
}

impl StoredPassword {
    /// A password that can be used from now on, for as long as it is not changed.
    pub fn valid(hash: PasswordHash, now: Timestamp) -> Self {
        Self { hash, state: CredentialState::Valid, changed_at: now, expires_at: None }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    password_hash: String,
    state: String,
    changed_at: Timestamp,
    expires_at: Option<Timestamp>,
}

/// An account's password, if it has one.
pub async fn find(conn: &mut Conn, account: AccountId) -> Result<Option<StoredPassword>> {
    let row: Option<Row> = conn
        .sql("SELECT password_hash, state, changed_at, expires_at FROM passwords WHERE account_id = $1")
        .bind(account.to_string())
        .optional()
        .await?;
    row.map(|row| {
        let state = row.state.parse().map_err(|_| Error::inconsistent("passwords", "state", account))?;
        Ok(StoredPassword {
            hash: PasswordHash(row.password_hash),
            state,
            changed_at: row.changed_at,
            expires_at: row.expires_at,
        })
    })
    .transpose()
}

/// Sets an account's password.
pub async fn upsert(conn: &mut Conn, account: AccountId, password: &StoredPassword) -> Result<()> {
    conn.sql(
        "INSERT INTO passwords (account_id, password_hash, state, changed_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id) DO UPDATE \
         SET password_hash = excluded.password_hash, state = excluded.state, \
         changed_at = excluded.changed_at, expires_at = excluded.expires_at",
    )
    .bind(account.to_string())
    .bind(password.hash.0.as_str())
    .bind(password.state.as_str())
    .bind(password.changed_at)
    .bind(password.expires_at)
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

/// Stores whether an account's password can be used. Returns whether it has one.
pub async fn update_state(conn: &mut Conn, account: AccountId, state: CredentialState) -> Result<bool> {
    let touched = conn
        .sql("UPDATE passwords SET state = $2 WHERE account_id = $1")
        .bind(account.to_string())
        .bind(state.as_str())
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
