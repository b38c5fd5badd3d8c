//! Passkeys of accounts.

use base::{id::PasskeyId, time::Timestamp};
use model::account::{AccountId, Passkey};

use super::{Conn, Error, Result};

#[derive(sqlx::FromRow)]
struct Row {
    id: PasskeyId,
    account_id: String,
    display_name: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    credential: String,
}

/// A passkey with its credential: public key, signature counter and flags as JSON.
#[derive(Debug, Clone)]
pub struct StoredPasskey {
    /// The passkey.
    pub passkey: Passkey,
    /// The credential.
    pub credential: String,
}

impl TryFrom<Row> for StoredPasskey {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let wrong = |_| Error::inconsistent("passkeys", "account_id", row.id);
        Ok(Self {
            passkey: Passkey {
                id: row.id,
                account_id: row.account_id.parse().map_err(wrong)?,
                display_name: row.display_name,
                created_at: row.created_at,
                last_used_at: row.last_used_at,
            },
            credential: row.credential,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, display_name, created_at, last_used_at, credential \
             FROM passkeys ",
            $rest
        )
    };
}

/// The passkeys of an account, in creation order.
pub async fn list(conn: &mut Conn, account: AccountId, limit: i64) -> Result<Vec<StoredPasskey>> {
    let rows = conn
        .sql(select!("WHERE account_id = $1 ORDER BY id LIMIT $2"))
        .bind(account.to_string())
        .bind(limit)
        .all::<Row>()
        .await?;
    rows.into_iter().map(StoredPasskey::try_from).collect()
}

/// The passkeys of an account with their credential ids (base64url), in creation order.
pub async fn list_with_credential_id(
    conn: &mut Conn,
    account: AccountId,
    limit: i64,
) -> Result<Vec<(Passkey, String)>> {
    #[derive(sqlx::FromRow)]
    struct KeyRow {
        credential_key: String,
        #[sqlx(flatten)]
        row: Row,
    }
    let rows = conn
        .sql(
            "SELECT id, account_id, display_name, created_at, last_used_at, credential, credential_key \
             FROM passkeys WHERE account_id = $1 ORDER BY id LIMIT $2",
        )
        .bind(account.to_string())
        .bind(limit)
        .all::<KeyRow>()
        .await?;
    rows.into_iter()
        .map(|found| Ok((StoredPasskey::try_from(found.row)?.passkey, found.credential_key)))
        .collect()
}

/// The passkey with this credential id (base64url).
pub async fn find_by_credential(conn: &mut Conn, credential_key: &str) -> Result<Option<StoredPasskey>> {
    let row = conn.sql(select!("WHERE credential_key = $1")).bind(credential_key).optional::<Row>().await?;
    row.map(StoredPasskey::try_from).transpose()
}

/// One passkey of an account.
pub async fn find(conn: &mut Conn, account: AccountId, id: PasskeyId) -> Result<Option<StoredPasskey>> {
    let row = conn
        .sql(select!("WHERE id = $1 AND account_id = $2"))
        .bind(id)
        .bind(account.to_string())
        .optional::<Row>()
        .await?;
    row.map(StoredPasskey::try_from).transpose()
}

/// Adds a passkey.
pub async fn insert(conn: &mut Conn, stored: &StoredPasskey, credential_key: &str) -> Result<()> {
    conn.sql(
        "INSERT INTO passkeys (id, account_id, credential_key, credential, display_name, \
         created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(stored.passkey.id)
    .bind(stored.passkey.account_id.to_string())
    .bind(credential_key)
    .bind(&stored.credential)
    .bind(&stored.passkey.display_name)
    .bind(stored.passkey.created_at)
    .bind(stored.passkey.last_used_at)
    .execute()
    .await?;
    Ok(())
}

/// Stores the credential of a passkey after its use (new counter, time of use), unless it is no longer `old`.
/// Returns whether it did.
pub async fn update_used(
    conn: &mut Conn,
    id: PasskeyId,
    old: &str,
    new: &str,
    now: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE passkeys SET credential = $3, last_used_at = $4 \
             WHERE id = $1 AND credential = $2",
        )
        .bind(id)
        .bind(old)
        .bind(new)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Renames a passkey. Returns whether it existed.
pub async fn update_name(
    conn: &mut Conn,
    account: AccountId,
    id: PasskeyId,
    display_name: &str,
) -> Result<bool> {
    let touched = conn
        .sql("UPDATE passkeys SET display_name = $3 WHERE id = $1 AND account_id = $2")
        .bind(id)
        .bind(account.to_string())
        .bind(display_name)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes a passkey. Returns whether it existed.
pub async fn remove(conn: &mut Conn, account: AccountId, id: PasskeyId) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM passkeys WHERE id = $1 AND account_id = $2")
        .bind(id)
        .bind(account.to_string())
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes all passkeys of an account.
pub async fn remove_all(conn: &mut Conn, account: AccountId) -> Result<()> {
    conn.sql("DELETE FROM passkeys WHERE account_id = $1").bind(account.to_string()).execute().await?;
    Ok(())
}
