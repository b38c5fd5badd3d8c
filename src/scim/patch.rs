//! PATCH (RFC 7644 §3.5.2), as the RFC has it and as identity providers send it.
//!
//! All operations are applied in order to a draft, and only a draft that went through all of them
//! becomes a resource: a PATCH is atomic. A group's members never pass through here as a list; what is
//! to happen to them is answered as [`MembersChange`]s, so that one member of a large group is changed
//! without reading the others.
//!
//! Beyond the RFC, and because it is what arrives:
//! - `op` in any case, values in quotes for booleans, one value in an array and arrays of one;
//! - a path-less value whose names are themselves paths (`name.givenName`, `urn:…:User:department`), in
//!   which read-only names are ignored as in PUT;
//! - `""` and `null` clear;
//! - a sub-attribute through a filter of equalities that nothing matches makes the element
//!   (`emails[type eq "work"].value`), where the RFC answers `noTarget`;
//! - `remove` of a multi-valued attribute with a value removes what the value lists, and nothing else.

use serde_json::Value;

use super::{
    Error, Member, Path, Resource, Work, draft::Draft, error::quoted, json, resource::check_schemas,
};

/// The schema of a PATCH body (RFC 7644 §3.5.2).
pub const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// How many operations one request may hold.
pub const MAX_OPERATIONS: usize = 5_000;

/// What an operation does.
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
    /// What it does.
    pub op: Op,
    /// To what; the resource itself when there is none.
    pub path: Option<Path>,
    /// With what.
    pub value: Option<Value>,
}

/// A PATCH body: at least one operation.
#[derive(Clone, PartialEq, Eq)]
pub struct PatchRequest {
    operations: Vec<Operation>,
}

/// What is to happen to a group's members. Several are carried out in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MembersChange {
    /// These are added. Of one who is a member already nothing changes.
    Add(Vec<Member>),
    /// Those with these ids are removed, as far as they are members.
    Remove(Vec<String>),
    /// Nobody else stays.
    Replace(Vec<Member>),
    /// Every member that the path [`selects`](Path::selects) is removed.
    RemoveWhere(Path),
}

/// What a PATCH made of a resource.
#[derive(Clone, PartialEq, Eq)]
pub struct Patched {
    /// The resource, valid as a whole.
    pub resource: Resource,
    /// What is to happen to a group's members.
    pub members: Vec<MembersChange>,
    /// A password that was sent: here for the caller to drop.
    pub password: Option<String>,
}

impl std::fmt::Debug for Patched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patched")
            .field("resource", &self.resource)
            .field("members", &self.members)
            .finish_non_exhaustive()
    }
}

impl PatchRequest {
    /// Reads a PATCH body.
    pub fn parse(body: Value) -> Result<Self, Error> {
        let Value::Object(mut body) = body else {
            return Err(Error::InvalidSyntax("the body must be a JSON object".into()));
        };
        check_schemas(&body, PATCH_SCHEMA)?;
        let listed = match json::take(&mut body, "Operations")? {
            Some(Value::Array(listed)) => listed,
            Some(one @ Value::Object(_)) => vec![one],
            Some(_) => return Err(Error::InvalidSyntax("Operations must be a list".into())),
            None => return Err(Error::InvalidSyntax("Operations is missing".into())),
        };
        if listed.is_empty() {
            return Err(Error::InvalidSyntax("Operations is empty".into()));
        }
        if listed.len() > MAX_OPERATIONS {
            return Err(Error::TooLarge(format!("more than {MAX_OPERATIONS} operations in one PATCH")));
        }
        let operations = listed.into_iter().map(Operation::parse).collect::<Result<_, _>>()?;
        Ok(Self { operations })
    }

    /// Its operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Applies all operations to a resource, or none. A group's resource is given without its members.
    /// [`Error::TooLarge`]: that takes more than [`MAX_WORK`](super::work::MAX_WORK).
    pub fn apply(&self, resource: &Resource) -> Result<Patched, Error> {
        self.apply_within(resource, &mut Work::default())
    }

    /// The same with this much work. [`Error::TooLarge`]: it takes more.
    pub fn apply_within(&self, resource: &Resource, work: &mut Work) -> Result<Patched, Error> {
        let mut draft = Draft::new(resource.clone(), work);
        for operation in &self.operations {
            draft.apply(operation.op, operation.path.as_ref(), operation.value.clone())?;
        }
        draft.finish()
    }
}

impl Operation {
    fn parse(operation: Value) -> Result<Self, Error> {
        let Value::Object(mut operation) = operation else {
            return Err(Error::InvalidSyntax("an operation must be a JSON object".into()));
        };
        let op = match json::take(&mut operation, "op")? {
            Some(Value::String(op)) => match op.to_ascii_lowercase().as_str() {
                "add" => Op::Add,
                "replace" => Op::Replace,
                "remove" => Op::Remove,
                _ => return Err(Error::InvalidSyntax(format!("{} is not an operation", quoted(&op)))),
            },
            _ => return Err(Error::InvalidSyntax("an operation has no op".into())),
        };
        let path = match json::take(&mut operation, "path")? {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.trim().is_empty() => None,
            Some(Value::String(path)) => Some(Path::parse(&path)?),
            Some(_) => return Err(Error::InvalidPath("a path must be text".into())),
        };
        let value = json::take(&mut operation, "value")?;
        match (op, &path, &value) {
            (Op::Remove, None, _) => return Err(Error::NoTarget("remove needs a path".into())),
            (Op::Add | Op::Replace, _, None) => {
                return Err(Error::InvalidValue("an operation has no value".into()));
            }
            _ => {}
        }
        Ok(Self { op, path, value })
    }
}

#[cfg(test)]
mod tests;
