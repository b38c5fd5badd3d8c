//! The attributes of a response: `attributes` and `excludedAttributes` (RFC 7644 §3.4.2.5, §3.9).

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::{
    AttributePath, Error,
    attribute_path::is_urn,
    comparison::is_present,
    schema::{self, Returned},
};

/// Maximum number of attributes that a request may name.
pub const MAX_PROJECTED_ATTRIBUTES: usize = 200;

/// The attributes of a resource that a client requests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Projection {
    /// The attributes returned by default.
    #[default]
    Default,
    /// These, and those always returned.
    Only(Vec<AttributePath>),
    /// The default ones except these; those always returned stay.
    Except(Vec<AttributePath>),
}

impl Projection {
    /// Parses the two parameters, which are mutually exclusive lists of names separated by commas. An empty
    /// one is ignored.
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, Error> {
        let split = |names: &'_ str| names.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
        Self::of(attributes.map(split).unwrap_or_default(), excluded.map(split).unwrap_or_default())
    }

    /// The same from lists of names, as in a SearchRequest.
    pub fn of(attributes: Vec<String>, excluded: Vec<String>) -> Result<Self, Error> {
        let (only, except) = (read(&attributes, "attributes")?, read(&excluded, "excludedAttributes")?);
        match (only.is_empty(), except.is_empty()) {
            (true, true) => Ok(Self::Default),
            (false, true) => Ok(Self::Only(only)),
            (true, false) => Ok(Self::Except(except)),
            (false, false) => {
                Err(Error::InvalidValue("attributes and excludedAttributes exclude each other".into()))
            }
        }
    }

    /// Whether the client requested no specific attributes.
    pub fn is_default(&self) -> bool {
        *self == Self::Default
    }

    /// Whether the response includes any part of this core or common attribute. If not, it need not be
    /// loaded.
    pub fn includes(&self, name: &str) -> bool {
        let named = |path: &AttributePath| path.schema().is_none() && path.name() == name;
        match self {
            Self::Default => true,
            Self::Only(paths) => paths.iter().any(|path| named(path) || whole_core(path)),
            Self::Except(paths) => !paths.iter().any(|path| named(path) && path.sub().is_none()),
        }
    }

    /// Reduces a full resource to the requested attributes.
    pub fn apply(&self, resource: Value) -> Value {
        let Value::Object(resource) = resource else { return resource };
        let only = match self {
            Self::Default => return Value::Object(without_secrets(resource)),
            Self::Only(_) => true,
            Self::Except(_) => false,
        };
        let selection = self.selection();
        let mut answer = Map::new();
        for (name, value) in without_secrets(resource) {
            let always = schema::COMMON
                .iter()
                .any(|common| common.name == name && common.returned == Returned::Always);
            let kept = if always {
                Some(value)
            } else if is_urn(&name) {
                match selection.extensions.get(&name.to_ascii_lowercase()) {
                    Some(selection) => selection.apply(only, value),
                    None => (!only).then_some(value),
                }
            } else if selection.core.whole {
                only.then_some(value)
            } else {
                selection.core.member(only, &name, value)
            };
            if let Some(value) = kept {
                answer.insert(name, value);
            }
        }
        Value::Object(answer)
    }

    fn selection(&self) -> Selection {
        let mut selection = Selection::default();
        let paths = match self {
            Self::Default => return selection,
            Self::Only(paths) | Self::Except(paths) => paths,
        };
        for path in paths {
            let part = match path.schema() {
                Some(urn) if !whole_core(path) => {
                    selection.extensions.entry(urn.to_ascii_lowercase()).or_default()
                }
                _ => &mut selection.core,
            };
            if path.is_schema() {
                part.whole = true;
                continue;
            }
            let subs =
                part.names.entry(path.name().to_ascii_lowercase()).or_insert_with(|| Some(HashSet::new()));
            match (path.sub(), subs) {
                (None, subs) => *subs = None,
                (Some(sub), Some(subs)) => drop(subs.insert(sub.to_ascii_lowercase())),
                (Some(_), None) => {}
            }
        }
        selection
    }
}

/// Whether a path is the URN of a core schema, which stands for all of its attributes.
fn whole_core(path: &AttributePath) -> bool {
    path.is_schema()
        && schema::ResourceType::ALL
            .into_iter()
            .any(|kind| path.schema().is_some_and(|urn| urn == kind.schema().id))
}

fn read(names: &[String], parameter: &str) -> Result<Vec<AttributePath>, Error> {
    let names: Vec<_> = names.iter().filter(|name| !name.is_empty()).collect();
    if names.len() > MAX_PROJECTED_ATTRIBUTES {
        return Err(Error::InvalidValue(format!(
            "{parameter} names more than {MAX_PROJECTED_ATTRIBUTES} attributes"
        )));
    }
    names
        .into_iter()
        .map(|name| AttributePath::parse(name))
        .collect::<Result<_, _>>()
        .map_err(|error| Error::InvalidValue(format!("{parameter}: {}", error.detail())))
}

fn without_secrets(mut resource: Map<String, Value>) -> Map<String, Value> {
    resource.retain(|name, _| {
        schema::by_name(name).is_none_or(|(_, definition)| definition.returned != Returned::Never)
    });
    resource
}

/// The named attributes by schema.
#[derive(Default)]
struct Selection {
    core: SchemaSelection,
    extensions: HashMap<String, SchemaSelection>,
}

/// The named attributes of one schema: lower-case names with their lower-case sub-attributes; `None` for the
/// whole attribute.
#[derive(Default)]
struct SchemaSelection {
    whole: bool,
    names: HashMap<String, Option<HashSet<String>>>,
}

impl SchemaSelection {
    fn apply(&self, only: bool, extension: Value) -> Option<Value> {
        if self.whole {
            return only.then_some(extension);
        }
        let Value::Object(members) = extension else { return (!only).then_some(extension) };
        let kept: Map<_, _> = members
            .into_iter()
            .filter_map(|(name, value)| self.member(only, &name, value).map(|value| (name, value)))
            .collect();
        (!kept.is_empty()).then_some(Value::Object(kept))
    }

    fn member(&self, only: bool, name: &str, value: Value) -> Option<Value> {
        match self.names.get(&name.to_ascii_lowercase()) {
            None => (!only).then_some(value),
            Some(None) => only.then_some(value),
            Some(Some(subs)) => {
                let value = parts(only, subs, value);
                is_present(&value).then_some(value)
            }
        }
    }
}

fn parts(only: bool, subs: &HashSet<String>, value: Value) -> Value {
    match value {
        Value::Array(elements) => {
            let elements = elements.into_iter().map(|element| parts(only, subs, element));
            elements.filter(is_present).collect()
        }
        Value::Object(mut object) => {
            object.retain(|name, _| only == subs.contains(&name.to_ascii_lowercase()));
            Value::Object(object)
        }
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn user() -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, "urn:example:2.0:User"],
            "id": "u1",
            "meta": {"resourceType": "User", "location": "https://x/u1"},
            "userName": "a@example.com",
            "active": true,
            "name": {"givenName": "A", "familyName": "B"},
            "emails": [{"value": "a@example.com", "type": "work"}, {"value": "b@example.com"}],
            ENTERPRISE: {"department": "D", "manager": {"value": "u2"}},
            "urn:example:2.0:User": {"colour": "red"},
            "password": "never here, and never shown",
        })
    }

    fn names(value: &Value) -> Vec<String> {
        let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    }

    #[test]
    fn an_answer_holds_what_was_asked_for_and_what_is_always_there() {
        let cases: Vec<(&str, &[&str])> = vec![
            ("userName", &["id", "schemas", "userName"]),
            ("USERNAME,  active ,", &["active", "id", "schemas", "userName"]),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", &["id", "schemas", "userName"]),
            ("nickName,colour", &["id", "schemas"]),
            ("department", &["id", "schemas", ENTERPRISE]),
            (
                "urn:ietf:params:scim:schemas:core:2.0:User",
                &["active", "emails", "id", "meta", "name", "schemas", "userName"],
            ),
            ("password", &["id", "schemas"]),
            ("urn:example:2.0:user", &["id", "schemas", "urn:example:2.0:User"]),
        ];
        for (attributes, expected) in cases {
            let answer = Projection::parse(Some(attributes), None).unwrap().apply(user());
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(names(&answer), expected, "{attributes}");
        }
    }

    #[test]
    fn sub_attributes_are_chosen_too() {
        let only = |names: &str| Projection::parse(Some(names), None).unwrap().apply(user());
        assert_eq!(only("emails.type")["emails"], json!([{"type": "work"}]));
        assert_eq!(only("name.givenName,name.middleName")["name"], json!({"givenName": "A"}));
        assert_eq!(only("name.middleName").get("name"), None);
        assert_eq!(
            only(&format!("{ENTERPRISE}:manager.value"))[ENTERPRISE],
            json!({"manager": {"value": "u2"}})
        );
        let except = |names: &str| Projection::parse(None, Some(names)).unwrap().apply(user());
        assert_eq!(except("emails.value")["emails"], json!([{"type": "work"}]));
        assert_eq!(except("name.givenName")["name"], json!({"familyName": "B"}));
        assert_eq!(except("manager")[ENTERPRISE], json!({"department": "D"}));
    }

    #[test]
    fn what_is_excluded_is_absent_but_for_what_is_always_there() {
        let except = |names: &str| Projection::parse(None, Some(names)).unwrap();
        assert_eq!(
            names(&except("ID,schemas,emails,name,active,meta").apply(user())),
            ["id", "schemas", "urn:example:2.0:User", ENTERPRISE, "userName"]
        );
        assert!(!names(&except(ENTERPRISE).apply(user())).contains(&ENTERPRISE.to_owned()));
        assert!(!except("members").includes("members"));
        assert!(except("members.display").includes("members"));
        assert!(!Projection::parse(Some("id"), None).unwrap().includes("members"));
        assert!(Projection::parse(Some("members.value"), None).unwrap().includes("members"));
    }

    #[test]
    fn nothing_asked_for_is_everything_but_the_password() {
        let projection = Projection::parse(Some(""), Some(" , ")).unwrap();
        assert!(projection.is_default());
        let answer = projection.apply(user());
        assert_eq!(answer.get("password"), None);
        assert_eq!(answer["emails"], user()["emails"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert!(matches!(Projection::parse(Some("id"), Some("id")), Err(Error::InvalidValue(_))));
        assert!(matches!(Projection::parse(Some("emails[type eq 1]"), None), Err(Error::InvalidValue(_))));
        assert!(matches!(
            Projection::parse(Some(&"a,".repeat(MAX_PROJECTED_ATTRIBUTES + 1)), None),
            Err(Error::InvalidValue(_))
        ));
    }
}
