//! API keys in the database: without their secrets, of which there are digests only.

use super::{Conn, Result};
use crate::model::{
    api_key::ApiKey,
    id::{ApiKeyId, EnvironmentId},
    secret::Digest,
    time::Timestamp,
};

#[derive(sqlx::FromRow)]
struct Row {
    id: ApiKeyId,
    environment_id: EnvironmentId,
    management: bool,
    created_at: Timestamp,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            environment_id: row.environment_id,
            management: row.management,
            created_at: row.created_at,
        }
    }
}

/// The key whose secret has this digest: the one unscoped query, since it is how a caller gets a scope.
pub async fn find_by_secret(conn: &mut Conn, secret: Digest) -> Result<Option<ApiKey>> {
    let row = conn
        .sql("SELECT id, environment_id, management, created_at FROM api_keys WHERE secret_sha256 = $1")
        .bind(secret)
        .optional::<Row>()
        .await?;
    Ok(row.map(ApiKey::from))
}

/// Every key of an environment, in the order in which they were made, at most `limit`.
pub async fn list(conn: &mut Conn, environment_id: EnvironmentId, limit: i64) -> Result<Vec<ApiKey>> {
    let rows = conn
        .sql(
            "SELECT id, environment_id, management, created_at FROM api_keys WHERE environment_id = $1 \
             ORDER BY id LIMIT $2",
        )
        .bind(environment_id)
        .bind(limit)
        .all::<Row>()
        .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// Adds a key with the digest of its secret.
pub async fn insert(conn: &mut Conn, key: &ApiKey, secret: Digest) -> Result<()> {
    conn.sql(
        "INSERT INTO api_keys (id, environment_id, secret_sha256, management, created_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(key.id)
    .bind(key.environment_id)
    .bind(secret)
    .bind(key.management)
    .bind(key.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Takes a key away. Tells whether it was there.
pub async fn remove(conn: &mut Conn, environment_id: EnvironmentId, id: ApiKeyId) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM api_keys WHERE environment_id = $1 AND id = $2")
        .bind(environment_id)
        .bind(id)
        .execute()
        .await?;
    Ok(touched == 1)
}
