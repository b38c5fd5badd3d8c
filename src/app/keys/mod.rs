//! Our private keys: their generations, their rotation, and the cache of those in use.

pub(super) mod cache;
mod stage;

pub use stage::{KeyStage, Rotation};
