//! The audit log: who did what to what, from where; append-only.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::{
    id::{AuditEventId, EnvironmentId, OrganizationId},
    time::Timestamp,
};

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTarget {
    /// Its kind, as wire names spell it: `saml_connection`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// The organization that it belongs to, if any.
    pub organization_id: Option<OrganizationId>,
}

/// Something whose changes the audit log tells.
pub trait Audited {
    /// What it is.
    fn audit_target(&self) -> AuditTarget;
    /// Everything about it that can change, under its names on the wire. Secrets stay out.
    fn audit_fields(&self) -> Map<String, Value>;
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditActor {
    /// `administrator`, `api_key`, `setup_link`, `operator` or `service`.
    pub kind: String,
    /// Its id; empty for the operator and the service.
    pub id: String,
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// The environment it happened in; `None` for what concerns the whole installation.
    pub environment_id: Option<EnvironmentId>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// From where, if the network was involved.
    pub address: Option<IpAddr>,
    /// What: `organization.updated`.
    pub action: String,
    /// The kind of what it was done to.
    pub target_kind: String,
    /// The id of what it was done to.
    pub target_id: String,
    /// The organization that belongs to.
    pub organization_id: Option<OrganizationId>,
    /// The values before, of what changed; empty when it was made.
    pub before: Map<String, Value>,
    /// The values after, of what changed; empty when it was deleted.
    pub after: Map<String, Value>,
}

/// What differs between two states of a thing: the old values and the new ones, of the same names.
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

/// Names and values, for the fields of something [`Audited`].
macro_rules! audit_fields {
    ($($name:literal: $value:expr),* $(,)?) => {{
        let mut fields = serde_json::Map::new();
        $(fields.insert($name.to_owned(), serde_json::json!($value));)*
        fields
    }};
}
pub(crate) use audit_fields;

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
