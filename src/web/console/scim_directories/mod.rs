//! The pages of SCIM directories.

pub mod list;
pub mod show;
pub mod tabs;
