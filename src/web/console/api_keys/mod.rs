//! The pages of API keys.

pub mod delete;
pub mod form;
pub mod list;
