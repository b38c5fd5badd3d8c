//! Metadata of SAML identity providers: importing it and refreshing it.

mod merge;
pub mod refresh;
pub(in crate::app) mod request;
pub(super) mod schedule;
pub mod source;
