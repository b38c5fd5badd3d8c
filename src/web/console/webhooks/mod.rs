//! The pages of webhooks.

pub(in crate::web::console) mod form;
pub mod list;
pub mod show;
