//! What callers send about organizations.

use std::collections::BTreeMap;

use base::id::UserId;
use model::{organization::Wso2Version, organization_reference::Handle};
use serde::Deserialize;
use serde_json::Value;

use super::errors::{
    self, ATTRIBUTE_KEY_UNDEFINED, ATTRIBUTE_VALUE_MISSING, CREATOR_INVALID, FIELD_MISSING, HANDLE_TAKEN,
    INVALID_REQUEST, KEY_MISSING, KEY_TWICE, NAME_HTML, NAME_RESERVED, ONLY_REPLACED, OPERATION_INVALID,
    OPERATION_MISSING, PATH_INVALID, PATH_MISSING, STATUS_INVALID, TYPE_INVALID, VALUE_MISSING, refuse,
};
use crate::{
    app::organizations::subtree::{Change, NewSubOrganization, ROOT_NAME},
    http::wso2::{call::Json, error::Wso2Error},
};

type Result<T, E = Wso2Error> = std::result::Result<T, E>;

/// The attribute by which the user is named who has an organization made.
const CREATOR_ID: &str = "creator.id";

#[derive(Debug, Deserialize)]
struct AttributeBody {
    key: Option<String>,
    value: Option<String>,
}

/// An organization to create. Unknown members are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewBody {
    name: Option<String>,
    org_handle: Option<String>,
    description: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The organization above it.
    pub parent_id: Option<String>,
    attributes: Option<Vec<AttributeBody>>,
}

impl NewBody {
    /// The handle that it is to have.
    pub fn handle(&self) -> &str {
        self.org_handle.as_deref().unwrap_or_default()
    }

    /// What is asked for.
    pub fn parse(&self) -> Result<NewSubOrganization> {
        let name = name(self.name.as_deref())?;
        match self.kind.as_deref() {
            None | Some("TENANT") => {}
            Some(_) => return Err(refuse(&TYPE_INVALID, "")),
        }
        let attributes = attributes(self.attributes.as_deref())?;
        let creator = match attributes.get(CREATOR_ID) {
            Some(id) => Some(id.parse::<UserId>().map_err(|_| refuse(&CREATOR_INVALID, id))?),
            None => None,
        };
        let handle = self.org_handle.as_deref().map(str::trim).filter(|handle| !handle.is_empty());
        Ok(NewSubOrganization {
            name,
            handle: handle.map(parse_handle).transpose()?,
            description: self.description.clone().unwrap_or_default(),
            attributes,
            creator,
        })
    }
}

/// A handle. One that stands for something else is answered as one that another organization has.
pub(super) fn parse_handle(text: &str) -> Result<Handle> {
    let text = text.trim();
    Handle::parse(text).map_err(|reason| match Handle::parse_stored(text) {
        Ok(_) => refuse(&HANDLE_TAKEN, text),
        Err(_) => errors::invalid(format!("orgHandle {reason}")),
    })
}

/// A name that an organization may have.
fn name(given: Option<&str>) -> Result<String> {
    let name = given.map(str::trim).unwrap_or_default();
    if name.is_empty() {
        return Err(refuse(&FIELD_MISSING, "name"));
    }
    if has_html(name) {
        return Err(refuse(&NAME_HTML, ""));
    }
    if name == ROOT_NAME {
        return Err(refuse(&NAME_RESERVED, name));
    }
    Ok(name.to_owned())
}

/// Whether a text has what reads as an element, a comment or a declaration of HTML, closed or not.
fn has_html(text: &str) -> bool {
    text.split('<')
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')))
}

fn attributes(given: Option<&[AttributeBody]>) -> Result<BTreeMap<String, String>> {
    let mut attributes = BTreeMap::new();
    for attribute in given.unwrap_or_default() {
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
        let (key, value) = (text(&attribute.key), text(&attribute.value));
        if key.is_empty() {
            return Err(refuse(&KEY_MISSING, ""));
        }
        if value.is_empty() {
            return Err(refuse(&ATTRIBUTE_VALUE_MISSING, ""));
        }
        if attributes.insert(key, value).is_some() {
            return Err(refuse(&KEY_TWICE, ""));
        }
    }
    Ok(attributes)
}

fn disabled(status: &str) -> Result<bool> {
    match status {
        "ACTIVE" => Ok(false),
        "DISABLED" => Ok(true),
        _ => Err(refuse(&STATUS_INVALID, "")),
    }
}

fn version(text: &str) -> Result<Wso2Version> {
    text.parse().map_err(|_| errors::invalid("version must be v0.0.0 or v1.0.0".to_owned()))
}

/// What an organization is from now on.
#[derive(Debug, Deserialize)]
pub(super) struct ReplacementBody {
    name: Option<String>,
    description: Option<String>,
    status: Option<String>,
    version: Option<String>,
    attributes: Option<Vec<AttributeBody>>,
}

impl ReplacementBody {
    /// All that is set: what is absent is none, but for the version, which stays.
    pub fn parse(&self) -> Result<Vec<Change>> {
        let name = name(self.name.as_deref())?;
        let status = self.status.as_deref().filter(|status| !status.trim().is_empty());
        let disabled = disabled(status.ok_or_else(|| refuse(&FIELD_MISSING, "status"))?)?;
        let version = self.version.as_deref().map(version).transpose()?;
        let changes = [
            Change::Name(name),
            Change::Description(self.description.clone().unwrap_or_default()),
            Change::Disabled(disabled),
            Change::Attributes(attributes(self.attributes.as_deref())?),
        ];
        Ok(changes.into_iter().chain(version.map(Change::Version)).collect())
    }
}

#[derive(Debug, Deserialize)]
struct OperationBody {
    operation: Option<String>,
    path: Option<String>,
    #[serde(default)]
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Add,
    Replace,
    Remove,
}

/// Reads the operations of a PATCH; `id` is whose they are. `own`: of the caller's own organization, of which only name and version
/// are changed.
pub(super) fn operations(body: Json, id: &str, own: bool) -> Result<Vec<Change>> {
    let operations: Vec<OperationBody> = body.read()?;
    operations.iter().map(|operation| change(operation, id, own)).collect()
}

fn change(sent: &OperationBody, id: &str, own: bool) -> Result<Change> {
    let named = sent.operation.as_deref().map(str::trim).unwrap_or_default();
    let operation = match named {
        "" => return Err(refuse(&OPERATION_MISSING, id)),
        "ADD" => Operation::Add,
        "REPLACE" => Operation::Replace,
        "REMOVE" => Operation::Remove,
        other => return Err(refuse(&OPERATION_INVALID, other)),
    };
    let path = sent.path.as_deref().map(str::trim).unwrap_or_default();
    if path.is_empty() {
        return Err(refuse(&PATH_MISSING, ""));
    }
    let value = match (&sent.value, operation) {
        (Value::String(text), _) => text.trim(),
        (_, Operation::Remove) => "",
        (Value::Null, _) => return Err(refuse(&VALUE_MISSING, "")),
        _ => return Err(refuse(&INVALID_REQUEST, "")),
    };
    if operation != Operation::Remove && value.is_empty() && path != "/description" {
        return Err(refuse(&VALUE_MISSING, ""));
    }
    let only_replaced = || match operation {
        Operation::Replace => Ok(()),
        _ => Err(refuse(&ONLY_REPLACED, format!("{named}, path : {path}"))),
    };
    match path {
        "/name" => {
            only_replaced()?;
            Ok(Change::Name(name(Some(value))?))
        }
        "/version" => {
            only_replaced()?;
            Ok(Change::Version(version(value)?))
        }
        _ if own => Err(refuse(&PATH_INVALID, path)),
        "/status" => {
            only_replaced()?;
            Ok(Change::Disabled(disabled(value)?))
        }
        "/description" if operation == Operation::Remove => Ok(Change::Description(String::new())),
        "/description" => Ok(Change::Description(value.to_owned())),
        _ => {
            let key = path.strip_prefix("/attributes/").ok_or_else(|| refuse(&PATH_INVALID, path))?.trim();
            if key.is_empty() {
                return Err(refuse(&ATTRIBUTE_KEY_UNDEFINED, ""));
            }
            let (key, value) = (key.to_owned(), value.to_owned());
            Ok(match operation {
                Operation::Add => Change::AddAttribute(key, value),
                Operation::Replace => Change::ReplaceAttribute(key, value),
                Operation::Remove => Change::RemoveAttribute(key),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(error: Wso2Error) -> String {
        error.to_string()
    }

    #[test]
    fn names_are_what_wso2_takes_for_one() {
        for good in ["BestCar", "a < b", "Ärzte & Co", "super", "1<2"] {
            assert_eq!(name(Some(&format!(" {good} "))).unwrap(), good);
        }
        for (bad, expected) in [
            ("", "ORG-60002"),
            (" \t", "ORG-60002"),
            ("<b>x</b>", "ORG-60097"),
            ("x <script", "ORG-60097"),
            ("<!-- x", "ORG-60097"),
            ("Super", "ORG-60017"),
        ] {
            assert_eq!(name(Some(bad)).map_err(code), Err(expected.to_owned()), "{bad}");
        }
        assert_eq!(name(None).map_err(code), Err("ORG-60002".to_owned()));
    }

    #[test]
    fn operations_are_read_as_the_contract_says() {
        let read = |operation: Value, own| operations(Json(json!([operation])), "x", own).map_err(code);
        let attribute =
            |operation| json!({ "operation": operation, "path": "/attributes/Country", "value": " LK " });
        let pair = || ("Country".to_owned(), "LK".to_owned());
        assert_eq!(read(attribute("ADD"), false), Ok(vec![Change::AddAttribute(pair().0, pair().1)]));
        assert_eq!(read(attribute("REPLACE"), false), Ok(vec![Change::ReplaceAttribute(pair().0, pair().1)]));
        assert_eq!(read(attribute("REMOVE"), false), Ok(vec![Change::RemoveAttribute(pair().0)]));
        let status = json!({ "operation": "REPLACE", "path": "/status", "value": "DISABLED" });
        assert_eq!(read(status, false), Ok(vec![Change::Disabled(true)]));
        for (operation, own, expected) in [
            (json!({ "path": "/name", "value": "x" }), false, "ORG-60008"),
            (json!({ "operation": "replace", "path": "/name", "value": "x" }), false, "ORG-60009"),
            (json!({ "operation": "REPLACE", "value": "x" }), false, "ORG-60010"),
            (json!({ "operation": "REPLACE", "path": "/type", "value": "x" }), false, "ORG-60011"),
            (json!({ "operation": "REPLACE", "path": "/name" }), false, "ORG-60012"),
            (json!({ "operation": "ADD", "path": "/attributes/a", "value": " " }), false, "ORG-60012"),
            (json!({ "operation": "ADD", "path": "/name", "value": "x" }), false, "ORG-60013"),
            (json!({ "operation": "REMOVE", "path": "/status" }), false, "ORG-60013"),
            (json!({ "operation": "REPLACE", "path": "/status", "value": "active" }), false, "ORG-60028"),
            (json!({ "operation": "ADD", "path": "/attributes/", "value": "x" }), false, "ORG-60018"),
            (json!({ "operation": "REPLACE", "path": "/description", "value": "x" }), true, "ORG-60011"),
            (json!({ "operation": "REPLACE", "path": "/name", "value": 7 }), false, "ORG-60001"),
        ] {
            assert_eq!(read(operation.clone(), own), Err(expected.to_owned()), "{operation}");
        }
    }
}
