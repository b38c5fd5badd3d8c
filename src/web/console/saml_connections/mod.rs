//! The pages of SAML connections.

pub mod form;
pub mod show;
