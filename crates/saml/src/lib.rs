//! The service provider side of SAML 2.0: verifies responses, builds requests and metadata. No I/O; the time
//! is an argument.
//!
//! [`metadata::parse_idp_metadata`] reads what an identity provider says of itself, [`Trust`] is what a
//! response is verified against, and [`verify()`] returns the [`VerifiedAssertion`] or the [`Error`] with every
//! check that was made. `README.md` describes what is verified, what is refused and why, and the Ostiary SAML
//! profile, which the clauses of the errors name.
//!
//! ```no_run
//! use std::{error::Error, sync::Arc, time::Duration};
//!
//! use ostiary_saml::{
//!     Certificate, CrossCheck, Timestamp, Trust, VerifiedAssertion, checks, metadata::parse_idp_metadata, verify,
//! };
//!
//! fn sign_in(
//!     idp_metadata: &[u8],
//!     saml_response: &str,
//!     request_id: &str,
//!     now: Timestamp,
//! ) -> Result<VerifiedAssertion, Box<dyn Error>> {
//!     let idp = parse_idp_metadata(idp_metadata, None)?;
//!     let pem = idp.certificates_pem.concat();
//!     let certificates: Vec<_> = Certificate::parse_pem_bundle(&pem)?.into_iter().map(Arc::new).collect();
//!     let trust = Trust {
//!         idp_entity_id: &idp.entity_id,
//!         certificates: &certificates,
//!         sp_entity_id: "https://app.example/saml",
//!         acs_urls: &["https://app.example/saml/acs".to_owned()],
//!         allow_sha1: false,
//!         allow_cbc_encryption: false,
//!         decryption_keys: &[],
//!         name_id_optional: false,
//!         clock_skew: Duration::from_secs(60),
//!         cross_check: CrossCheck::Enforce,
//!     };
//!     let assertion = verify(saml_response, &trust, now).outcome?;
//!     let answers = checks::in_response_to(Some(request_id), &assertion);
//!     if !answers.passed {
//!         return Err(answers.remedy.into());
//!     }
//!     // Replay protection is the caller's: an `assertion.id` is accepted once until `assertion.not_on_or_after`.
//!     Ok(assertion)
//! }
//! ```

mod assertion;
pub mod authn_request;
pub mod binding;
pub mod certificate;
mod certificate_text;
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
mod stand_in;
mod structure;
mod trust;
pub mod verify;
pub mod xml_writer;

pub use assertion::{NameIdAttributes, Subject, VerifiedAssertion};
pub use base::time::Timestamp;
pub use certificate::{Certificate, CertificateBundle, CertificateError};
pub use claims::UnverifiedClaims;
pub use error::Error;
pub use trust::{CrossCheck, Trust};
pub use verify::{Verdict, verify};

/// The examples of the README are compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
