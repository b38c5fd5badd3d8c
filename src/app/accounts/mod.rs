//! Accounts of any kind: their passwords, passkeys and sessions.

pub(super) mod attempts;
pub mod passkeys;
pub mod password_rules;
pub mod passwords;
pub mod recent_authentication;
pub mod sessions;
