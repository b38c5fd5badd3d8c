//! The pages of OAuth clients.

pub mod form;
pub mod list;
pub mod secret;
pub mod show;
