//! Recent authentication: the check before a change to the account's credentials (ASVS 5.0
//! §7.5.1). A person at an unattended browser, or with a stolen cookie, must not be able to add credentials of their
//! own.

use base::time::Timestamp;

use crate::app::administrators::signed_in::SignedIn;
use crate::app::{Error, Result, State, actor::MAX_AUTHENTICATION_AGE};

/// Whether the administrator authenticated recently, at sign-in or since.
pub fn is_recently_authenticated(state: &State, admin: &SignedIn) -> bool {
    is_recent_authentication(admin.session.authenticated_at, state.now())
}

/// Whether an authentication at this time is recent.
pub(in crate::app) fn is_recent_authentication(authenticated_at: Timestamp, now: Timestamp) -> bool {
    authenticated_at + MAX_AUTHENTICATION_AGE > now
}

/// Returns an error unless the administrator authenticated recently.
pub(in crate::app) fn require_recent_authentication(state: &State, admin: &SignedIn) -> Result<()> {
    match is_recently_authenticated(state, admin) {
        true => Ok(()),
        false => Err(Error::FailedPrecondition("confirm that it is you, then do this again".into())),
    }
}
