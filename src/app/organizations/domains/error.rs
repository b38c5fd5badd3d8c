//! Why a domain cannot be what an organization's own administrators ask for: each with a code for programs.

use model::domain::DomainError;

use super::{edit::FIELD, sharing};
use crate::{
    app::{Error, input},
    store,
};

/// Why a domain cannot be claimed, proved or switched.
#[derive(Debug, thiserror::Error)]
pub enum DomainChangeError {
    /// It is no name that an organization can have.
    #[error("{} {reason}", input::quoted(typed))]
    Invalid {
        /// What was sent.
        typed: String,
        /// What is wrong with it.
        reason: DomainError,
    },
    /// The organization has it already.
    #[error("the organization has this domain already")]
    Exists,
    /// Another organization has proved it.
    #[error("{}", sharing::TAKEN_MESSAGE)]
    VerifiedElsewhere,
    /// There is no challenge whose record could be looked for.
    #[error("no verification was started for this domain")]
    VerificationNotStarted,
    /// It is not proved.
    #[error("this takes a verified domain")]
    NotVerified,
    /// The caller may not give a role that is greater than a member's.
    #[error(
        "only the owner of the organization decides that people who join by themselves become administrators"
    )]
    RoleTooGreat,
    /// DNS gave no answer; the domain is as it was.
    #[error("DNS gave no answer: {0}")]
    DnsUnavailable(String),
    /// Something else.
    #[error(transparent)]
    Other(#[from] Error),
}

impl DomainChangeError {
    /// The code for programs; `None` where the kind of the error says it all.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { reason: DomainError::FreeMail, .. } => Some("public_email_domain"),
            Self::Invalid { .. } => Some("invalid_domain"),
            Self::Exists => Some("domain_exists"),
            Self::VerifiedElsewhere => Some("domain_verified_elsewhere"),
            Self::VerificationNotStarted => Some("verification_not_started"),
            Self::NotVerified => Some("domain_not_verified"),
            Self::DnsUnavailable(_) => Some("dns_unavailable"),
            Self::RoleTooGreat | Self::Other(_) => None,
        }
    }
}

impl From<store::Error> for DomainChangeError {
    fn from(error: store::Error) -> Self {
        Self::Other(error.into())
    }
}

/// For surfaces that know no codes of domains.
impl From<DomainChangeError> for Error {
    fn from(error: DomainChangeError) -> Self {
        match error {
            DomainChangeError::Other(error) => error,
            DomainChangeError::Invalid { .. } => Self::invalid(FIELD, error.to_string()),
            DomainChangeError::RoleTooGreat => Self::invalid("autoJoinRole", error.to_string()),
            DomainChangeError::Exists => Self::Conflict { kind: "domain of the organization", field: "name" },
            error => Self::FailedPrecondition(error.to_string().into()),
        }
    }
}
