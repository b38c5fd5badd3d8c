//! The pages of environments.

pub(in crate::web::console) mod form;
pub mod list;
pub mod show;
