//! The error of all use cases: a few kinds, rendered for each surface in `http/api_error.rs`.

use std::{borrow::Cow, time::Duration};

use model::entity_tag::etag;

use super::organizations::error::OrganizationError;
use crate::telemetry;

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use case failed. Everything but the source of `Internal` may be shown to the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is not authenticated.
    #[error("{0}")]
    Unauthenticated(Cow<'static, str>),
    /// The caller is authenticated and not authorised.
    #[error("{0}")]
    Forbidden(Cow<'static, str>),
    /// It does not exist, or the caller may not see it; the two are not told apart.
    #[error("{kind} not found{}", not_found_suffix(id))]
    NotFound {
        /// The kind of resource, in words.
        kind: &'static str,
        /// Its id; empty for a single-use secret.
        id: String,
    },
    /// A unique value is already taken.
    #[error("another {kind} already has this {field}")]
    Conflict {
        /// The kind of resource that has it.
        kind: &'static str,
        /// The field with the value.
        field: &'static str,
    },
    /// The request is not valid.
    #[error("{}{reason}", field_prefix(field))]
    Invalid {
        /// The field, as the caller spells it; empty if the error is about the request as a whole.
        field: Cow<'static, str>,
        /// What is wrong, and what is expected.
        reason: Cow<'static, str>,
    },
    /// Several fields of the request are not valid: each with its reason; never empty.
    #[error("{}", list(.0))]
    InvalidFields(Vec<(String, String)>),
    /// The resource has another version than the one that the caller expects.
    #[error(
        "If-Match names another version than that of the resource, which is now {}; read it again, and send the change \
         with that",
        etag(*version)
    )]
    Outdated {
        /// The present version.
        version: i64,
    },
    /// Something else must be set up first.
    #[error("{0}")]
    FailedPrecondition(Cow<'static, str>),
    /// A rule of organizations, of their tree, templates or metadata, forbids it.
    #[error("{0}")]
    Organization(#[from] OrganizationError),
    /// A rule with a name of its own forbids it.
    #[error("{}", .0.text)]
    Rule(Rule),
    /// Too many attempts.
    #[error("too many requests; try again in {} seconds", retry_after.as_secs().max(1))]
    Limited {
        /// How long to wait before the next attempt.
        retry_after: Duration,
    },
    /// The server is overloaded. It does not count against any rate limit, nor as a failure of a login.
    #[error("too much is being done at the moment; try again in {} seconds", retry_after.as_secs().max(1))]
    Unavailable {
        /// How long to wait before the next attempt.
        retry_after: Duration,
    },
    /// An internal failure. The source is only logged.
    #[error("something failed on our side")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A rule with a name of its own, for programs that are to tell it from others: SigID's codes. The other surfaces answer by its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What kind of refusal it is.
    pub kind: RuleKind,
    /// Its name: `last_owner`.
    pub code: &'static str,
    /// What is wrong, and what to do.
    pub text: Cow<'static, str>,
}

/// The kinds of [`Rule`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// The caller may not do it, or not now (403).
    Forbidden,
    /// What it names is not there (404).
    NotFound,
    /// The present state forbids it (409).
    Conflict,
    /// It is over (410).
    Expired,
    /// The request is not valid (422).
    Invalid,
    /// What it needs does not answer at the moment (503).
    Unavailable,
}

impl Rule {
    /// A rule.
    pub fn new(kind: RuleKind, code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, code, text: text.into() }
    }
}

fn not_found_suffix(id: &str) -> String {
    if id.is_empty() {
        ", already used, or ended because the person may not sign in any more".to_owned()
    } else {
        format!(": {id}")
    }
}

fn field_prefix(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("{field}: ") }
}

/// The first few fields, for people.
fn list(fields: &[(String, String)]) -> String {
    let shown = fields.iter().take(5).map(|(field, reason)| format!("{}{reason}", field_prefix(field)));
    shown.collect::<Vec<_>>().join("; ")
}

impl Error {
    /// A field with an invalid value.
    pub fn invalid(field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }

    /// A rule with a name: 403.
    pub fn forbidden(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::Rule(Rule::new(RuleKind::Forbidden, code, text))
    }

    /// A rule with a name about the present state: 409.
    pub fn state(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::Rule(Rule::new(RuleKind::Conflict, code, text))
    }

    /// A rule with a name about the request: 422.
    pub fn unprocessable(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::Rule(Rule::new(RuleKind::Invalid, code, text))
    }

    /// A resource that does not exist for this caller.
    pub fn not_found(kind: &'static str, id: impl ToString) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    /// How long the caller should wait before it tries again, if that can help.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after } | Self::Unavailable { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// An internal failure.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// Maps a unique violation to [`Error::Conflict`] on `field`.
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
            // Only what a caller sent can hold one: what the program makes or fetches itself is cleaned.
            crate::store::Error::Nul => Self::invalid("", error.to_string()),
            // The connections of this share, or a lock, are in use.
            crate::store::Error::Busy => Self::Unavailable { retry_after: Duration::from_secs(1) },
            crate::store::Error::Unavailable(cause) => {
                tracing::error!(cause = telemetry::error_chain(&cause), "the database is not available");
                Self::Unavailable { retry_after: Duration::from_secs(1) }
            }
            error => Self::internal(error),
        }
    }
}
