//! The pages of identity pools: of the environment itself and of an organization.

pub mod delete;
pub(in crate::web::console) mod fields;
pub mod form;
mod labels;
pub mod list;
pub(in crate::web::console) mod page;
pub mod show;
mod typed;
