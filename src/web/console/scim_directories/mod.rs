//! The pages of SCIM directories.

pub mod delete;
pub mod form;
pub mod list;
pub mod show;
pub mod tabs;
pub mod tokens;
