//! The service provider side of SAML 2.0: verifies responses, builds requests and metadata. No I/O; the time
//! is an argument.

pub mod binding;
pub mod certificate;
pub mod checks;
mod decrypt;
mod dom;
pub mod fuzz;
mod gate;
pub mod key_pair;
pub mod metadata;
pub mod names;
pub mod reading;
pub mod rejection;
pub mod request;
mod response;
mod second_opinion;
pub mod sign;
mod signature;
mod structure;
pub mod verify;
pub mod write;

pub use certificate::{Certificate, CertificateError};
pub use rejection::Rejection;
pub use verify::{Assertion, Claims, CrossCheck, Subject, Trust, Verdict, verify};
