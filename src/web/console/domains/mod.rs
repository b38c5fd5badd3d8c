//! The pages of an organization's domains.

pub mod approve;
pub mod delete;
pub mod form;
pub mod show;
