//! Groups of users. A group belongs to one identity pool, and holds users of that pool.

use base::{
    id::{EnvironmentId, IdentityPoolId, OrganizationId, UserGroupId},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    user::{compose, is_invisible},
};

/// A group of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserGroup {
    /// Its id.
    pub id: UserGroupId,
    /// The environment it is in.
    pub environment_id: EnvironmentId,
    /// The organization of its pool.
    pub organization_id: OrganizationId,
    /// The identity pool whose users it holds.
    pub pool_id: IdentityPoolId,
    /// The version of its settings: 1, and one more with each change. Who its members are does not belong to it.
    pub version: i64,
    /// Its name, unique in the pool in its normal form.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl UserGroup {
    /// The normal form of its name.
    pub fn name_key(&self) -> String {
        name_key(&self.name)
    }
}

/// The normal form of a group's name: two names that look the same, or differ only in case or blanks, have one. Empty where
/// nothing of the name can be seen.
pub fn name_key(name: &str) -> String {
    let composed = compose(name);
    let words = composed.split_whitespace().map(|word| {
        let seen: String = word.chars().filter(|c| !is_invisible(*c)).collect();
        // By way of capitals: letters with several small forms (ß, ς) become one.
        let folded: String = seen.to_uppercase().chars().flat_map(char::to_lowercase).collect();
        compose(&folded)
    });
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Audited for UserGroup {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "user_group",
            id: self.id.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "name": self.name,
            "description": self.description,
            "poolId": self.pool_id.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_look_the_same_have_one_normal_form() {
        for (name, key) in [
            ("Admins", "admins"),
            ("  ADMINS ", "admins"),
            ("Ａｄｍｉｎｓ", "admins"),
            ("Sales \u{2003} Team", "sales team"),
            ("Sales\u{a0}Team", "sales team"),
            ("ad\u{200b}mins", "admins"),
            ("A\u{30a}sa", "\u{e5}sa"),
            ("Åsa", "\u{e5}sa"),
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("ΟΔΟΣ", "οδοσ"),
            ("οδος", "οδοσ"),
            ("\u{200b} \u{2060}", ""),
            ("", ""),
        ] {
            assert_eq!(name_key(name), key, "{name:?}");
        }
        assert_ne!(name_key("admin"), name_key("admins"));
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own(name in "\\PC{0,30}|[ a-zA-ZßςÅ\u{130}\u{149}\u{1f0}\u{200b}\u{a0}]{0,20}") {
            let key = name_key(&name);
            prop_assert_eq!(name_key(&key), key);
        }
    }
}
