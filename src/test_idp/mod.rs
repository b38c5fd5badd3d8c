//! The bundled identity provider for demonstrations and tests.
//!
//! It has two parts. `test_idp_protocol` parses AuthnRequests and builds SAML Responses of any form from plain data,
//! without HTTP; the project's tests use it too. [`provider`] is an identity provider that
//! answers with them, and [`configure`] registers its pages.
//!
//! It signs anyone in as any user, so it is served only where it is switched on, and answers only the service
//! providers that it knows.

mod forms;
mod handlers;
pub mod provider;
#[cfg(test)]
mod samples;
pub mod scim_client;
mod views;

pub use handlers::configure;
pub use provider::{ServiceProviders, TestIdp};
pub use test_idp_protocol::{
    encrypt, flaw, metadata,
    parties::{ServiceProvider, TestUser},
    response,
};
