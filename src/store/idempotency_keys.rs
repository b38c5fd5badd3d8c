//! Idempotency keys: requests that must not be executed twice, and their responses.

use base::{secret::Digest, time::Timestamp};

use super::{Conn, Result};

/// Identifies a request: its caller and its idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The caller: an API key, an application or a user.
    pub caller_id: String,
    /// The header's digest.
    pub key: Digest,
}

/// An attempt to execute a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The digest of the request.
    pub request: Digest,
    /// A random id: an attempt that was taken for lost does not overwrite the next one.
    pub name: String,
    /// When it began.
    pub started_at: Timestamp,
}

/// The stored response of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// Its status.
    pub status: u16,
    /// Its body, sealed.
    pub sealed: String,
}

/// Starts an attempt, unless the key exists. Returns whether it did.
pub async fn insert(conn: &mut Conn, key: &IdempotencyKey, attempt: &Attempt) -> Result<bool> {
    let touched = conn
        .sql(
            "INSERT INTO idempotency_keys (caller_id, key_sha256, request_sha256, attempt, started_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (caller_id, key_sha256) DO NOTHING",
        )
        .bind(key.caller_id.as_str())
        .bind(key.key)
        .bind(attempt.request)
        .bind(attempt.name.as_str())
        .bind(attempt.started_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// The latest attempt under a key, and its response if there is one.
pub async fn find(
    conn: &mut Conn,
    key: &IdempotencyKey,
) -> Result<Option<(Attempt, Option<StoredResponse>)>> {
    type Row = (Digest, String, Timestamp, Option<i64>, Option<String>);
    let row: Option<Row> = conn
        .sql(
            "SELECT request_sha256, attempt, started_at, status, answer FROM idempotency_keys \
             WHERE caller_id = $1 AND key_sha256 = $2",
        )
        .bind(key.caller_id.as_str())
        .bind(key.key)
        .optional()
        .await?;
    Ok(row.map(|(request, name, started_at, status, answer)| {
        let status = status.and_then(|status| u16::try_from(status).ok());
        let answer = status.zip(answer).map(|(status, sealed)| StoredResponse { status, sealed });
        (Attempt { request, name, started_at }, answer)
    }))
}

/// Replaces an attempt that is finished or lost. Of concurrent callers one succeeds.
pub async fn take_over(conn: &mut Conn, key: &IdempotencyKey, lost: &str, attempt: &Attempt) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE idempotency_keys SET request_sha256 = $4, attempt = $5, started_at = $6, status = NULL, \
             answer = NULL WHERE caller_id = $1 AND key_sha256 = $2 AND attempt = $3",
        )
        .bind(key.caller_id.as_str())
        .bind(key.key)
        .bind(lost)
        .bind(attempt.request)
        .bind(attempt.name.as_str())
        .bind(attempt.started_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Stores the response of an attempt.
pub async fn update(
    conn: &mut Conn,
    key: &IdempotencyKey,
    attempt: &str,
    answer: &StoredResponse,
) -> Result<()> {
    conn.sql(
        "UPDATE idempotency_keys SET status = $4, answer = $5 \
         WHERE caller_id = $1 AND key_sha256 = $2 AND attempt = $3",
    )
    .bind(key.caller_id.as_str())
    .bind(key.key)
    .bind(attempt)
    .bind(i64::from(answer.status))
    .bind(answer.sealed.as_str())
    .execute()
    .await?;
    Ok(())
}

/// Deletes the key of an attempt that produced no response.
pub async fn remove(conn: &mut Conn, key: &IdempotencyKey, attempt: &str) -> Result<()> {
    conn.sql(
        "DELETE FROM idempotency_keys \
         WHERE caller_id = $1 AND key_sha256 = $2 AND attempt = $3 AND status IS NULL",
    )
    .bind(key.caller_id.as_str())
    .bind(key.key)
    .bind(attempt)
    .execute()
    .await?;
    Ok(())
}

/// Deletes a batch of attempts that started before `before`. Returns how many.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM idempotency_keys WHERE (caller_id, key_sha256) IN \
         (SELECT caller_id, key_sha256 FROM idempotency_keys WHERE started_at < $1 LIMIT 500)",
    )
    .bind(before)
    .execute()
    .await
}
