//! Accounts of any kind: their passwords, passkeys, authenticator apps, one-time and recovery codes, sessions and invitations,
//! the attempts to authenticate, and how recent one is; identity pools, their users and groups of users.
//! Whose account it is, and what it may do, is known to the modules that use this one.

pub mod associations;
pub mod attempts;
pub mod credentials;
mod device;
pub mod groups;
mod holder;
mod imported_hashes;
pub mod invitations;
pub mod one_time_codes;
pub mod passkeys;
pub mod password_check;
mod password_former;
mod password_rules;
pub mod passwords;
pub mod pools;
pub mod recent_authentication;
pub mod recovery_codes;
pub mod schemas;
pub mod scim;
pub mod self_service;
pub mod sessions;
pub mod totp;
pub mod user_credentials;
pub mod user_sessions;
pub mod users;

pub use device::Device;
pub use holder::AccountHolder;
