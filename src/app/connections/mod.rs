//! Connections: how an organization's people authenticate, by protocol.

pub mod saml;
