//! The bundled identity provider for demonstrations and tests.
//!
//! It has two parts. [`response`] (with [`encrypt`] and [`flaw`]) builds SAML Responses of any form from
//! plain data, without HTTP; the project's tests use it too. [`provider`] is an identity provider that
//! answers with them, and [`configure`] registers its pages.
//!
//! It signs anyone in as any user, so it is served only where it is switched on, and answers only the service
//! providers that it knows.

mod authn_request;
pub mod encrypt;
pub mod flaw;
mod forms;
mod handlers;
pub mod metadata;
pub mod provider;
pub mod response;
#[cfg(test)]
mod samples;
pub mod scim_client;
mod views;

pub use handlers::configure;
pub use provider::{ServiceProvider, ServiceProviders, TestIdp, TestUser};
