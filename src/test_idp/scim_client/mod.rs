//! The test identity provider's SCIM client: it provisions its users and groups into directories, as Okta or
//! Entra ID does.
//!
//! Like both of them it looks every resource up before it writes, so it keeps no state. `emulated_idp` has the
//! requests of each, [`ScimClient::run`] sends them and records every request and response, and [`configure`]
//! registers the page that shows them.

mod client;
mod emulated_idp;
mod handlers;
mod views;

pub use client::{ScimClient, ScimExchange, ScimOperation, ScimTarget};
pub use emulated_idp::EmulatedIdp;
pub use handlers::configure;
