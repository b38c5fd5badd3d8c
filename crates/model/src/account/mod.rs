//! Accounts: what proves who somebody is, and their sessions.

mod id;
mod invitation;
mod passkey;
mod password;
mod session;

pub use id::AccountId;
pub use invitation::{AdminInvitation, Invitation, InvitationGrant, InvitationPurpose};
pub use passkey::Passkey;
pub use password::{PasswordHash, PasswordPolicy, PasswordStrength};
pub use session::{AdminSession, AuthenticationMethod, Session, SessionSubject};
