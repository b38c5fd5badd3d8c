//! The pages of users.

pub mod list;
pub mod show;
