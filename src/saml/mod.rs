//! The service provider side of SAML 2.0: verifies responses, builds requests and metadata. No I/O; the time
//! is an argument.

mod assertion;
pub mod authn_request;
pub mod binding;
pub mod certificate;
pub mod check;
pub mod checks;
mod claims;
mod cross_check;
mod decrypt;
mod document;
mod dom;
pub mod error;
mod failed_check;
pub mod fuzz;
pub mod identifiers;
pub mod inspect;
pub mod key_pair;
pub mod metadata;
mod response;
pub mod sign;
mod signature;
mod signature_algorithm;
mod structure;
mod trust;
pub mod verify;
pub mod xml_writer;

pub use assertion::{Subject, VerifiedAssertion};
pub use certificate::{Certificate, CertificateError};
pub use claims::UnverifiedClaims;
pub use error::Error;
pub use trust::{CrossCheck, Trust};
pub use verify::{Verdict, verify};
