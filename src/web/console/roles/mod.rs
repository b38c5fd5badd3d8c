//! The pages of roles: those of the vendor, and those that there are in an organization.

pub mod delete;
pub mod form;
pub mod list;
pub mod members;
pub(in crate::web::console) mod place;
pub mod show;
