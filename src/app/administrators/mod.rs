//! Administrators of the console: their roles and invitations, and how they sign in.

pub mod account;
pub mod confirm;
pub mod invitations;
pub mod passkeys;
mod password_check;
pub mod roles;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub(super) mod signed_in;
pub mod sso;
pub(super) mod start_session;

pub use signed_in::SignedIn;
