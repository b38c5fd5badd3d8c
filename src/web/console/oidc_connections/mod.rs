//! OIDC connections of organizations.

pub mod delete;
pub mod form;
pub mod show;
