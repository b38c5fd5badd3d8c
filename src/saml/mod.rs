//! The service provider side of SAML 2.0: verifies responses, builds requests and metadata. No I/O; the time
//! is an argument.

pub mod authn_request;
pub mod binding;
pub mod certificate;
pub mod check;
pub mod checks;
mod cross_check;
mod decrypt;
mod document;
mod dom;
pub mod error;
pub mod fuzz;
pub mod identifiers;
pub mod inspect;
pub mod key_pair;
pub mod metadata;
mod response;
pub mod sign;
mod signature;
mod structure;
pub mod verify;
pub mod xml_writer;

pub use certificate::{Certificate, CertificateError};
pub use error::Error;
pub use verify::{CrossCheck, Subject, Trust, UnverifiedClaims, Verdict, VerifiedAssertion, verify};
