//! Why an invitation is not made, sent or accepted.

use crate::app::{
    Error,
    error::{Rule, RuleKind},
};

/// What the caller can tell apart, by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// Somebody with the address is a member.
    #[error("somebody with this address is a member already")]
    AlreadyMember,
    /// There is an open invitation for the address.
    #[error("there is a pending invitation for this address; send it again, or take it back first")]
    Pending,
    /// The invitation was accepted, taken back, or has expired.
    #[error("the invitation is not pending any more")]
    NotPending,
    /// The address stands in the request before.
    #[error("the same address stands in this request before")]
    DuplicateInRequest,
    /// There is nothing in the request.
    #[error("the request holds no invitation")]
    Empty,
    /// There is too much in it.
    #[error("a request holds at most 50 invitations")]
    TooMany,
    /// An organization has an owner by transfer only.
    #[error("nobody is invited as the owner: invite an administrator, and transfer the ownership")]
    Owner,
    /// The link was used, taken back, replaced by a newer one, or has expired.
    #[error("this invitation was used, taken back or has expired; ask for a new one")]
    Ended,
    /// Whoever is signed in has not proven the address that is invited.
    #[error("this invitation is for another address than those that your account has confirmed")]
    EmailMismatch,
    /// Somebody has an account with the address.
    #[error("there is an account with this address; sign in with it to accept the invitation")]
    AccountExists,
    /// The link does not prove the address.
    #[error("this link does not prove the address; use the one of the letter that was sent there")]
    EmailNotVerified,
    /// The membership is suspended.
    #[error("your membership of this organization is suspended; ask whoever administers it")]
    Suspended,
}

impl InvitationError {
    /// The code for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AlreadyMember => "already_member",
            Self::Pending => "invitation_pending",
            Self::NotPending => "invitation_not_pending",
            Self::DuplicateInRequest => "duplicate_in_request",
            Self::Empty => "empty",
            Self::TooMany => "too_many_invitations",
            Self::Owner => "use_transfer_ownership",
            Self::Ended => "invitation_ended",
            Self::EmailMismatch => "email_mismatch",
            Self::AccountExists => "account_exists",
            Self::EmailNotVerified => "email_not_verified",
            Self::Suspended => "member_suspended",
        }
    }

    const fn kind(self) -> RuleKind {
        match self {
            Self::AlreadyMember | Self::Pending | Self::NotPending | Self::AccountExists => {
                RuleKind::Conflict
            }
            Self::DuplicateInRequest | Self::Empty | Self::TooMany | Self::Owner => RuleKind::Invalid,
            Self::Ended => RuleKind::Expired,
            Self::EmailMismatch | Self::EmailNotVerified | Self::Suspended => RuleKind::Forbidden,
        }
    }

    /// Whether this is what an error says.
    pub fn is(self, error: &Error) -> bool {
        matches!(error, Error::Rule(rule) if rule.code == self.code())
    }
}

impl From<InvitationError> for Error {
    fn from(error: InvitationError) -> Self {
        Self::Rule(Rule::new(error.kind(), error.code(), error.to_string()))
    }
}
