//! SAML 2.0 as functions from bytes and a time to a verdict. No I/O.

pub mod key_pair;
pub mod names;
pub mod sign;
pub mod write;
