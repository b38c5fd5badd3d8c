//! Ostiary: an enterprise-SSO gateway.
//!
//! Which module may import which is enforced by `tests/it/architecture.rs`: `main → cli → server → http, pages,
//! test_idp, background → app → store → model`; `app` also uses `saml`, `scim` and `oauth`, which import only
//! `model`; `links` is a leaf.

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
