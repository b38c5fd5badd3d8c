//! The pages of organizations.

pub mod form;
pub mod list;
pub mod show;
