//! The protocol part of the test identity provider: it parses AuthnRequests and builds metadata and SAML
//! Responses of any form from plain data. It needs no HTTP, no pages and no addresses of a server.

pub mod authn_request;
pub mod build_response;
pub mod encrypt;
pub mod flaw;
pub mod metadata;
pub mod parties;
pub mod response;
