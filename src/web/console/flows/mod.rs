//! The pages of login flows.

mod account;
pub mod certificates;
pub mod list;
pub mod page;
pub(in crate::web::console) mod products;
pub mod recheck;
pub mod show;
pub mod timeline;
