//! The pages of events.

pub mod list;
