//! Administrators of the console: authentication, sessions, invitations and roles.

pub mod account;
pub mod confirm;
pub mod invitations;
mod password_check;
pub mod roles;
pub mod settings;
pub mod sign_in;
pub(super) mod signed_in;
pub mod sso;
pub(super) mod start_session;

use super::accounts::{attempts, passwords};
pub use super::accounts::{passkeys, password_rules, recent_authentication, sessions};
pub use signed_in::{Device, SignedIn};
