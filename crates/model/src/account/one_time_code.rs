//! One-time codes: short numbers that prove an address, or let a user set a credential.

use std::{ops::RangeInclusive, time::Duration};

use base::{
    id::{EnvironmentId, OneTimeCodeId, UserId},
    time::Timestamp,
};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// What a one-time code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum OneTimeCodePurpose {
    /// To activate an account that is new.
    Activation,
    /// To set another password.
    ResetPassword,
    /// To set another secret of an authenticator app.
    ResetTotp,
    /// To add a passkey.
    EnrollWebauthn,
    /// To prove an address.
    VerifyAddress,
}

impl OneTimeCodePurpose {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How the codes of one purpose are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneTimeCodeSettings {
    length: usize,
    lifetime: Duration,
}

impl OneTimeCodeSettings {
    /// The lengths that codes can have, in digits. Five wrong ones end a code, so six digits are guessed once in 200,000.
    pub const LENGTHS: RangeInclusive<usize> = 6..=32;

    /// How long codes can be good.
    pub const LIFETIMES: RangeInclusive<Duration> =
        Duration::from_secs(60)..=Duration::from_secs(30 * 24 * 3600);

    /// How codes are made where nothing else is set.
    pub const DEFAULT: Self = Self { length: 6, lifetime: Duration::from_secs(15 * 60) };

    /// Settings. `None` if the length or the lifetime is none that codes can have.
    pub fn new(length: usize, lifetime: Duration) -> Option<Self> {
        (Self::LENGTHS.contains(&length) && Self::LIFETIMES.contains(&lifetime))
            .then_some(Self { length, lifetime })
    }

    /// The same, good for this long; as long as codes can be at most.
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime: lifetime.clamp(*Self::LIFETIMES.start(), *Self::LIFETIMES.end()), ..self }
    }

    /// The number of digits.
    pub const fn length(self) -> usize {
        self.length
    }

    /// How long they are good.
    pub const fn lifetime(self) -> Duration {
        self.lifetime
    }
}

/// A one-time code of a user, without the code itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeCode {
    /// Its id.
    pub id: OneTimeCodeId,
    /// Whose it is.
    pub user_id: UserId,
    /// The environment of the user.
    pub environment_id: EnvironmentId,
    /// What it is for.
    pub purpose: OneTimeCodePurpose,
    /// The normal form of the address that it proves, if it proves one.
    pub address_key: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_neither_short_nor_good_for_long() {
        let hour = Duration::from_secs(3600);
        for (length, lifetime, allowed) in [
            (5, hour, false),
            (6, hour, true),
            (32, hour, true),
            (33, hour, false),
            (6, Duration::from_secs(59), false),
            (6, Duration::from_secs(30 * 24 * 3600 + 1), false),
        ] {
            assert_eq!(
                OneTimeCodeSettings::new(length, lifetime).is_some(),
                allowed,
                "{length} {lifetime:?}"
            );
        }
    }
}
