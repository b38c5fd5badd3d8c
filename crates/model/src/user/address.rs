//! Where users are reached.

use std::fmt;

use base::time::Timestamp;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{IdentifierError, IdentifierKind, IdentifierText};

/// What an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum AddressKind {
    /// An e-mail address.
    Email,
    /// A telephone number in international form.
    Mobile,
}

impl AddressKind {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Whether an address is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum AddressStatus {
    /// Messages go to it.
    Active,
    /// It is kept, and nothing is sent there.
    Inactive,
}

impl AddressStatus {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How somebody wants to be told a code at a telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ContactMethod {
    /// By a message.
    Sms,
    /// By a call.
    Voice,
}

impl ContactMethod {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One address of a user.
#[derive(Clone, PartialEq, Eq)]
pub struct UserAddress {
    /// What it is.
    pub kind: AddressKind,
    /// As it was given.
    pub address: String,
    /// When the user proved that it is theirs, or somebody who may vouched for that.
    pub verified_at: Option<Timestamp>,
    /// Whether it is used.
    pub status: AddressStatus,
    /// Of a number: how the user wants to be reached there.
    pub preferred_contact_method: Option<ContactMethod>,
    /// When it was added.
    pub created_at: Timestamp,
}

impl UserAddress {
    /// The normal form of an address of a kind: the same as of such an identifier.
    pub fn key_of(kind: AddressKind, address: &str) -> Result<String, IdentifierError> {
        let kind = match kind {
            AddressKind::Email => IdentifierKind::Email,
            AddressKind::Mobile => IdentifierKind::Mobile,
        };
        Ok(IdentifierText::parse(kind, address)?.key(true).as_str().to_owned())
    }

    /// The normal form of an address of any kind.
    pub fn key_of_any(address: &str) -> Option<String> {
        [AddressKind::Email, AddressKind::Mobile]
            .into_iter()
            .find_map(|kind| Self::key_of(kind, address).ok())
    }

    /// The normal form.
    pub fn key(&self) -> String {
        Self::key_of(self.kind, &self.address).unwrap_or_else(|_| self.address.clone())
    }

    /// Whether the user proved that it is theirs.
    pub fn is_verified(&self) -> bool {
        self.verified_at.is_some()
    }
}

/// Shows no personal data, to keep it out of logs.
impl fmt::Debug for UserAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:…", self.kind.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_normal_form_of_its_kind() {
        let key = |kind, text| UserAddress::key_of(kind, text).ok();
        assert_eq!(key(AddressKind::Email, "Dana@Acme.com").as_deref(), Some("dana@acme.com"));
        assert_eq!(key(AddressKind::Mobile, "+49 30 1234567").as_deref(), Some("+49301234567"));
        assert_eq!(key(AddressKind::Mobile, "dana@acme.com"), None);
        assert_eq!(UserAddress::key_of_any("+49 30 1234567").as_deref(), Some("+49301234567"));
        assert_eq!(UserAddress::key_of_any("dana"), None);
    }
}
