//! The passkeys of administrators.

use base::{
    id::{AdministratorId, PasskeyId},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::audit::{AuditTarget, Audited, audit_fields};

/// A passkey of an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminPasskey {
    /// Our id; the authenticator's credential id is another one.
    pub id: PasskeyId,
    /// Its owner.
    pub administrator_id: AdministratorId,
    /// The name its owner gave it.
    pub display_name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used to sign in.
    pub last_used_at: Option<Timestamp>,
}

impl Audited for AdminPasskey {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "passkey", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! { "administratorId": self.administrator_id, "displayName": self.display_name }
    }
}
