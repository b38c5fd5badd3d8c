//! Connections: how an organization's people authenticate, by protocol.

pub mod oidc;
mod primary;
pub mod saml;
