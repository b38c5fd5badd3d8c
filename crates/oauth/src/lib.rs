//! OAuth 2.0 and OpenID Connect: requests, PKCE, keys, tokens, discovery. No HTTP, no I/O.
//!
//! The provider supports one grant, the authorization code (RFC 6749 §4.1) with PKCE (RFC 7636), for
//! confidential clients, and issues opaque access tokens and signed ID tokens (OpenID Connect Core 1.0).
//!
//! [`relying_party`] is the other side: logins at a customer's OpenID provider.
//!
//! `model` uses [`algorithm`], so this crate cannot use `model`.

pub mod access_token;
pub mod account_claims;
pub mod algorithm;
pub mod authorization_header;
pub mod authorize;
pub mod client_authentication;
pub mod client_credentials;
pub mod error;
pub mod id_token;
pub mod issuer_grant;
pub mod issuer_metadata;
pub mod jwk;
pub mod jwt;
pub mod limits;
#[cfg(feature = "openapi")]
mod openapi;
pub mod parameters;
pub mod pkce;
mod provider;
pub mod provider_metadata;
pub mod relying_party;
pub mod scope;
pub mod sign_in_request;
pub mod signing_key;
pub mod token;

pub use error::Error;
