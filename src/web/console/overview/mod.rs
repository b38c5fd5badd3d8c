//! The overview of an environment.

pub mod show;
