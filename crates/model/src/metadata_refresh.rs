//! The metadata refresh of a SAML connection.

use base::time::Timestamp;

/// The state of a connection's metadata refresh. All fields but `left_out` are empty without a metadata URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetadataRefresh {
    /// When valid metadata was last fetched, changed or not.
    pub fetched_at: Option<Timestamp>,
    /// The `ETag` of that version (RFC 9110 §8.8.3).
    pub etag: Option<String>,
    /// The `Last-Modified` value of that version, verbatim (RFC 9110 §8.8.2).
    pub last_modified: Option<String>,
    /// The SHA-256 digests of the certificates in that version, and after them of those that were in earlier ones.
    pub certificates: Vec<String>,
    /// The earliest time of the next fetch.
    pub next_at: Option<Timestamp>,
    /// When a rejected login last requested an early refresh.
    pub refresh_requested_at: Option<Timestamp>,
    /// Why the last attempt failed: a sentence for the admin who configured it.
    pub error: Option<String>,
    /// Why certificates were left out of those that were given last, in a document, by the URL or by hand: sentences for
    /// the admin who gave them.
    pub left_out: Vec<String>,
    /// The number of consecutive failures.
    pub failures: u32,
}
