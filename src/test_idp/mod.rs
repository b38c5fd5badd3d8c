//! The bundled identity provider for demonstrations and tests.
//!
//! Two things live here. [`response`] (with [`encrypt`] and [`flaw`]) builds SAML Responses of any shape
//! from plain data; it knows nothing of HTTP, and the project's tests use it too. Around it stands an
//! identity provider with pages: [`provider`] says who it is and what it answers, [`configure`]
//! registers its routes.
//!
//! It lets anybody in as anybody, so it is served only where that was asked for, and it answers only to
//! service providers that it knows.

pub mod demo;
pub mod encrypt;
pub mod flaw;
mod form;
mod handlers;
pub mod metadata;
pub mod provider;
mod request;
pub mod response;
#[cfg(test)]
mod samples;
pub mod scim_client;
mod views;

pub use handlers::configure;
pub use provider::{ServiceProvider, ServiceProviders, TestIdp, TestUser};
