//! Users and groups in their normal form (RFC 7643 §3, §4).

use serde_json::{Map, Value, json};

use super::{
    Error, Kind, MembersChange, Work, draft::Draft, error::quoted, json::member, patch::Op, path::is_urn,
    schema,
};
use crate::model::time::Timestamp;

/// How long a value that is looked up by may be, in bytes: `userName`, `displayName`, `externalId` and
/// addresses. PostgreSQL's indexes hold 2704, and folding a text can lengthen it.
pub const MAX_KEY: usize = 1_024;

/// A resource without what the server adds: `schemas`, `id`, `meta`, and a user's `groups`. Nor has it a
/// password, ever.
///
/// Known attributes have the spelling and type of their definition; extensions stand under their URN;
/// nothing in it is null or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: Kind,
    /// Its attributes. Those of a group hold its `members` only as it comes from a POST or PUT.
    pub attributes: Map<String, Value>,
}

/// A resource as a client sent it, and the password that came with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The resource.
    pub resource: Resource,
    /// The password: here for the caller to drop.
    pub password: Option<String>,
}

impl std::fmt::Debug for Parsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parsed")
            .field("resource", &self.resource)
            .field("password", &self.password.is_some())
            .finish()
    }
}

/// An e-mail address of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailEntry {
    /// The address.
    pub value: String,
    /// Whether it is the preferred one.
    pub primary: bool,
    /// What it is for: its `type`.
    pub kind: Option<String>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The id of a user or group.
    pub value: String,
    /// What else was sent with it: `display`, `type`, `$ref`.
    pub attributes: Map<String, Value>,
}

impl Member {
    /// A member of whom only the id is known.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), attributes: Map::new() }
    }

    /// Reads an element of `members` that is normal already.
    pub(super) fn from_element(element: Value) -> Option<Self> {
        let Value::Object(mut attributes) = element else { return None };
        match attributes.remove("value") {
            Some(Value::String(value)) => Some(Self { value, attributes }),
            _ => None,
        }
    }

    /// The element of `members` for it.
    pub fn to_json(&self) -> Value {
        let mut object = self.attributes.clone();
        object.insert("value".into(), self.value.as_str().into());
        Value::Object(object)
    }
}

/// What the server adds to a resource (RFC 7643 §3.1).
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Its id.
    pub id: &'a str,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
    /// Its absolute address.
    pub location: &'a str,
    /// Its entity tag, as in the `ETag` header: `W/"3"`.
    pub version: &'a str,
}

impl Resource {
    /// A stored document again. It was normal when it was stored.
    pub fn from_stored(kind: Kind, attributes: Map<String, Value>) -> Self {
        Self { kind, attributes }
    }

    /// Reads the body of a POST (RFC 7644 §3.3). A user is active unless it says otherwise.
    pub fn parse_create(kind: Kind, body: Value) -> Result<Parsed, Error> {
        let mut parsed = Self::parse(kind, body)?;
        if kind == Kind::User {
            parsed.resource.attributes.entry("active").or_insert(Value::Bool(true));
        }
        Ok(parsed)
    }

    /// Reads the body of a PUT (RFC 7644 §3.5.1): what it leaves out is cleared, but for `active`, whose
    /// absence never lets anyone in or out.
    pub fn parse_replace(&self, body: Value) -> Result<Parsed, Error> {
        let mut parsed = Self::parse(self.kind, body)?;
        parsed.resource.keep_active(self);
        Ok(parsed)
    }

    /// Takes over `active` from the resource in whose place this one is put, unless it says it itself.
    pub fn keep_active(&mut self, before: &Self) {
        if let Some(active) = before.attributes.get("active")
            && self.kind == Kind::User
        {
            self.attributes.entry("active").or_insert_with(|| active.clone());
        }
    }

    /// Reads a resource. Read-only attributes are ignored (RFC 7644 §3.3, §3.5.1), and so are those of
    /// the other kind. A missing `schemas` is let pass; one without the kind's own schema is not.
    pub fn parse(kind: Kind, body: Value) -> Result<Parsed, Error> {
        let Value::Object(body) = body else {
            return Err(Error::InvalidSyntax("the body must be a JSON object".into()));
        };
        check_schemas(&body, kind.schema().id)?;
        let mut work = Work::default();
        let mut draft = Draft::new(Self { kind, attributes: Map::new() }, &mut work);
        draft.merge(Op::Replace, body)?;
        let patched = draft.finish()?;
        let mut resource = patched.resource;
        for change in patched.members {
            if let MembersChange::Replace(members) | MembersChange::Add(members) = change {
                resource.set_members(&members);
            }
        }
        Ok(Parsed { resource, password: patched.password })
    }

    /// What must hold for every resource: required attributes are there, keys are not too long.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let required = match self.kind {
            Kind::User => "userName",
            Kind::Group => "displayName",
        };
        if self.text(required).is_none_or(|text| text.trim().is_empty()) {
            return Err(Error::InvalidValue(format!("{required} is required")));
        }
        for name in ["userName", "displayName", "externalId"] {
            short_enough(name, self.text(name))?;
        }
        for email in self.emails() {
            short_enough("emails.value", Some(&email.value))?;
        }
        Ok(())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_str()
    }

    /// `userName`; a user has it always.
    pub fn user_name(&self) -> Option<&str> {
        self.text("userName")
    }

    /// `externalId`.
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }

    /// `displayName`; a group has it always.
    pub fn display_name(&self) -> Option<&str> {
        self.text("displayName")
    }

    /// Whether a user may sign in. Unassigned is active; but PATCH never unassigns a `false`.
    pub fn active(&self) -> bool {
        self.attributes.get("active") != Some(&Value::Bool(false))
    }

    /// The entries of `emails` that have a value, in their order.
    pub fn emails(&self) -> Vec<EmailEntry> {
        let Some(Value::Array(elements)) = self.attributes.get("emails") else { return Vec::new() };
        let entry = |element: &Value| {
            Some(EmailEntry {
                value: element.get("value")?.as_str()?.to_owned(),
                primary: super::normalise::is_primary(element),
                kind: element.get("type").and_then(Value::as_str).map(str::to_owned),
            })
        };
        elements.iter().filter_map(entry).collect()
    }

    /// The members that came in a POST or PUT of a group.
    pub fn members(&self) -> Vec<Member> {
        let Some(Value::Array(elements)) = self.attributes.get("members") else { return Vec::new() };
        elements.iter().cloned().filter_map(Member::from_element).collect()
    }

    /// The members, taken out: the rest is what is stored as the group's document.
    pub fn take_members(&mut self) -> Vec<Member> {
        let Some(Value::Array(elements)) = self.attributes.remove("members") else { return Vec::new() };
        elements.into_iter().filter_map(Member::from_element).collect()
    }

    /// Sets the members.
    pub fn set_members(&mut self, members: &[Member]) {
        self.attributes.remove("members");
        if !members.is_empty() {
            self.attributes.insert("members".into(), members.iter().map(Member::to_json).collect());
        }
    }

    /// The URNs of the schemas whose attributes it has (RFC 7643 §3.1, `schemas`).
    pub fn schemas(&self) -> Vec<&str> {
        let extensions = self.attributes.keys().map(String::as_str).filter(|name| is_urn(name));
        std::iter::once(self.kind.schema().id).chain(extensions).collect()
    }

    /// The resource as it is returned, before projection. The caller adds a user's `groups`.
    pub fn to_json(&self, envelope: &Envelope<'_>) -> Value {
        let mut object = self.attributes.clone();
        object.insert("schemas".into(), json!(self.schemas()));
        object.insert("id".into(), envelope.id.into());
        object.insert(
            "meta".into(),
            json!({
                "resourceType": self.kind.name(),
                "created": envelope.created.to_string(),
                "lastModified": envelope.last_modified.to_string(),
                "location": envelope.location,
                "version": envelope.version,
            }),
        );
        Value::Object(object)
    }
}

fn short_enough(name: &str, text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if text.len() > MAX_KEY => {
            Err(Error::InvalidValue(format!("{name} is longer than {MAX_KEY} bytes: {}", quoted(text))))
        }
        _ => Ok(()),
    }
}

/// Refuses a body whose `schemas` leaves out the one that it must be of (RFC 7644 §3.1). Others beside
/// it are let pass, and so is a body that has no `schemas` at all.
pub(super) fn check_schemas(body: &Map<String, Value>, own: &str) -> Result<(), Error> {
    let listed = match member(body, "schemas") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(one)) => return check_listed(own, std::iter::once(one.as_str())),
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err(Error::InvalidSyntax("schemas must be a list of URNs".into())),
    };
    if listed.is_empty() {
        return Ok(());
    }
    if listed.iter().any(|urn| !urn.is_string()) {
        return Err(Error::InvalidSyntax("schemas must be a list of URNs".into()));
    }
    check_listed(own, listed.iter().filter_map(Value::as_str))
}

fn check_listed<'a>(own: &str, mut listed: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    if listed.any(|urn| urn.eq_ignore_ascii_case(own)) {
        return Ok(());
    }
    let what = schema::by_id(own).map_or("message", |schema| schema.name);
    Err(Error::InvalidSyntax(format!("schemas must name {own} for this {what}")))
}

#[cfg(test)]
mod tests;
