//! The pages of environments.

pub mod form;
pub mod list;
pub mod show;
