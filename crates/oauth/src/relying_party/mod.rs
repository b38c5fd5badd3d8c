//! The other side of OpenID Connect: we are the relying party of a customer's provider. Authorization requests, and what the
//! provider answers: metadata, keys, tokens, claims. From bytes and a time to a verdict; no I/O.

mod algorithm;
pub mod authorization;
pub mod discovery;
pub mod id_token;
pub mod jwks;
pub mod token_response;

pub use algorithm::SignatureAlgorithm;
