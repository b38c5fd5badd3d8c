//! Administrators of the console: authentication, sessions, invitations and roles.

pub mod account;
mod attempts;
pub mod confirm;
pub mod invitations;
pub mod passkeys;
mod password_check;
pub mod password_rules;
pub mod passwords;
pub mod recent_authentication;
pub mod roles;
pub mod sessions;
pub mod settings;
pub mod sign_in;
mod signed_in;
pub mod sso;
mod start_session;

pub use signed_in::{Device, SignedIn};
