//! The bodies of POST and PUT (RFC 7644 §3.3, §3.5.1).

use serde_json::{Map, Value};

use crate::{
    Error, MembershipChange, Resource, ResourceType, WorkBudget, message::check_schemas, operation::Op,
    resource_editor::ResourceEditor,
};

/// A resource parsed from a request body, and the password sent with it.
#[derive(Clone, PartialEq, Eq)]
pub struct ParsedResource {
    /// The resource.
    pub resource: Resource,
    /// The password. The caller must not store it.
    pub password: Option<String>,
}

impl std::fmt::Debug for ParsedResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parsed")
            .field("resource", &self.resource)
            .field("password", &self.password.is_some())
            .finish()
    }
}

impl Resource {
    /// Parses the body of a POST (RFC 7644 §3.3). `active` defaults to `true` for users.
    pub fn parse_create(kind: ResourceType, body: Value) -> Result<ParsedResource, Error> {
        let mut parsed = Self::parse(kind, body)?;
        if kind == ResourceType::User {
            parsed.resource.attributes.entry("active").or_insert(Value::Bool(true));
        }
        Ok(parsed)
    }

    /// Parses the body of a PUT (RFC 7644 §3.5.1). Absent attributes are removed, except that an absent
    /// `active` keeps its value: a user is never activated or deactivated implicitly.
    pub fn parse_replace(&self, body: Value) -> Result<ParsedResource, Error> {
        let mut parsed = Self::parse(self.kind, body)?;
        parsed.resource.keep_active(self);
        Ok(parsed)
    }

    /// Parses a resource. Read-only attributes (RFC 7644 §3.3, §3.5.1) and attributes of the other resource
    /// type are ignored. `schemas` may be absent, but if present it must hold the core schema.
    pub fn parse(kind: ResourceType, body: Value) -> Result<ParsedResource, Error> {
        let Value::Object(body) = body else {
            return Err(Error::InvalidSyntax("the body must be a JSON object".into()));
        };
        check_schemas(&body, kind.schema().id)?;
        let mut work = WorkBudget::default();
        let mut draft = ResourceEditor::new(Self { kind, attributes: Map::new() }, &mut work);
        draft.merge(Op::Replace, body)?;
        let patched = draft.finish()?;
        let mut resource = patched.resource;
        for change in patched.members {
            if let MembershipChange::Replace(members) | MembershipChange::Add(members) = change {
                resource.set_members(&members);
            }
        }
        Ok(ParsedResource { resource, password: patched.password })
    }
}

#[cfg(test)]
mod tests;
