//! Passwords: their hashes, and the policy for new ones.

use std::{fmt, ops::RangeInclusive, time::Duration};

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

/// How many characters of each class a password must have at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequiredCharacters {
    /// Capital letters, of any script.
    pub capital_letters: usize,
    /// Lower-case letters, of any script.
    pub lowercase_letters: usize,
    /// Decimal digits, of any script.
    pub digits: usize,
    /// Characters that are neither letters nor digits.
    pub special_characters: usize,
}

impl RequiredCharacters {
    /// How many that are together.
    fn total(self) -> usize {
        let Self { capital_letters, lowercase_letters, digits, special_characters } = self;
        [lowercase_letters, digits, special_characters]
            .into_iter()
            .fold(capital_letters, usize::saturating_add)
    }
}

/// What is asked of the new passwords of some accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    min_length: usize,
    strength: PasswordStrength,
    characters: RequiredCharacters,
    former_passwords: usize,
}

impl PasswordPolicy {
    /// The minimum lengths that a policy can ask for, in characters.
    pub const MIN_LENGTHS: RangeInclusive<usize> = 8..=128;

    /// The maximum length under every policy, in characters. Bounds the work for one request.
    pub const MAX_LENGTH: usize = 128;

    /// The maximum number of former passwords that a policy can forbid: each is verified.
    pub const MAX_FORMER_PASSWORDS: usize = 24;

    /// The policy where no other is set.
    pub const DEFAULT: Self = Self {
        min_length: 12,
        strength: PasswordStrength::Fair,
        characters: RequiredCharacters {
            capital_letters: 0,
            lowercase_letters: 0,
            digits: 0,
            special_characters: 0,
        },
        former_passwords: 0,
    };

    /// A policy. `None` if the length is none that one can ask for.
    pub fn new(min_length: usize, strength: PasswordStrength) -> Option<Self> {
        Self::MIN_LENGTHS.contains(&min_length).then_some(Self { min_length, strength, ..Self::DEFAULT })
    }

    /// The policy that also asks for these characters. `None` if no password could have them all.
    pub fn with_characters(self, characters: RequiredCharacters) -> Option<Self> {
        (characters.total() <= Self::MAX_LENGTH).then_some(Self { characters, ..self })
    }

    /// The policy that also forbids the passwords that the account had last, the present one among them. `None` if these are
    /// too many.
    pub fn with_former_passwords(self, count: usize) -> Option<Self> {
        (count <= Self::MAX_FORMER_PASSWORDS).then_some(Self { former_passwords: count, ..self })
    }

    /// The minimum length, in characters.
    pub const fn min_length(self) -> usize {
        self.min_length
    }

    /// How hard to guess they must be.
    pub const fn strength(self) -> PasswordStrength {
        self.strength
    }

    /// Which characters they must have.
    pub const fn characters(self) -> RequiredCharacters {
        self.characters
    }

    /// How many of the passwords that the account had last are forbidden, the present one among them.
    pub const fn former_passwords(self) -> usize {
        self.former_passwords
    }
}

/// What a pool asks of the passwords of its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordRules {
    /// The policy for new ones.
    pub policy: PasswordPolicy,
    /// How long one can be used; `None` for as long as it is not changed.
    pub expires_after: Option<Duration>,
}

impl PasswordRules {
    /// The rules where no others are set.
    pub const DEFAULT: Self = Self { policy: PasswordPolicy::DEFAULT, expires_after: None };
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
    #[test]
    fn a_policy_asks_for_nothing_that_no_password_has() {
        let most =
            RequiredCharacters { digits: 100, special_characters: 28, ..RequiredCharacters::default() };
        let policy = PasswordPolicy::DEFAULT.with_characters(most);
        assert_eq!(policy.map(PasswordPolicy::characters), Some(most));
        for more in [
            RequiredCharacters { capital_letters: 1, ..most },
            RequiredCharacters { digits: usize::MAX, lowercase_letters: usize::MAX, ..most },
        ] {
            assert_eq!(PasswordPolicy::DEFAULT.with_characters(more), None);
        }
        assert_eq!(PasswordPolicy::DEFAULT.with_former_passwords(25), None);
        assert!(PasswordPolicy::DEFAULT.with_former_passwords(24).is_some());
    }
}
