//! Signing in to the console: password, passkey, single sign-on, invitations.

pub mod form;
pub mod invitation;
pub mod sso;
