//! Ostiary, the doorkeeper: an enterprise-SSO gateway.
//!
//! The map of the house. Who may import whom is held by `tests/it/architecture.rs`:
//! `main → cli → server → http, pages, test_idp, background → app → store → model`; `app` also uses
//! `saml` and `oauth`, which know nothing of ours but `model`'s time, ids and checks; `links` is a
//! leaf.

pub mod app;
pub mod background;
pub mod cli;
pub mod config;
pub mod http;
pub mod links;
pub mod model;
pub mod oauth;
pub mod pages;
pub mod saml;
pub mod scim;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod test_idp;
