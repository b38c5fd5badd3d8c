//! Time, randomness, ids and secrets as types, and JSON within bounds: what every other crate builds on. Times and
//! randomness are passed in; this crate holds the one place that asks the system for either.

pub mod bounded_json;
#[cfg(feature = "sqlx")]
mod columns;
pub mod connection_id;
pub mod id;
#[cfg(feature = "openapi")]
mod openapi;
pub mod random;
pub mod secret;
pub mod time;
