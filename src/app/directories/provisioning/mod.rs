//! SCIM 2.0 provisioning (RFC 7644): the users and groups that an identity provider writes to one directory.
//!
//! Every use case takes the authenticated [`ProvisioningTarget`] and sees no other one. One request (in Bulk: one operation)
//! is one transaction, with its event.

mod addresses;
pub mod bulk;
mod change;
pub mod cursor;
pub mod groups;
pub(in crate::app) mod import;
mod membership_plan;
mod render;
pub mod search;
pub mod users;

use std::fmt;

pub use change::{Change, RequestBudget};
pub use render::RenderedResource;

use super::ProvisioningTarget;
use crate::{
    model::id::Id,
    scim::{self, ResourceType},
    store,
};

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request failed.
#[derive(Debug)]
pub enum Error {
    /// An error of the SCIM protocol.
    Scim(scim::Error),
    /// An error of the application, above all an internal one.
    App(crate::app::Error),
}

impl Error {
    /// The error as a SCIM error.
    pub fn into_scim(self) -> scim::Error {
        match self {
            Self::Scim(error) => error,
            Self::App(error) => to_scim_error(&error),
        }
    }
}

/// An application error as a SCIM error.
pub fn to_scim_error(error: &crate::app::Error) -> scim::Error {
    let text = error.to_string();
    match error {
        crate::app::Error::Unauthenticated(_) => scim::Error::Unauthorized(text),
        crate::app::Error::Forbidden(_) => scim::Error::Forbidden(text),
        crate::app::Error::NotFound { .. } => scim::Error::NotFound(text),
        crate::app::Error::Conflict { .. } => scim::Error::Uniqueness(text),
        crate::app::Error::Invalid { .. } => scim::Error::InvalidValue(text),
        crate::app::Error::FailedPrecondition(_) => scim::Error::PreconditionFailed(text),
        crate::app::Error::Limited { .. } => scim::Error::Limited(text),
        crate::app::Error::Unavailable { .. } => scim::Error::Unavailable(text),
        crate::app::Error::Internal(_) => scim::Error::Internal(text),
    }
}

impl From<scim::Error> for Error {
    fn from(error: scim::Error) -> Self {
        Self::Scim(error)
    }
}

impl From<crate::app::Error> for Error {
    fn from(error: crate::app::Error) -> Self {
        Self::App(error)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::App(error.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scim(error) => error.fmt(f),
            Self::App(error) => error.fmt(f),
        }
    }
}

/// The entity tag of a version (RFC 7644 §3.14): weak, because one version has many representations.
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// The entity tags of `If-Match` or `If-None-Match` (RFC 9110 §13.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`: any version.
    Any,
    /// These versions, without `W/` and quotes.
    List(Vec<String>),
}

impl EntityTags {
    /// Parses the value of the header.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if text == "*" {
            return Self::Any;
        }
        let one = |tag: &str| {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag);
            tag.trim_matches('"').to_owned()
        };
        Self::List(text.split(',').map(one).collect())
    }

    /// Whether a version matches. The comparison is weak: all our tags are weak, and RFC 7644 §3.14 has clients send
    /// them in `If-Match`.
    pub fn matches(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::List(tags) => tags.iter().any(|tag| *tag == version.to_string()),
        }
    }
}

/// Refuses a write whose `If-Match` does not match the version.
fn check_version(if_match: Option<&EntityTags>, version: i64) -> Result<()> {
    match if_match {
        Some(tags) if !tags.matches(version) => Err(version_conflict(version)),
        _ => Ok(()),
    }
}

fn version_conflict(version: i64) -> Error {
    let now = etag(version);
    scim::Error::PreconditionFailed(format!("the resource was changed: its version is now {now}")).into()
}

fn not_found(kind: ResourceType, id: &str) -> Error {
    let shown: String = id.chars().take(80).flat_map(char::escape_debug).collect();
    scim::Error::NotFound(format!("there is no {} \"{shown}\" here", kind.name())).into()
}

/// The maximum size of a stored resource as JSON: pages of them must fit into memory.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// Refuses a resource that is too large.
fn check_size(document: &serde_json::Map<String, serde_json::Value>) -> Result<(), scim::Error> {
    match serde_json::to_vec(document).map_or(0, |json| json.len()) {
        ..=MAX_DOCUMENT_BYTES => Ok(()),
        size => {
            let text = format!("the resource takes {size} bytes; it may take {MAX_DOCUMENT_BYTES}");
            Err(scim::Error::TooLarge(text))
        }
    }
}

/// Parses an id in a path or a body; a malformed one is not found.
fn parse_id<K: crate::model::id::IdKind>(kind: ResourceType, text: &str) -> Result<Id<K>> {
    text.parse().map_err(|_| not_found(kind, text))
}

/// How often a deadlocked transaction is attempted.
const MAX_ATTEMPTS: u32 = 5;

/// Retries a transaction that the database aborted because of a deadlock.
async fn retry_deadlocks<T>(mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    for _ in 1..MAX_ATTEMPTS {
        match attempt().await {
            Err(Error::App(crate::app::Error::Internal(source)))
                if source.downcast_ref::<store::Error>().is_some_and(store::Error::is_deadlock) => {}
            outcome => return outcome,
        }
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        assert!(EntityTags::parse(&etag(3)).matches(3));
        assert!(EntityTags::parse("\"2\", W/\"3\"").matches(3));
        assert!(EntityTags::parse(" * ").matches(3));
        for other in ["", "\"33\"", "W/\"2\"", "3x"] {
            assert!(!EntityTags::parse(other).matches(3), "{other}");
        }
    }
}
