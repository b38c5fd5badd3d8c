//! HTTP: routes, authentication of callers, wire types, and the error format of each surface.

pub mod api;
pub mod body;
pub mod client;
pub mod connection;
pub mod extract;
pub mod fallback;
pub mod fuzz;
pub mod health;
pub mod idempotency;
pub mod metrics;
pub mod middleware;
pub mod oauth;
pub mod openapi;
mod path;
pub mod problem;
pub mod reference;
pub mod routes;
pub mod saml;
pub mod scim;
