//! Recent authentication: the check before a change to the account's credentials (ASVS 5.0
//! §7.5.1). A person at an unattended browser, or with a stolen cookie, must not be able to add credentials of their
//! own.

use base::time::Timestamp;
use model::account::{Session, SessionSubject};

use crate::app::{Error, Result, principal::MAX_AUTHENTICATION_AGE};

/// Whether the person of this session authenticated recently, at its start or since.
pub fn is_recent<S: SessionSubject>(session: &Session<S>, now: Timestamp) -> bool {
    session.authenticated_at + MAX_AUTHENTICATION_AGE > now
}

/// Returns an error unless the person of this session authenticated recently.
pub fn require_recent<S: SessionSubject>(session: &Session<S>, now: Timestamp) -> Result<()> {
    match is_recent(session, now) {
        true => Ok(()),
        false => Err(Error::FailedPrecondition("confirm that it is you, then do this again".into())),
    }
}
