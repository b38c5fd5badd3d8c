//! Metadata of SAML identity providers: importing it and refreshing it.

pub mod refresh;
pub mod source;
