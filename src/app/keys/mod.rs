//! Our private keys: series of generations, each of one owner and for one purpose. The keys of tokens and the SAML key
//! pairs of service providers are loaded, cached and rotated alike.

pub(super) mod cache;
pub mod master;
pub(super) mod rotation;
mod stage;

pub use stage::{KeyStage, Rotation};

pub use crate::store::signing_keys::KeyOwner;
