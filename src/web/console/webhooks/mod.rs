//! The pages of webhooks.

pub mod delete;
pub mod deliveries;
pub(in crate::web::console) mod form;
pub mod list;
pub mod page;
pub mod replay;
pub mod secret;
pub mod show;
