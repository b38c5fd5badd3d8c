//! The log of SCIM requests. Queries and bodies are stored sealed.

use base::{
    id::{EnvironmentId, ScimDirectoryId, ScimRequestId},
    time::Timestamp,
};

use super::{Conn, Error, Result, Transaction, columns::column_list};

/// How many requests one statement deletes.
const DELETE_BATCH_SIZE: i64 = 1000;

// Columns are listed, never `*`: when the next release adds a column, statements that a running replica has
// prepared must stay valid.
macro_rules! columns {
    ($table:literal) => {
        column_list!(
            $table,
            id,
            directory_id,
            at,
            method,
            path,
            query,
            status,
            duration_ms,
            request_body,
            response_body,
            error
        )
    };
}

/// A stored request.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredRequest {
    /// Its id.
    pub id: ScimRequestId,
    /// The directory that was called.
    pub directory_id: ScimDirectoryId,
    /// When it arrived.
    pub at: Timestamp,
    /// `GET`, `POST` …
    pub method: String,
    /// The path; with the query in rows of earlier releases.
    pub path: String,
    /// The query, sealed.
    pub query: Option<String>,
    /// The response status.
    pub status: i64,
    /// How long the request took.
    pub duration_ms: i64,
    /// The request body, sealed.
    pub request_body: Option<String>,
    /// The response body, sealed.
    pub response_body: Option<String>,
    /// The error code, if the request was refused.
    pub error: Option<String>,
}

impl StoredRequest {
    /// The error for a row whose status is not an HTTP status.
    pub fn unreadable_status(&self) -> Error {
        Error::inconsistent("scim_requests", "status", self.id)
    }
}

/// A filter for the requests of a directory.
#[derive(Debug, Clone, Copy)]
pub struct RequestFilter<'a> {
    /// The caller's environment.
    pub environment_id: EnvironmentId,
    /// The directory.
    pub directory_id: ScimDirectoryId,
    /// The newest request to return.
    pub from: Option<ScimRequestId>,
    /// Only this method; empty for all.
    pub method: &'a str,
    /// Minimum status …
    pub status_from: i64,
    /// … and maximum status.
    pub status_to: i64,
    /// Only requests refused with this code; empty for all.
    pub error: &'a str,
    /// The maximum number of requests.
    pub limit: i64,
}

/// Adds a request, unless it is there: the answer to a COMMIT that took effect may have been lost.
/// [`Error::MissingReference`]: the directory does not exist any more.
pub async fn insert(tx: &mut Transaction, request: &StoredRequest) -> Result<()> {
    tx.sql(
        "INSERT INTO scim_requests (id, directory_id, at, method, path, query, status, duration_ms, request_body, \
         response_body, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING",
    )
    .bind(request.id)
    .bind(request.directory_id)
    .bind(request.at)
    .bind(request.method.as_str())
    .bind(request.path.as_str())
    .bind(request.query.as_deref())
    .bind(request.status)
    .bind(request.duration_ms)
    .bind(request.request_body.as_deref())
    .bind(request.response_body.as_deref())
    .bind(request.error.as_deref())
    .execute()
    .await?;
    Ok(())
}

/// Requests of a directory, newest first.
pub async fn list(conn: &mut Conn, wanted: RequestFilter<'_>) -> Result<Vec<StoredRequest>> {
    conn.sql(concat!(
        "SELECT ",
        columns!("r."),
        " FROM scim_requests r JOIN scim_directories d ON d.id = r.directory_id AND d.deleted_at IS NULL \
         WHERE d.environment_id = $1 AND r.directory_id = $2 AND r.id <= $3 AND ($4 = '' OR r.method = $4) \
         AND r.status >= $5 AND r.status <= $6 AND ($7 = '' OR r.error = $7) ORDER BY r.id DESC LIMIT $8"
    ))
    .bind(wanted.environment_id)
    .bind(wanted.directory_id)
    .bind(wanted.from.unwrap_or(ScimRequestId::from_bits(u128::MAX)))
    .bind(wanted.method)
    .bind(wanted.status_from)
    .bind(wanted.status_to)
    .bind(wanted.error)
    .bind(wanted.limit)
    .all()
    .await
}

/// One request.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: ScimRequestId,
) -> Result<Option<StoredRequest>> {
    conn.sql(concat!(
        "SELECT ",
        columns!("r."),
        " FROM scim_requests r JOIN scim_directories d ON d.id = r.directory_id AND d.deleted_at IS NULL \
         WHERE d.environment_id = $1 AND r.id = $2"
    ))
    .bind(environment_id)
    .bind(id)
    .optional()
    .await
}

/// Deletes a batch of requests from before `before`. Returns how many.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql("DELETE FROM scim_requests WHERE id IN (SELECT id FROM scim_requests WHERE at < $1 LIMIT $2)")
        .bind(before)
        .bind(DELETE_BATCH_SIZE)
        .execute()
        .await
}
