//! The pages of applications and service clients.

pub mod form;
pub mod list;
pub mod secret;
pub mod sharing;
pub mod show;
