//! Ostiary: an enterprise-SSO gateway.
//!
//! The modules and who may import whom are in `docs/architecture.md`; `tests/it/architecture.rs` enforces it.

pub mod app;
pub mod background;
pub mod cli;
pub mod config;
pub mod demo_app;
pub mod http;
pub mod links;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod test_idp;
pub mod web;
