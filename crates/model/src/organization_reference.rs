//! How an organization is named from outside: by its id in any encoding, by the id that a client chose for it, by its handle.

use base::id::{OrganizationId, ParseIdError};

use crate::slug::RESERVED_SLUGS;

/// Words that no client may choose for an organization: they stand where an organization's id stands in paths.
const RESERVED_ALIASES: [&str; 7] = ["system", "oauth", "root", "admin", "api", "sign-in", "account"];

/// Words that no organization may have as its handle besides those and the first segments of routes: what WSO2 calls its root.
const RESERVED_HANDLES: [&str; 2] = ["super", "carbon.super"];

/// The short name of an organization, for paths and for people: a lower-case letter or digit, then up to 63 of those, `.`
/// and `-`. It is nothing that stands for something else: no reserved word, and no id in any encoding but the organization's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle(String);

impl Handle {
    /// Parses a handle that somebody chose. The error is a message for the person who typed it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let handle = Self::parse_stored(text)?;
        match handle.stands_for_something_else() {
            true => Err(
                "is reserved: it must be neither the id of an organization nor a word of the service's paths",
            ),
            false => Ok(handle),
        }
    }

    /// The handle of an organization for which nobody chose one: its id.
    pub fn of_id(id: OrganizationId) -> Self {
        let bits = id.bits();
        let part = |from: u32| (bits >> from) & 0xffff;
        let (first, last) = (bits >> 96, bits & 0xffff_ffff_ffff);
        Self(format!("{first:08x}-{:04x}-{:04x}-{:04x}-{last:012x}", part(80), part(64), part(48)))
    }

    fn stands_for_something_else(&self) -> bool {
        let text = self.as_str();
        RESERVED_ALIASES.contains(&text)
            || RESERVED_HANDLES.contains(&text)
            || RESERVED_SLUGS.contains(&text)
            || OrganizationRef::parse(text).is_ok_and(|named| named.id().is_some())
    }

    /// Reads a handle that an organization has: it may have been taken before its word was reserved. The error is a message for people.
    pub fn parse_stored(text: &str) -> Result<Self, &'static str> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
        if (1..=64).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with(['.', '-']) {
            return Ok(Self(text.to_owned()));
        }
        Err(
            "must be 1 to 64 lower-case letters, digits, dots and hyphens, beginning with a letter or a digit",
        )
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An id that a client chose for an organization: up to 64 letters, digits, `_` and `-`, compared byte for byte. It may
/// have the form of another encoding of an id (32 hexadecimal digits), but not of ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicAlias(String);

impl PublicAlias {
    /// Parses an alias. The error is a message for whoever chose it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if !(1..=64).contains(&text.len()) || !text.bytes().all(inner) {
            return Err("must be 1 to 64 letters, digits, underscores and hyphens");
        }
        if text.starts_with("org_") {
            return Err("must not begin with org_");
        }
        if RESERVED_ALIASES.contains(&text) {
            return Err("is reserved");
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a caller names an organization by: its id as `org_…`, as 32 hexadecimal digits or as a UUID with hyphens, or its
/// alias. Some texts can be either; then the alias goes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationRef {
    alias: Option<PublicAlias>,
    id: Option<OrganizationId>,
}

impl OrganizationRef {
    /// Parses a reference. Whether there is such an organization is not known before the alias was looked up.
    pub fn parse(text: &str) -> Result<Self, ParseIdError> {
        match (text.parse(), PublicAlias::parse(text).ok()) {
            (Err(error), None) => Err(error),
            (id, alias) => Ok(Self { alias, id: id.ok() }),
        }
    }

    /// The alias that it may be.
    pub fn alias(&self) -> Option<&PublicAlias> {
        self.alias.as_ref()
    }

    /// The id that it is where no organization has it as its alias.
    pub fn id(&self) -> Option<OrganizationId> {
        self.id
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn handles_are_lower_case_and_begin_with_a_letter_or_a_digit() {
        let longest = "a".repeat(64);
        for good in ["a", "7", "acme", "acme.co", "acme-labs", "a.", "0a-.b", &longest] {
            assert_eq!(Handle::parse(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(65);
        for bad in ["", ".a", "-a", "Acme", "a_b", "a b", "ä", "a\0", "a/b", &too_long] {
            assert!(Handle::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_handle_stands_for_nothing_else() {
        let id = OrganizationId::from_bits(0x7c43_0544_4754_4d26_9b45_796d_a080_13d7);
        let own = Handle::of_id(id);
        let hex = format!("{:032x}", id.bits());
        assert_eq!(own.as_str(), "7c430544-4754-4d26-9b45-796da08013d7");
        for reserved in [
            own.as_str(),
            &hex,
            "root",
            "system",
            "oauth",
            "oauth2",
            "api",
            "o",
            "t",
            "super",
            "carbon.super",
        ] {
            assert!(Handle::parse(reserved).is_err(), "{reserved}");
            assert_eq!(Handle::parse_stored(reserved).unwrap().as_str(), reserved);
        }
    }

    #[test]
    fn aliases_are_what_stands_in_a_path_and_no_id_of_ours() {
        let longest = "A".repeat(64);
        let hex = "7c43054447544d269b45796da08013d7";
        let uuid = "7c430544-4754-4d26-9b45-796da08013d7";
        for good in ["parent-org-id", "Acme_1", "-", "ROOT", "apis", "organization", hex, uuid, &longest] {
            assert_eq!(PublicAlias::parse(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(65);
        let ours = "org_12vqjrnxk9xeov6o4f05pan0g";
        for bad in ["", "a.b", "a b", "ä", "a\0", "a/b", "a%62", &too_long, ours, "org_", "org_x"] {
            assert!(PublicAlias::parse(bad).is_err(), "{bad:?}");
        }
        for reserved in ["system", "oauth", "root", "admin", "api", "sign-in", "account"] {
            assert_eq!(PublicAlias::parse(reserved), Err("is reserved"), "{reserved}");
        }
    }

    #[test]
    fn a_reference_is_an_id_or_an_alias_or_may_be_both() {
        let parsed =
            |text: &str| OrganizationRef::parse(text).map(|it| (it.alias.is_some(), it.id.is_some()));
        for (text, kind) in [
            ("org_7cu5hsy9vrbi5d2k1qvbh19lj", (false, true)),
            ("7c43054447544d269b45796da08013d7", (true, true)),
            ("7C430544-4754-4D26-9B45-796DA08013D7", (true, true)),
            ("parent-org-id", (true, false)),
        ] {
            assert_eq!(parsed(text), Ok(kind), "{text}");
        }
        for text in ["", "root", "org_1", "a b", "a\0", "{7c430544-4754-4d26-9b45-796da08013d7}"] {
            let refused = parsed(text).unwrap_err().to_string();
            assert!(refused.contains("does not have expected"), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn every_encoding_of_an_id_names_it(bits: u128) {
            let id = OrganizationId::from_bits(bits);
            for text in [id.to_string(), format!("{bits:032x}"), format!("{bits:032X}")] {
                prop_assert_eq!(OrganizationRef::parse(&text).unwrap().id(), Some(id));
            }
        }

        #[test]
        fn what_is_accepted_is_kept_as_it_was_typed(text in "\\PC{0,70}|[a-zA-Z0-9._-]{0,70}") {
            if let Ok(handle) = Handle::parse(&text) {
                prop_assert_eq!(Handle::parse(handle.as_str()), Ok(handle.clone()));
                prop_assert_eq!(handle.as_str(), &text);
                prop_assert!(!text.contains('\0'));
            }
            if let Ok(alias) = PublicAlias::parse(&text) {
                prop_assert_eq!(PublicAlias::parse(alias.as_str()), Ok(alias.clone()));
                prop_assert_eq!(alias.as_str(), &text);
                prop_assert!(text.parse::<OrganizationId>().is_err() || !text.starts_with("org_"));
            }
        }
    }
}
