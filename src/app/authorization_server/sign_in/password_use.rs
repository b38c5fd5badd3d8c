//! Whether a password can be used as it is.

use model::account::CredentialState;

use crate::{app::State, store::passwords::StoredPassword};

/// Whether a password can be used as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PasswordUse {
    /// It can.
    Good,
    /// It must be changed first.
    Change,
    /// It can not.
    Reset,
}

impl PasswordUse {
    pub(super) fn of(state: &State, password: &StoredPassword) -> Self {
        match password.state {
            CredentialState::MustBeReset => Self::Reset,
            CredentialState::MustBeChanged => Self::Change,
            CredentialState::Valid if password.expires_at.is_some_and(|at| at <= state.now()) => Self::Change,
            CredentialState::Valid => Self::Good,
        }
    }
}
