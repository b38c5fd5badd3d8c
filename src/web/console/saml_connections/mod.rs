//! The pages of SAML connections.

pub mod delete;
pub mod form;
pub mod show;
mod switches;
