//! Users and groups in normal form (RFC 7643 §3, §4).

use base::{bounded_json::quoted, time::Timestamp};
use serde_json::{Map, Value, json};

use crate::{Error, ResourceType, attribute_path::is_urn, normalise::is_primary};

/// Maximum length in bytes of an indexed value: `userName`, `displayName`, `externalId` and e-mail addresses.
/// PostgreSQL's indexes hold 2704 bytes, and case folding can make a text longer.
pub const MAX_KEY_BYTES: usize = 1_024;

/// A resource without the attributes that the server adds (`schemas`, `id`, `meta`, and a user's `groups`)
/// and without a password.
///
/// Known attributes have the spelling and type of their definition; extensions are stored under their URN;
/// no value is null or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its resource type.
    pub kind: ResourceType,
    /// Its attributes. A group has `members` here only when parsed from a POST or PUT.
    pub attributes: Map<String, Value>,
}

/// An e-mail address of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailEntry {
    /// The address.
    pub value: String,
    /// Whether it is the preferred one.
    pub primary: bool,
    /// Its `type`.
    pub kind: Option<String>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The id of a user or group.
    pub value: String,
    /// The other attributes sent with it: `display`, `type`, `$ref`.
    pub attributes: Map<String, Value>,
}

impl Member {
    /// A member without other attributes.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), attributes: Map::new() }
    }

    /// Converts a normalised element of `members`.
    pub(super) fn from_element(element: Value) -> Option<Self> {
        let Value::Object(mut attributes) = element else { return None };
        match attributes.remove("value") {
            Some(Value::String(value)) => Some(Self { value, attributes }),
            _ => None,
        }
    }

    /// Its element of `members`.
    pub fn to_json(&self) -> Value {
        let mut object = self.attributes.clone();
        object.insert("value".into(), self.value.as_str().into());
        Value::Object(object)
    }
}

/// The attributes that the server adds to a resource: `id` and `meta` (RFC 7643 §3.1).
#[derive(Debug, Clone, Copy)]
pub struct ResourceMetadata<'a> {
    /// Its id.
    pub id: &'a str,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
    /// Its absolute URL.
    pub location: &'a str,
    /// Its entity tag, as in the `ETag` header: `W/"3"`.
    pub version: &'a str,
}

impl Resource {
    /// From a stored document, which is in normal form.
    pub fn from_stored(kind: ResourceType, attributes: Map<String, Value>) -> Self {
        Self { kind, attributes }
    }

    /// Copies `active` from the resource that this one replaces, unless it is set.
    pub fn keep_active(&mut self, before: &Self) {
        if let Some(active) = before.attributes.get("active")
            && self.kind == ResourceType::User
        {
            self.attributes.entry("active").or_insert_with(|| active.clone());
        }
    }

    /// Validates a resource: required attributes are present, indexed values are not too long.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let required = match self.kind {
            ResourceType::User => "userName",
            ResourceType::Group => "displayName",
        };
        if self.text(required).is_none_or(|text| text.trim().is_empty()) {
            return Err(Error::InvalidValue(format!("{required} is required")));
        }
        for name in ["userName", "displayName", "externalId"] {
            check_length(name, self.text(name))?;
        }
        for email in self.emails() {
            check_length("emails.value", Some(&email.value))?;
        }
        Ok(())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_str()
    }

    /// `userName`; always present for a user.
    pub fn user_name(&self) -> Option<&str> {
        self.text("userName")
    }

    /// `externalId`.
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }

    /// `displayName`; always present for a group.
    pub fn display_name(&self) -> Option<&str> {
        self.text("displayName")
    }

    /// Whether a user may sign in. Unassigned means active; PATCH never removes a `false`.
    pub fn active(&self) -> bool {
        self.attributes.get("active") != Some(&Value::Bool(false))
    }

    /// The entries of `emails` that have a value, in order.
    pub fn emails(&self) -> Vec<EmailEntry> {
        let Some(Value::Array(elements)) = self.attributes.get("emails") else { return Vec::new() };
        let entry = |element: &Value| {
            Some(EmailEntry {
                value: element.get("value")?.as_str()?.to_owned(),
                primary: is_primary(element),
                kind: element.get("type").and_then(Value::as_str).map(str::to_owned),
            })
        };
        elements.iter().filter_map(entry).collect()
    }

    /// The members of a group parsed from a POST or PUT.
    pub fn members(&self) -> Vec<Member> {
        let Some(Value::Array(elements)) = self.attributes.get("members") else { return Vec::new() };
        elements.iter().cloned().filter_map(Member::from_element).collect()
    }

    /// Removes and returns the members; the rest is stored as the group's document.
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

    /// The value of `schemas`: the URNs of the schemas it has attributes of (RFC 7643 §3.1).
    pub fn schemas(&self) -> Vec<&str> {
        let extensions = self.attributes.keys().map(String::as_str).filter(|name| is_urn(name));
        std::iter::once(self.kind.schema().id).chain(extensions).collect()
    }

    /// The resource's JSON before projection. The caller adds a user's `groups`.
    pub fn to_json(&self, metadata: &ResourceMetadata<'_>) -> Value {
        let mut object = self.attributes.clone();
        object.insert("schemas".into(), json!(self.schemas()));
        object.insert("id".into(), metadata.id.into());
        object.insert(
            "meta".into(),
            json!({
                "resourceType": self.kind.name(),
                "created": metadata.created.to_string(),
                "lastModified": metadata.last_modified.to_string(),
                "location": metadata.location,
                "version": metadata.version,
            }),
        );
        Value::Object(object)
    }
}

fn check_length(name: &str, text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if text.len() > MAX_KEY_BYTES => {
            Err(Error::InvalidValue(format!("{name} is longer than {MAX_KEY_BYTES} bytes: {}", quoted(text))))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
