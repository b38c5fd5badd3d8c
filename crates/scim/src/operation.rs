//! The operations of a PATCH, and what it results in (RFC 7644 §3.5.2).

use serde_json::Value;

use crate::{Member, Path, Resource};

/// The `op` of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// §3.5.2.1
    Add,
    /// §3.5.2.3
    Replace,
    /// §3.5.2.2
    Remove,
}

/// One operation.
#[derive(Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its `op`.
    pub op: Op,
    /// The target; the resource itself when there is none.
    pub path: Option<Path>,
    /// The value.
    pub value: Option<Value>,
}

/// A change of a group's members. Several are applied in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MembershipChange {
    /// Adds these. Existing members are not changed.
    Add(Vec<Member>),
    /// Removes the members with these ids, if present.
    Remove(Vec<String>),
    /// Replaces all members by these.
    Replace(Vec<Member>),
    /// Removes every member that the path [`selects`](Path::selects).
    RemoveWhere(Path),
}

/// The result of a PATCH.
#[derive(Clone, PartialEq, Eq)]
pub struct PatchResult {
    /// The resource, validated.
    pub resource: Resource,
    /// The changes of a group's members.
    pub members: Vec<MembershipChange>,
    /// The password that was sent, if any. The caller must not store it.
    pub password: Option<String>,
}

impl std::fmt::Debug for PatchResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patched")
            .field("resource", &self.resource)
            .field("members", &self.members)
            .finish_non_exhaustive()
    }
}
