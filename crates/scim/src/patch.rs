//! PATCH (RFC 7644 §3.5.2), as specified and as identity providers send it.
//!
//! The operations are applied in order to a copy, which becomes the result only if all of them succeed: a
//! PATCH is atomic. A group's members are not loaded; changes to them are returned as [`MembershipChange`](crate::MembershipChange)s, so
//! that one member of a large group can be changed without reading the others.
//!
//! Accepted beyond the RFC, because identity providers send it:
//! - `op` in any case, booleans in quotes, a single value for an array, and an array of one for a single
//!   value;
//! - a value without a path whose names are themselves paths (`name.givenName`, `urn:…:User:department`), in
//!   which read-only names are ignored as in PUT;
//! - `""` and `null` remove the value;
//! - a sub-attribute of a filter of equalities that matches nothing creates the element
//!   (`emails[type eq "work"].value`), where the RFC requires `noTarget`;
//! - `remove` of a multi-valued attribute with a value removes only the listed values.

use base::bounded_json::quoted;
use serde_json::Value;

use crate::{
    Error, PatchResult, Path, Resource, WorkBudget,
    filter::Quoting,
    message::check_schemas,
    names::take,
    operation::{Op, Operation},
    resource_editor::ResourceEditor,
};

/// The schema of a PATCH body (RFC 7644 §3.5.2).
pub const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Maximum number of operations in one request.
pub const MAX_OPERATIONS: usize = 5_000;

/// A PATCH body: at least one operation.
#[derive(Clone, PartialEq, Eq)]
pub struct PatchRequest {
    operations: Vec<Operation>,
}

impl PatchRequest {
    /// Parses a PATCH body.
    pub fn parse(body: Value) -> Result<Self, Error> {
        Self::parse_with(body, Quoting::Required)
    }

    /// The same, with this rule for quotes in the filters of paths.
    pub fn parse_with(body: Value, quoting: Quoting) -> Result<Self, Error> {
        let Value::Object(mut body) = body else {
            return Err(Error::InvalidSyntax("the body must be a JSON object".into()));
        };
        check_schemas(&body, PATCH_SCHEMA)?;
        let listed = match take(&mut body, "Operations")? {
            Some(Value::Array(listed)) => listed,
            Some(_) => return Err(Error::InvalidSyntax("Operations must be a list".into())),
            None => return Err(Error::InvalidSyntax("Operations is missing".into())),
        };
        if listed.is_empty() {
            return Err(Error::InvalidSyntax("Operations is empty".into()));
        }
        if listed.len() > MAX_OPERATIONS {
            return Err(Error::TooLarge(format!("more than {MAX_OPERATIONS} operations in one PATCH")));
        }
        let operations = listed
            .into_iter()
            .map(|operation| Operation::parse(operation, quoting))
            .collect::<Result<_, _>>()?;
        Ok(Self { operations })
    }

    /// Its operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Applies all operations to a resource, or none. A group is given without its members. Returns
    /// [`Error::TooLarge`] when it needs more than [`MAX_WORK_UNITS`](crate::work_budget::MAX_WORK_UNITS) units.
    pub fn apply(&self, resource: &Resource) -> Result<PatchResult, Error> {
        self.apply_within(resource, &mut WorkBudget::default())
    }

    /// The same within this budget. Returns [`Error::TooLarge`] when it needs more.
    pub fn apply_within(&self, resource: &Resource, work: &mut WorkBudget) -> Result<PatchResult, Error> {
        let mut draft = ResourceEditor::new(resource.clone(), work);
        for operation in &self.operations {
            draft.apply(operation.op, operation.path.as_ref(), operation.value.clone())?;
        }
        draft.finish()
    }
}

impl Operation {
    fn parse(operation: Value, quoting: Quoting) -> Result<Self, Error> {
        let Value::Object(mut operation) = operation else {
            return Err(Error::InvalidSyntax("an operation must be a JSON object".into()));
        };
        let op = match take(&mut operation, "op")? {
            Some(Value::String(op)) => match op.to_ascii_lowercase().as_str() {
                "add" => Op::Add,
                "replace" => Op::Replace,
                "remove" => Op::Remove,
                _ => return Err(Error::InvalidSyntax(format!("{} is not an operation", quoted(&op)))),
            },
            _ => return Err(Error::InvalidSyntax("an operation has no op".into())),
        };
        let path = match take(&mut operation, "path")? {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.trim().is_empty() => {
                return Err(Error::InvalidPath("a path must not be blank; leave it out".into()));
            }
            Some(Value::String(path)) => Some(Path::parse_with(&path, quoting)?),
            Some(_) => return Err(Error::InvalidPath("a path must be text".into())),
        };
        let value = take(&mut operation, "value")?;
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
