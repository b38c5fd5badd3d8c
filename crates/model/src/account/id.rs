//! The ids of accounts.

use std::{fmt, str::FromStr};

use base::id::{AdministratorId, IdKind as _, ParseIdError, UserId, UserKind};

/// The id of an account of any kind. As text it is the id itself, whose prefix says which kind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountId {
    /// An administrator of the console.
    Administrator(AdministratorId),
    /// A user of an identity pool.
    User(UserId),
}

impl AccountId {
    /// An id that no account has.
    pub fn nobody() -> Self {
        Self::Administrator(AdministratorId::from_bits(0))
    }

    /// The 128 bits of the id: the user handle of its passkeys (WebAuthn Level 3 §5.4.3).
    pub fn bits(self) -> u128 {
        match self {
            Self::Administrator(id) => id.bits(),
            Self::User(id) => id.bits(),
        }
    }

    /// The field of the audit log that names the account.
    pub fn audit_field(self) -> &'static str {
        match self {
            Self::Administrator(_) => "administratorId",
            Self::User(_) => "userId",
        }
    }
}

impl From<AdministratorId> for AccountId {
    fn from(id: AdministratorId) -> Self {
        Self::Administrator(id)
    }
}

impl From<UserId> for AccountId {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Administrator(id) => id.fmt(f),
            Self::User(id) => id.fmt(f),
        }
    }
}

impl FromStr for AccountId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        match text.starts_with(UserKind::PREFIX) {
            true => text.parse().map(Self::User),
            false => text.parse().map(Self::Administrator),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_of_an_id_says_whose_it_is() {
        for account in [AccountId::from(AdministratorId::from_bits(7)), AccountId::from(UserId::from_bits(7))]
        {
            assert_eq!(account.to_string().parse(), Ok(account));
            assert_ne!(account, AccountId::nobody());
        }
        for other in
            ["", "admin_", "setup_link_0000000000000000000000007", "admin_session_0000000000000000000000007"]
        {
            assert!(other.parse::<AccountId>().is_err(), "{other}");
        }
    }
}
