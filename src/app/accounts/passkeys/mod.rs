//! Passkeys (WebAuthn Level 3): registered, listed, renamed, removed, and used to sign in without a user name.

pub(in crate::app) mod authentication;
pub(in crate::app) mod challenge;
mod credentials;
pub(in crate::app) mod registration;
mod relying_party;

pub use authentication::{begin_authentication, sign_in};
pub use challenge::Challenge;
pub use credentials::{list, remove, rename};
pub use registration::{begin_registration, finish_registration};
pub use relying_party::are_supported;
