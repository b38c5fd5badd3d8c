//! Accounts: what proves who somebody is, and their sessions.

mod id;
mod invitation;
mod passkey;
mod session;

pub use id::AccountId;
pub use invitation::{AdminInvitation, InvitationPurpose};
pub use passkey::AdminPasskey;
pub use session::{AdminSession, AuthenticationMethod, Session, SessionSubject};
