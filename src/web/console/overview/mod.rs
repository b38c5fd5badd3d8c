//! The overview of an environment.

pub mod chart;
pub mod show;
