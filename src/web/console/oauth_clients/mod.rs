//! The pages of OAuth clients.

pub mod delete;
pub mod form;
pub mod list;
pub mod secret;
pub mod show;
