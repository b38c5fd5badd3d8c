//! The pages of an organization's domains.

pub mod approve;
pub mod delete;
pub mod form;
pub(in crate::web::console) mod page;
mod place;
pub mod show;
