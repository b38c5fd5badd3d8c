//! `/console/account`.

pub mod browser_name;
pub mod change;
pub mod show;
