//! The pages of an organization's domains.

pub mod show;
