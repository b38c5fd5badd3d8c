//! The pages of setup links.

pub mod form;
pub mod list;
