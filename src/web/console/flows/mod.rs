//! The pages of login flows.

pub mod list;
pub(in crate::web::console) mod products;
pub mod show;
