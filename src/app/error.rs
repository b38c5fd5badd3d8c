//! What a use case can say besides its answer: one error of a few kinds, rendered once per surface in
//! `http/problem.rs`.

use std::{borrow::Cow, time::Duration};

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use case did not do what was asked. Everything in it but the source of `Internal` may be
/// shown to the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller did not prove who it is.
    #[error("{0}")]
    Unauthenticated(Cow<'static, str>),
    /// The caller is known and may not.
    #[error("{0}")]
    Forbidden(Cow<'static, str>),
    /// It is not there, or it is not the caller's: nobody learns which.
    #[error("{kind} not found{}", named(id))]
    NotFound {
        /// What was looked for, as a person calls it.
        kind: &'static str,
        /// Under which id; empty where it is a secret that can be used once.
        id: String,
    },
    /// Another one already has this value.
    #[error("another {kind} already has this {field}")]
    Conflict {
        /// What there is.
        kind: &'static str,
        /// The field whose value is taken.
        field: &'static str,
    },
    /// The request is not one that can be done.
    #[error("{}{reason}", before(field))]
    Invalid {
        /// The field, as the caller spells it; empty where it is about the whole.
        field: Cow<'static, str>,
        /// What is wrong with it and what would be right.
        reason: Cow<'static, str>,
    },
    /// Something else must be set up first.
    #[error("{0}")]
    FailedPrecondition(Cow<'static, str>),
    /// Too many attempts.
    #[error("too many requests; try again in {} seconds", retry_after.as_secs().max(1))]
    Limited {
        /// When another one has a chance.
        retry_after: Duration,
    },
    /// So much is to be done that this would wait too long. Nobody's failure: it counts against no limit and
    /// is written into no login.
    #[error("too much is being done at the moment; try again in {} seconds", retry_after.as_secs().max(1))]
    Unavailable {
        /// When another try has a chance.
        retry_after: Duration,
    },
    /// Our own failure. The source goes to the log only.
    #[error("something failed on our side")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn named(id: &str) -> String {
    if id.is_empty() {
        ", already used, or ended because the person may not sign in any more".to_owned()
    } else {
        format!(": {id}")
    }
}

fn before(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("{field}: ") }
}

impl Error {
    /// A field that cannot be taken.
    pub fn invalid(field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }

    /// Something that is not there for this caller.
    pub fn not_found(kind: &'static str, id: impl ToString) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    /// How long the caller is asked to wait, where it is asked to come again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after } | Self::Unavailable { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// Our own failure.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// Names the field when `error` says that its value is taken.
    pub fn conflict_on(kind: &'static str, field: &'static str) -> impl FnOnce(crate::store::Error) -> Self {
        move |error| match error {
            crate::store::Error::Duplicate => Self::Conflict { kind, field },
            other => other.into(),
        }
    }
}

impl From<crate::store::Error> for Error {
    fn from(error: crate::store::Error) -> Self {
        match error {
            // The share of many directories is used up: nobody's own limit.
            crate::store::Error::Busy => Self::Unavailable { retry_after: Duration::from_secs(1) },
            error => Self::internal(error),
        }
    }
}
