//! What an entry of the audit log says.

use model::audit::{AuditActor, AuditTarget, Audited};
use serde_json::{Map, Value};

use crate::app::principal::Subject;

/// An audit entry for an action other than created, updated or deleted.
#[derive(Clone)]
pub(in crate::app) struct Entry {
    /// The action: `scim_directory.bearer_token_rotated`.
    pub action: String,
    /// The resource it was done to.
    pub target: AuditTarget,
    /// Values before.
    pub before: Map<String, Value>,
    /// Values after.
    pub after: Map<String, Value>,
}

impl Entry {
    /// An entry for `resource`; `done` is the verb of the action.
    pub fn of(resource: &impl Audited, done: &str) -> Self {
        let target = resource.audit_target();
        Self { action: format!("{}.{done}", target.kind), target, before: Map::new(), after: Map::new() }
    }

    /// Sets the values after.
    pub fn with_values(self, after: Map<String, Value>) -> Self {
        Self { after, ..self }
    }
}

/// A subject as the log names it.
pub(in crate::app) fn actor_of(subject: Subject) -> AuditActor {
    let (kind, id) = match subject {
        Subject::Administrator { id, .. } => ("administrator", id.to_string()),
        Subject::ApiKey(id) => ("api_key", id.to_string()),
        Subject::Application(id) => ("application", id.to_string()),
        Subject::SetupLink(id) => ("setup_link", id.to_string()),
        Subject::User(id) => ("user", id.to_string()),
        Subject::Operator => ("operator", String::new()),
        Subject::Service => ("service", String::new()),
    };
    AuditActor { kind: kind.to_owned(), id }
}
