//! The account of an administrator.

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
    /// The version of the account: 1, and one more with each change. Roles and credentials are not part of it.
    pub version: i64,
    /// The address they are invited at and sign in with.
    pub email: Email,
    /// Their name; empty until they set one.
    pub display_name: String,
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
