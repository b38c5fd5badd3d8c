//! The pages of administrators and their roles.

pub mod invite;
pub mod list;
