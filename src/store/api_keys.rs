//! API keys. Only digests of their secrets are stored.

use base::{
    id::{ApiKeyId, EnvironmentId},
    secret::Digest,
    time::Timestamp,
};
use model::api_key::ApiKey;

use super::{Conn, Result, columns};

#[derive(sqlx::FromRow)]
struct Row {
    id: ApiKeyId,
    environment_id: EnvironmentId,
    display_name: String,
    management: bool,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            environment_id: row.environment_id,
            display_name: row.display_name,
            management: row.management,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// The key with this secret. The query is not scoped: it is how a caller gets its scope.
pub async fn find_by_secret(conn: &mut Conn, secret: Digest) -> Result<Option<ApiKey>> {
    let row = conn
        .sql(
            "SELECT id, environment_id, display_name, management, created_at, last_used_at FROM api_keys \
             WHERE secret_sha256 = $1",
        )
        .bind(secret)
        .optional::<Row>()
        .await?;
    Ok(row.map(ApiKey::from))
}

/// The key with this id.
pub async fn find(conn: &mut Conn, environment_id: EnvironmentId, id: ApiKeyId) -> Result<Option<ApiKey>> {
    let row = conn
        .sql(
            "SELECT id, environment_id, display_name, management, created_at, last_used_at FROM api_keys \
             WHERE environment_id = $1 AND id = $2",
        )
        .bind(environment_id)
        .bind(id)
        .optional::<Row>()
        .await?;
    Ok(row.map(ApiKey::from))
}

/// Up to `limit` keys of an environment from `from` on, in creation order.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    from: Option<ApiKeyId>,
    limit: i64,
) -> Result<Vec<ApiKey>> {
    let rows = conn
        .sql(
            "SELECT id, environment_id, display_name, management, created_at, last_used_at FROM api_keys \
             WHERE environment_id = $1 AND id >= $2 ORDER BY id LIMIT $3",
        )
        .bind(environment_id)
        .bind(columns::page_start(from))
        .bind(limit)
        .all::<Row>()
        .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// Adds a key with the digest of its secret.
pub async fn insert(conn: &mut Conn, key: &ApiKey, secret: Digest) -> Result<()> {
    conn.sql(
        "INSERT INTO api_keys (id, environment_id, secret_sha256, display_name, management, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(key.id)
    .bind(key.environment_id)
    .bind(secret)
    .bind(key.display_name.as_str())
    .bind(key.management)
    .bind(key.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Updates the name of a key. Returns whether the key exists.
pub async fn update(conn: &mut Conn, key: &ApiKey) -> Result<bool> {
    let touched = conn
        .sql("UPDATE api_keys SET display_name = $3 WHERE environment_id = $1 AND id = $2")
        .bind(key.environment_id)
        .bind(key.id)
        .bind(key.display_name.as_str())
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Stores when a key was last used, unless a use after `unless_since` is stored already.
pub async fn update_last_used(
    conn: &mut Conn,
    id: ApiKeyId,
    now: Timestamp,
    unless_since: Timestamp,
) -> Result<()> {
    conn.sql("UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)")
        .bind(id)
        .bind(now)
        .bind(unless_since)
        .execute()
        .await?;
    Ok(())
}

/// Deletes a key. Returns whether it existed.
pub async fn remove(conn: &mut Conn, environment_id: EnvironmentId, id: ApiKeyId) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM api_keys WHERE environment_id = $1 AND id = $2")
        .bind(environment_id)
        .bind(id)
        .execute()
        .await?;
    Ok(touched == 1)
}
