//! Logins by OpenID Connect (OpenID Connect Core 1.0 §3.1, with PKCE: RFC 7636): the authorization request in [`request`], the
//! provider's answer in [`callback`].

mod callback;
mod claims;
mod key_cache;
mod keys;
mod provider;
mod request;

pub use callback::{CallbackOutcome, receive};
pub use key_cache::ProviderKeyCache;
