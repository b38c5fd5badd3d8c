//! The pages of letters.

pub mod list;
