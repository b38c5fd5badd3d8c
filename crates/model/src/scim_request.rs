//! The log of SCIM requests and responses, for support.

use base::{
    id::{ScimDirectoryId, ScimRequestId},
    time::Timestamp,
};

/// One SCIM request with its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimRequest {
    /// Its id.
    pub id: ScimRequestId,
    /// The directory that was called.
    pub directory_id: ScimDirectoryId,
    /// When it arrived.
    pub at: Timestamp,
    /// The HTTP method: `GET`, `POST` …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The response's HTTP status.
    pub status: u16,
    /// The duration in milliseconds.
    pub duration_ms: i64,
    /// The request body without secrets; `None` when empty.
    pub request_body: Option<String>,
    /// The response body without secrets; `None` when empty.
    pub response_body: Option<String>,
    /// The stable error code, if it was rejected.
    pub error: Option<String>,
}
