//! Passkeys of administrators.

use base::{
    id::{AdministratorId, PasskeyId},
    time::Timestamp,
};
use model::account::AdminPasskey;

use super::{Conn, Result};

#[derive(sqlx::FromRow)]
struct Row {
    id: PasskeyId,
    administrator_id: AdministratorId,
    display_name: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    credential: String,
}

/// A passkey with its credential: public key, signature counter and flags as JSON.
#[derive(Debug, Clone)]
pub struct StoredPasskey {
    /// The passkey.
    pub passkey: AdminPasskey,
    /// The credential.
    pub credential: String,
}

impl From<Row> for StoredPasskey {
    fn from(row: Row) -> Self {
        Self {
            passkey: AdminPasskey {
                id: row.id,
                administrator_id: row.administrator_id,
                display_name: row.display_name,
                created_at: row.created_at,
                last_used_at: row.last_used_at,
            },
            credential: row.credential,
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, administrator_id, display_name, created_at, last_used_at, credential \
             FROM administrator_passkeys ",
            $rest
        )
    };
}

/// The passkeys of an administrator, in creation order.
pub async fn list(conn: &mut Conn, owner: AdministratorId, limit: i64) -> Result<Vec<StoredPasskey>> {
    let rows = conn
        .sql(select!("WHERE administrator_id = $1 ORDER BY id LIMIT $2"))
        .bind(owner)
        .bind(limit)
        .all::<Row>()
        .await?;
    Ok(rows.into_iter().map(StoredPasskey::from).collect())
}

/// The passkey with this credential id (base64url).
pub async fn find_by_credential(conn: &mut Conn, credential_key: &str) -> Result<Option<StoredPasskey>> {
    let row = conn.sql(select!("WHERE credential_key = $1")).bind(credential_key).optional::<Row>().await?;
    Ok(row.map(StoredPasskey::from))
}

/// One passkey of an administrator.
pub async fn find(conn: &mut Conn, owner: AdministratorId, id: PasskeyId) -> Result<Option<StoredPasskey>> {
    let row = conn
        .sql(select!("WHERE id = $1 AND administrator_id = $2"))
        .bind(id)
        .bind(owner)
        .optional::<Row>()
        .await?;
    Ok(row.map(StoredPasskey::from))
}

/// Adds a passkey.
pub async fn insert(conn: &mut Conn, stored: &StoredPasskey, credential_key: &str) -> Result<()> {
    conn.sql(
        "INSERT INTO administrator_passkeys (id, administrator_id, credential_key, credential, display_name, \
         created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(stored.passkey.id)
    .bind(stored.passkey.administrator_id)
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
            "UPDATE administrator_passkeys SET credential = $3, last_used_at = $4 \
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
    owner: AdministratorId,
    id: PasskeyId,
    display_name: &str,
) -> Result<bool> {
    let touched = conn
        .sql("UPDATE administrator_passkeys SET display_name = $3 WHERE id = $1 AND administrator_id = $2")
        .bind(id)
        .bind(owner)
        .bind(display_name)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes a passkey. Returns whether it existed.
pub async fn remove(conn: &mut Conn, owner: AdministratorId, id: PasskeyId) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM administrator_passkeys WHERE id = $1 AND administrator_id = $2")
        .bind(id)
        .bind(owner)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes all passkeys of an administrator.
pub async fn remove_all(conn: &mut Conn, owner: AdministratorId) -> Result<()> {
    conn.sql("DELETE FROM administrator_passkeys WHERE administrator_id = $1").bind(owner).execute().await?;
    Ok(())
}
