//! The pages of templates that organizations do not have: their list, a new one, and their own page.

pub mod form;
pub mod list;
pub mod show;
