//! The pages of groups.

pub mod list;
pub mod show;
