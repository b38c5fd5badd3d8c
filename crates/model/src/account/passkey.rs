//! Passkeys.

use base::{id::PasskeyId, time::Timestamp};
use serde_json::{Map, Value};

use super::AccountId;
use crate::audit::{AuditTarget, Audited, audit_fields};

/// A passkey of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Our id; the authenticator's credential id is another one.
    pub id: PasskeyId,
    /// Whose it is.
    pub account_id: AccountId,
    /// The name its owner gave it.
    pub display_name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used to sign in.
    pub last_used_at: Option<Timestamp>,
}

impl Audited for Passkey {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "passkey", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let account = (self.account_id.audit_field().to_owned(), self.account_id.to_string().into());
        std::iter::once(account).chain(audit_fields! { "displayName": self.display_name }).collect()
    }
}
