//! Invitations: single-use links that make somebody an administrator or reset an administrator's credentials.

mod accept;
mod manage;
mod open;

pub use accept::{InvitationForm, accept_with_passkey, accept_with_password, begin_passkey};
pub use manage::{InviteOutcome, create, create_by_mail, create_reset, list, revoke};
pub use open::{OpenedInvitation, open};
