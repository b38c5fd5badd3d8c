//! The pages of environments.

pub mod delete;
pub(in crate::web::console) mod form;
pub mod list;
pub mod show;
