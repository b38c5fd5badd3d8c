//! The pages of administrators and their roles.

pub mod list;
