//! The pages of webhooks.

pub mod deliveries;
pub mod form;
pub mod list;
pub mod page;
pub mod replay;
pub mod secret;
pub mod show;
