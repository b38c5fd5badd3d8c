//! Administrators: the vendor's own people, who work in the console.

mod account;
mod invitation;
mod passkey;
mod role;
mod session;

pub use account::{Administrator, PasswordHash};
pub use invitation::{AdminInvitation, InvitationPurpose};
pub use passkey::AdminPasskey;
pub use role::{Role, RoleGrant, RoleGrants};
pub use session::{AdminSession, AuthenticationMethod};
