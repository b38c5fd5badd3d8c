//! The pages of API keys.

pub mod list;
