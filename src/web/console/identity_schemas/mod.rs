//! The pages of schemas: what the profiles and the metadata of users look like.

pub mod delete;
pub mod form;
pub mod list;
pub(in crate::web::console) mod page;
pub mod show;
