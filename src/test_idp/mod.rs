//! The bundled identity provider for demonstrations and tests.
//!
//! [`response`] builds SAML Responses of any shape from plain data; it knows nothing of HTTP, and
//! the project's tests use it too.

pub mod demo;
pub mod encrypt;
pub mod metadata;
pub mod response;
