//! SAML 2.0 as functions from bytes and a time to a verdict. No I/O.

pub mod binding;
pub mod key_pair;
pub mod metadata;
pub mod names;
pub mod request;
pub mod sign;
pub mod write;
