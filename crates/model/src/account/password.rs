//! Passwords: their hashes, and the policy for new ones.

use std::{fmt, ops::RangeInclusive};

use strum::{EnumString, IntoStaticStr, VariantArray};

/// A password hash as a PHC string. Its `Debug` output is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// How hard to guess a new password must be: zxcvbn's scores 0 to 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum PasswordStrength {
    /// Not asked for.
    Any,
    /// A thousand guesses or more.
    Weak,
    /// A million guesses or more.
    Fair,
    /// A hundred million guesses or more.
    Strong,
    /// Ten thousand million guesses or more.
    VeryStrong,
}

impl PasswordStrength {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What is asked of the new passwords of some accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    min_length: usize,
    strength: PasswordStrength,
}

impl PasswordPolicy {
    /// The minimum lengths that a policy can ask for, in characters.
    pub const MIN_LENGTHS: RangeInclusive<usize> = 8..=128;

    /// The maximum length under every policy, in characters. Bounds the work for one request.
    pub const MAX_LENGTH: usize = 128;

    /// The policy where no other is set.
    pub const DEFAULT: Self = Self { min_length: 12, strength: PasswordStrength::Fair };

    /// A policy. `None` if the length is none that one can ask for.
    pub fn new(min_length: usize, strength: PasswordStrength) -> Option<Self> {
        Self::MIN_LENGTHS.contains(&min_length).then_some(Self { min_length, strength })
    }

    /// The minimum length, in characters.
    pub const fn min_length(self) -> usize {
        self.min_length
    }

    /// How hard to guess they must be.
    pub const fn strength(self) -> PasswordStrength {
        self.strength
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_does_not_show_itself() {
        assert_eq!(format!("{:?}", PasswordHash("$argon2id$x".into())), "…");
    }

    #[test]
    fn a_policy_asks_for_eight_characters_at_least() {
        for (length, allowed) in [(7, false), (8, true), (128, true), (129, false)] {
            assert_eq!(PasswordPolicy::new(length, PasswordStrength::Any).is_some(), allowed, "{length}");
        }
        let default = PasswordPolicy::new(12, PasswordStrength::Fair);
        assert_eq!(default, Some(PasswordPolicy::DEFAULT));
    }
}
