//! Accounts of any kind: their passwords, passkeys, sessions and invitations, the attempts to authenticate, and how recent one is.
//! Whose account it is, and what it may do, is known to the modules that use this one.

pub mod attempts;
mod device;
mod holder;
pub mod invitations;
pub mod passkeys;
pub mod password_check;
mod password_rules;
pub mod passwords;
pub mod recent_authentication;
pub mod sessions;

pub use device::Device;
pub use holder::AccountHolder;
