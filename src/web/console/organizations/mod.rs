//! The pages of organizations.

pub mod delete;
pub mod form;
pub mod list;
pub mod show;
