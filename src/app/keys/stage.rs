//! The stages of a key, and how a rotation treats them.

use std::cmp::Ordering;

/// The stage of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyStage {
    /// Published, not yet signing.
    Next,
    /// Signing.
    Active,
    /// No longer signing; what it signed is still valid, and what was encrypted to it is still decrypted.
    Retiring,
}

impl KeyStage {
    /// The stage of the key of this generation, while that of the generation `active` signs.
    pub(super) fn of(generation: i64, active: i64) -> Self {
        match generation.cmp(&active) {
            Ordering::Greater => Self::Next,
            Ordering::Equal => Self::Active,
            Ordering::Less => Self::Retiring,
        }
    }
}

/// How a rotation treats the current keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The new keys are published now and sign later; the old ones stay in use for a while after that.
    Overlapping,
    /// An old key is compromised: the new keys sign at once, and the old ones are no longer in use.
    Compromised,
}
