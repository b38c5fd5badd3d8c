//! The pages of the SCIM request log.

pub mod explanations;
pub mod list;
pub mod show;
