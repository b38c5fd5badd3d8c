//! The account of an administrator.

use std::fmt;

use base::{id::AdministratorId, time::Timestamp};
use serde_json::{Map, Value};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    email::Email,
};

/// One administrator account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// Its id.
    pub id: AdministratorId,
    /// The version of the account: 1, and one more with each change. Roles and credentials other than the password are
    /// not part of it.
    pub version: i64,
    /// The address they are invited at and sign in with.
    pub email: Email,
    /// Their name; empty until they set one.
    pub display_name: String,
    /// The hash of their password, if they have one.
    pub password_hash: Option<PasswordHash>,
    /// When they joined.
    pub created_at: Timestamp,
    /// When any of this last changed.
    pub updated_at: Timestamp,
    /// When they were removed. A removed account cannot sign in.
    pub disabled_at: Option<Timestamp>,
}

impl Administrator {
    /// The name shown to others: the display name, or the e-mail address when there is none.
    pub fn name(&self) -> &str {
        if self.display_name.is_empty() { self.email.as_str() } else { &self.display_name }
    }
}

/// A password hash as a PHC string. Its `Debug` output is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Audited for Administrator {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "administrator", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "email": self.email.as_str(),
            "displayName": self.display_name,
            "disabled": self.disabled_at.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_does_not_show_itself() {
        assert_eq!(format!("{:?}", PasswordHash("$argon2id$x".into())), "…");
    }
}
