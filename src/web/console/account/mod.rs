//! `/console/account`.

pub mod change;
pub mod show;
