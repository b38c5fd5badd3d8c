//! `/console/account`.

pub mod show;
