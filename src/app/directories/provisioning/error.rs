//! The error of provisioning, and its translation to SCIM.

use std::fmt;

use scim::ResourceType;

use crate::{app::retry::MayBeDeadlock, store};

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
    /// Whether there is no such resource.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Scim(scim::Error::NotFound(_)) | Self::App(crate::app::Error::NotFound { .. }))
    }

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
        crate::app::Error::Invalid { .. } | crate::app::Error::InvalidFields(_) => {
            scim::Error::InvalidValue(text)
        }
        crate::app::Error::Outdated { .. }
        | crate::app::Error::FailedPrecondition(_)
        | crate::app::Error::Organization(_) => scim::Error::PreconditionFailed(text),
        crate::app::Error::Rule(rule) => match rule.kind {
            crate::app::RuleKind::Forbidden => scim::Error::Forbidden(text),
            crate::app::RuleKind::NotFound | crate::app::RuleKind::Expired => scim::Error::NotFound(text),
            crate::app::RuleKind::Conflict => scim::Error::PreconditionFailed(text),
            crate::app::RuleKind::Invalid => scim::Error::InvalidValue(text),
            crate::app::RuleKind::Unavailable => scim::Error::Unavailable(text),
        },
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

impl MayBeDeadlock for Error {
    fn is_deadlock(&self) -> bool {
        match self {
            Self::Scim(_) => false,
            Self::App(error) => error.is_deadlock(),
        }
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

/// The error for a resource that was changed: its version is this one now.
pub(super) fn outdated(version: i64) -> Error {
    crate::app::Error::Outdated { version }.into()
}

/// The error for a resource that the directory does not have.
pub(super) fn not_found(kind: ResourceType, id: &str) -> Error {
    let shown: String = id.chars().take(80).flat_map(char::escape_debug).collect();
    scim::Error::NotFound(format!("there is no {} \"{shown}\" here", kind.name())).into()
}
