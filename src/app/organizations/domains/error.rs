//! Why a domain cannot be what an organization's own administrators ask for: rules with a name of their own for programs.

use model::domain::DomainError;

use super::sharing;
use crate::app::{Error, Rule, RuleKind, input};

/// It is no name that an organization can have.
pub(super) fn invalid(typed: &str, reason: DomainError) -> Error {
    match reason {
        DomainError::FreeMail => Error::unprocessable(
            "public_email_domain",
            format!("{} is a free-mail provider’s, where anybody can get an address", input::quoted(typed)),
        ),
        reason => Error::unprocessable("invalid_domain", format!("{} {reason}", input::quoted(typed))),
    }
}

/// The organization has it already.
pub(super) fn exists() -> Error {
    Error::state("domain_exists", "the organization has this domain already")
}

/// Another organization has proved it. Which one is not told.
pub(super) fn verified_elsewhere() -> Error {
    Error::state("domain_verified_elsewhere", sharing::TAKEN_MESSAGE)
}

/// There is no challenge whose record could be looked for.
pub(super) fn verification_not_started() -> Error {
    Error::state("verification_not_started", "start the verification of this domain first")
}

/// It is not proved.
pub(super) fn not_verified() -> Error {
    Error::state("domain_not_verified", "this takes a verified domain")
}

/// DNS gave no answer; the domain is as it was.
pub(super) fn dns_unavailable(why: String) -> Error {
    Error::Rule(Rule::new(RuleKind::Unavailable, "dns_unavailable", why))
}
