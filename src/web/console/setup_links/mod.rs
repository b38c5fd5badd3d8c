//! The pages of setup links.

pub mod list;
