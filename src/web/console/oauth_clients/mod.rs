//! The pages of OAuth clients.

pub mod list;
pub mod show;
