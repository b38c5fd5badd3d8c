//! The audit log: actor, action, target and client address of every change. Append-only.

use std::net::IpAddr;

use base::{
    id::{AuditEventId, EnvironmentId, OrganizationId},
    time::Timestamp,
};
use serde_json::{Map, Value};

/// The target of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTarget {
    /// Its kind, as wire names spell it: `saml_connection`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// The organization that it belongs to, if any.
    pub organization_id: Option<OrganizationId>,
}

/// A resource whose changes are written to the audit log.
pub trait Audited {
    /// Its kind, id and organization.
    fn audit_target(&self) -> AuditTarget;
    /// Its mutable fields under their API names, without secrets.
    fn audit_fields(&self) -> Map<String, Value>;
}

/// Who performed the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditActor {
    /// `administrator`, `api_key`, `setup_link`, `operator` or `service`.
    pub kind: String,
    /// Its id; empty for the operator and the service.
    pub id: String,
}

/// One audit log entry.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// The environment it happened in; `None` for what concerns the whole installation.
    pub environment_id: Option<EnvironmentId>,
    /// When it happened.
    pub at: Timestamp,
    /// Who performed it.
    pub actor: AuditActor,
    /// The client address, if the action came over the network.
    pub address: Option<IpAddr>,
    /// The action: `organization.updated`.
    pub action: String,
    /// The target's kind.
    pub target_kind: String,
    /// The target's id.
    pub target_id: String,
    /// The organization that the target belongs to.
    pub organization_id: Option<OrganizationId>,
    /// The changed fields' old values; empty on creation.
    pub before: Map<String, Value>,
    /// The changed fields' new values; empty on deletion.
    pub after: Map<String, Value>,
}

/// The fields that differ between two states of a resource: their old and their new values.
pub fn difference(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut old, mut new) = (Map::new(), Map::new());
    for name in before.keys().chain(after.keys()) {
        let (was, is) = (before.get(name), after.get(name));
        if was != is {
            old.insert(name.clone(), was.cloned().unwrap_or_default());
            new.insert(name.clone(), is.cloned().unwrap_or_default());
        }
    }
    (old, new)
}

/// Builds the field map of an [`Audited`] resource from names and values.
#[macro_export]
macro_rules! audit_fields {
    ($($name:literal: $value:expr),* $(,)?) => {{
        let mut fields = serde_json::Map::new();
        $(fields.insert($name.to_owned(), serde_json::json!($value));)*
        fields
    }};
}
#[doc(inline)]
pub use crate::audit_fields;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let before = audit_fields! { "a": 1, "b": "x", "c": [1] };
        let after = audit_fields! { "a": 1, "b": "y", "d": true };
        let (old, new) = difference(&before, &after);
        assert_eq!(Value::from(old), serde_json::json!({ "b": "x", "c": [1], "d": null }));
        assert_eq!(Value::from(new), serde_json::json!({ "b": "y", "c": null, "d": true }));
        assert_eq!(difference(&before, &before), (Map::new(), Map::new()));
    }
}
