//! Why a schema is not taken.

use super::{
    bounds::{MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH},
    message::shortened,
};

/// Why a schema is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It is larger than [`MAX_SCHEMA_BYTES`].
    #[error("the schema must be at most {} KiB", MAX_SCHEMA_BYTES / 1024)]
    TooLarge,
    /// It is nested deeper than [`MAX_SCHEMA_DEPTH`].
    #[error("the schema must not be nested deeper than {MAX_SCHEMA_DEPTH}")]
    TooDeep,
    /// It has too much of something that costs time.
    #[error("{0}")]
    TooComplex(String),
    /// A part of it is not valid.
    #[error("{path}: {reason}")]
    Invalid {
        /// Where, as a JSON pointer.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl SchemaError {
    /// A part of it, at this JSON pointer, is not valid.
    pub(super) fn invalid(path: &str, reason: impl Into<String>) -> Self {
        let path = if path.is_empty() { "/" } else { path };
        Self::Invalid { path: shortened(path), reason: reason.into() }
    }

    /// The whole is no object.
    pub fn not_an_object() -> Self {
        Self::invalid("", "a schema must be an object")
    }

    /// Where in the schema, as a JSON pointer; empty for the whole.
    pub fn path(&self) -> &str {
        match self {
            Self::Invalid { path, .. } => path,
            _ => "",
        }
    }

    /// What is wrong, without the place.
    pub fn reason(&self) -> String {
        match self {
            Self::Invalid { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }
}
