//! What an identity provider asked of a directory and what it was told, for support.

use super::{
    id::{ScimDirectoryId, ScimRequestId},
    time::Timestamp,
};

/// One SCIM request with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimRequest {
    /// Its id.
    pub id: ScimRequestId,
    /// The directory that was called.
    pub directory_id: ScimDirectoryId,
    /// When it arrived.
    pub at: Timestamp,
    /// `GET`, `POST` …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The answer's status.
    pub status: u16,
    /// How long answering took.
    pub duration_ms: i64,
    /// What came, without secrets; `None` when nothing did.
    pub request_body: Option<String>,
    /// What was answered, without secrets; `None` when nothing was.
    pub response_body: Option<String>,
    /// Why it was refused: a stable code.
    pub error: Option<String>,
}
