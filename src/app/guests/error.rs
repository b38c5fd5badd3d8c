//! Why somebody is not invited, or does not join.

use base::id::{IdKind as _, RoleKind, UserGroupKind};

use crate::app::{Error, retry::MayBeDeadlock};

/// Why somebody is not invited, or does not join.
#[derive(Debug)]
pub enum GuestError {
    /// Nobody above the organization has this name, or they may not sign in.
    UnknownUser,
    /// They are invited already.
    IsInvited,
    /// They are in the organization already, or somebody there has their name.
    IsMember,
    /// A thousand invitations of the organization are open, or ten letters went to the user within an hour.
    NoRoom,
    /// A letter would reach them nowhere.
    NoAddress,
    /// There is no such role, or the caller may not give it; why.
    Role(String),
    /// There is no such group, or the caller may not give what it has; why.
    Group(String),
    /// No invitation has this code.
    Code,
    /// The invitation has expired.
    Expired,
    /// The invitation is for somebody else, or they may not sign in any more.
    NotEntitled,
    /// The organization cannot be joined now.
    Unavailable,
    /// Anything else.
    Other(Error),
}

impl<E: Into<Error>> From<E> for GuestError {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl MayBeDeadlock for GuestError {
    fn is_deadlock(&self) -> bool {
        matches!(self, Self::Other(error) if error.is_deadlock())
    }
}

impl GuestError {
    /// Of a role or a group that somebody wants to give.
    pub(super) fn of_grant(error: Error) -> Self {
        match error {
            Error::NotFound { kind: RoleKind::NOUN, id } => {
                Self::Role(format!("there is no such role: {id}"))
            }
            Error::NotFound { kind: UserGroupKind::NOUN, id } => {
                Self::Group(format!("there is no such group: {id}"))
            }
            Error::Invalid { field, reason } if field == "roles" => Self::Role(reason.into_owned()),
            Error::Invalid { field, reason } if field == "groups" => Self::Group(reason.into_owned()),
            error => Self::Other(error),
        }
    }
}
