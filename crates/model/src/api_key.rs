//! API keys: the credentials of the vendor's backend, each for one environment.

use base::{
    id::{ApiKeyId, EnvironmentId},
    secret::Digest,
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::audit::{AuditTarget, Audited, audit_fields};

/// One API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The one environment it gives access to.
    pub environment_id: EnvironmentId,
    /// The version of its settings: 1, and one more with each change.
    pub version: i64,
    /// The digest of its secret.
    pub secret: Digest,
    /// Its display name; may be empty.
    pub display_name: String,
    /// Whether it may also call the management API. It never changes.
    pub management: bool,
    /// Whether it is switched off: it is refused until it is switched on again.
    pub disabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used, accurate to a few minutes.
    pub last_used_at: Option<Timestamp>,
}

impl Audited for ApiKey {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "api_key", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "displayName": self.display_name,
            "hasManagementApiAccess": self.management,
            "disabled": self.disabled,
        }
    }
}
