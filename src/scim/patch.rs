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

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    AttributePath, Error, Filter, Member, Path, Resource,
    error::quoted,
    filter::{Literal, Operator},
    json, normalise,
    normalise::key_of,
    path::is_urn,
    resource::check_schemas,
    schema::{self, Attribute, Returned, Type},
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
    pub fn apply(&self, resource: &Resource) -> Result<Patched, Error> {
        let mut draft = Draft::new(resource.clone());
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

/// A resource while operations are applied to it.
pub(super) struct Draft {
    resource: Resource,
    members: Vec<MembersChange>,
    password: Option<String>,
}

impl Draft {
    pub(super) fn new(resource: Resource) -> Self {
        Self { resource, members: Vec::new(), password: None }
    }

    /// The result, if it is valid.
    pub(super) fn finish(self) -> Result<Patched, Error> {
        self.resource.validate()?;
        Ok(Patched { resource: self.resource, members: self.members, password: self.password })
    }

    /// Applies a value that names what it sets. Each name is read as a path; what only the server
    /// writes, and what belongs to the other kind of resource, is ignored.
    pub(super) fn merge(&mut self, op: Op, given: Map<String, Value>) -> Result<(), Error> {
        let mut seen = HashSet::new();
        for (name, value) in given {
            let path = self.named(&name, &value)?;
            if !seen.insert(path.to_string()) {
                return Err(Error::InvalidSyntax(format!("{path} stands twice")));
            }
            let attribute = path.attribute();
            let read_only = |definition: Option<&Attribute>| definition.is_some_and(Attribute::is_read_only);
            if read_only(attribute.definition())
                || read_only(attribute.target())
                || !attribute.fits(self.resource.kind)
            {
                continue;
            }
            self.apply(op, Some(&path), Some(value))?;
        }
        Ok(())
    }

    /// The path that a name in a resource means: the URN of an extension that holds an object, or any
    /// path.
    fn named(&self, name: &str, value: &Value) -> Result<Path, Error> {
        let path = Path::parse(name).map_err(|error| Error::InvalidSyntax(error.detail().to_owned()))?;
        let attribute = path.attribute();
        let ambiguous = is_urn(name) && path.filter().is_none() && attribute.definition().is_none();
        if ambiguous && !attribute.is_schema() && attribute.sub().is_none() && value.is_object() {
            let parted = attribute.schema().is_some_and(|schema| {
                schema::by_id(schema).is_some() || has_version(schema) || self.holds(schema)
            });
            if !parted {
                return Ok(AttributePath::whole(name).into());
            }
        }
        Ok(path)
    }

    fn holds(&self, schema: &str) -> bool {
        json::member(&self.resource.attributes, schema).is_some()
    }

    /// Applies one operation.
    pub(super) fn apply(&mut self, op: Op, path: Option<&Path>, value: Option<Value>) -> Result<(), Error> {
        let Some(path) = path.filter(|path| !self.is_resource(path)) else {
            return match (op, value) {
                (Op::Remove, _) => Err(Error::NoTarget("remove needs a path".into())),
                (_, Some(Value::Object(given))) => self.merge(op, given),
                _ => {
                    Err(Error::InvalidValue("a value without a path must be an object of attributes".into()))
                }
            };
        };
        let attribute = path.attribute();
        if !attribute.fits(self.resource.kind) {
            return Err(Error::InvalidPath(format!("a {} has no {attribute}", self.resource.kind.name())));
        }
        if attribute.is_schema() {
            return self.extension(op, attribute, value);
        }
        let definition = attribute.definition();
        if definition.is_some_and(|it| it.is_read_only())
            || attribute.target().is_some_and(|it| it.is_read_only())
        {
            return Err(Error::Mutability(format!("{attribute} is read-only")));
        }
        match definition {
            // It follows from the attributes that are there.
            Some(definition) if definition.name == "schemas" => Ok(()),
            Some(definition) if definition.returned == Returned::Never => {
                self.secret(definition, path, value)
            }
            Some(definition) if definition.name == "members" => self.membership(op, definition, path, value),
            _ => self.edit(op, path, value),
        }
    }

    /// Whether a path names the resource as a whole: the URN of its core schema.
    fn is_resource(&self, path: &Path) -> bool {
        let attribute = path.attribute();
        attribute.is_schema() && attribute.schema() == Some(self.resource.kind.schema().id)
    }

    fn secret(
        &mut self,
        definition: &'static Attribute,
        path: &Path,
        value: Option<Value>,
    ) -> Result<(), Error> {
        if path.filter().is_some() {
            return Err(Error::InvalidPath(format!("{} has one value only", definition.name)));
        }
        if let Some(Value::String(secret)) =
            normalise::value(Some(definition), definition.name, value.unwrap_or_default())?
        {
            self.password = Some(secret);
        }
        Ok(())
    }

    /// A whole extension: its attributes are set one by one, or all removed.
    fn extension(&mut self, op: Op, extension: &AttributePath, value: Option<Value>) -> Result<(), Error> {
        let urn = extension.schema().unwrap_or_default();
        let given = match (op, value) {
            (Op::Remove, _) | (_, None | Some(Value::Null)) => {
                if let Some(key) = key_of(&self.resource.attributes, urn) {
                    self.resource.attributes.remove(&key);
                }
                return Ok(());
            }
            (_, Some(Value::Object(given))) => given,
            _ => return Err(Error::InvalidValue(format!("{urn} must be an object of attributes"))),
        };
        let mut seen = HashSet::new();
        for (name, value) in given {
            // Some clients repeat `schemas` within.
            if name.eq_ignore_ascii_case("schemas") {
                continue;
            }
            let path = AttributePath::of_schema(urn, &name)?;
            if !seen.insert(path.to_string().to_ascii_lowercase()) {
                return Err(Error::InvalidSyntax(format!("{path} stands twice")));
            }
            if path.target().is_none_or(|definition| !definition.is_read_only()) {
                self.edit(op, &path.into(), Some(value))?;
            }
        }
        Ok(())
    }

    /// Sets the attribute that a path names to what becomes of it.
    fn edit(&mut self, op: Op, path: &Path, value: Option<Value>) -> Result<(), Error> {
        let attribute = path.attribute();
        let attributes = &mut self.resource.attributes;
        let extension =
            attribute.schema().map(|urn| key_of(attributes, urn).unwrap_or_else(|| urn.to_owned()));
        let container = match &extension {
            None => attributes,
            Some(urn) => match attributes.entry(urn.as_str()).or_insert_with(|| Value::Object(Map::new())) {
                Value::Object(container) => container,
                _ => return Err(Error::InvalidPath(format!("{urn} holds no attributes"))),
            },
        };
        let key = key_of(container, attribute.name()).unwrap_or_else(|| attribute.name().to_owned());
        let current = container.remove(&key);
        let was_inactive = key == "active" && extension.is_none() && current == Some(Value::Bool(false));
        let next = Edit { op, path, definition: attribute.definition() }.next(current, value)?;
        match next {
            Some(next) => drop(container.insert(key, next)),
            // Whoever was deactivated is let in again by saying so, never by saying nothing.
            None if was_inactive => drop(container.insert(key, Value::Bool(false))),
            None => {}
        }
        if let Some(urn) = extension
            && attributes_empty(&self.resource.attributes, &urn)
        {
            self.resource.attributes.remove(&urn);
        }
        Ok(())
    }

    /// What a PATCH says about a group's members.
    fn membership(
        &mut self,
        op: Op,
        definition: &'static Attribute,
        path: &Path,
        value: Option<Value>,
    ) -> Result<(), Error> {
        let sub = path.attribute().sub();
        let immutable =
            || Error::Mutability("what is known of a member is immutable: remove it and add it again".into());
        let Some(filter) = path.filter() else {
            return match (sub, op, value) {
                (Some(_), ..) => Err(immutable()),
                (None, Op::Add, value) => self.change(MembersChange::Add(members(definition, value)?)),
                (None, Op::Replace, value) => {
                    self.change(MembersChange::Replace(members(definition, value)?))
                }
                // RFC 7644 §3.5.2.2: without a value, all of them.
                (None, Op::Remove, None | Some(Value::Null)) => {
                    self.change(MembersChange::Replace(Vec::new()))
                }
                (None, Op::Remove, value) => {
                    let listed = members(definition, value)?;
                    self.change(MembersChange::Remove(
                        listed.into_iter().map(|member| member.value).collect(),
                    ))
                }
            };
        };
        let named = named_values(filter);
        let whole = sub.is_none() || sub == Some("value");
        match (op, named) {
            (Op::Remove, Some(ids)) if whole => self.change(MembersChange::Remove(ids)),
            (Op::Remove, None) if whole => self.change(MembersChange::RemoveWhere(path.clone())),
            (Op::Add, Some(ids)) if sub.is_none() => {
                let mut added = members(definition, value)?;
                if added.is_empty() {
                    added = ids.into_iter().map(Member::new).collect();
                }
                self.change(MembersChange::Add(added))
            }
            (Op::Replace, Some(ids)) if whole => {
                let added = members(definition, value)?;
                self.change(MembersChange::Remove(ids))?;
                self.change(MembersChange::Add(added))
            }
            (Op::Replace, None) if whole => {
                let added = members(definition, value)?;
                self.change(MembersChange::RemoveWhere(path.clone()))?;
                self.change(MembersChange::Add(added))
            }
            _ => Err(immutable()),
        }
    }

    /// Notes a change, as part of the one before it where both say the same.
    fn change(&mut self, change: MembersChange) -> Result<(), Error> {
        match (self.members.last_mut(), change) {
            (_, MembersChange::Add(more)) if more.is_empty() => {}
            (_, MembersChange::Remove(more)) if more.is_empty() => {}
            (
                Some(MembersChange::Add(members) | MembersChange::Replace(members)),
                MembersChange::Add(more),
            ) => {
                members.extend(more);
            }
            (Some(MembersChange::Remove(ids)), MembersChange::Remove(more)) => ids.extend(more),
            (_, change @ MembersChange::Replace(_)) => self.members = vec![change],
            (_, change) => self.members.push(change),
        }
        Ok(())
    }
}

fn attributes_empty(attributes: &Map<String, Value>, urn: &str) -> bool {
    attributes.get(urn).and_then(Value::as_object).is_some_and(Map::is_empty)
}

fn has_version(urn: &str) -> bool {
    urn.split(':').any(|segment| {
        segment.contains('.') && segment.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// The members that a value lists, each once.
fn members(definition: &'static Attribute, value: Option<Value>) -> Result<Vec<Member>, Error> {
    let given = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(given)) => given,
        Some(one) => vec![one],
    };
    let mut seen = HashSet::new();
    let mut members = Vec::with_capacity(given.len());
    for element in given {
        let Some(element) = normalise::single(definition, definition.name, element)? else { continue };
        let Some(member) = Member::from_element(element) else {
            return Err(Error::InvalidValue("a member has no value".into()));
        };
        if seen.insert(member.value.clone()) {
            members.push(member);
        }
    }
    Ok(members)
}

/// The values that a filter names one by one: `value eq "a"`, or several of it joined by `or`.
fn named_values(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare { path, operator: Operator::Eq, value: Literal::Text(text) }
            if path.name() == "value" =>
        {
            Some(vec![text.clone()])
        }
        Filter::Or(parts) => {
            let named: Option<Vec<Vec<String>>> = parts.iter().map(named_values).collect();
            named.map(|named| named.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// What an element must be for a filter of equalities to match it.
fn template(filter: &Filter) -> Option<Map<String, Value>> {
    match filter {
        Filter::Compare { path, operator: Operator::Eq, value } => {
            let value = match value {
                Literal::Null => return None,
                Literal::Boolean(value) => Value::Bool(*value),
                Literal::Number(value) => Value::Number(value.clone()),
                Literal::Text(value) => Value::String(value.clone()),
            };
            Some(Map::from_iter([(path.name().to_owned(), value)]))
        }
        Filter::And(parts) => {
            let mut object = Map::new();
            for part in parts {
                for (name, value) in template(part)? {
                    if object.insert(name, value.clone()).is_some_and(|other| other != value) {
                        return None;
                    }
                }
            }
            Some(object)
        }
        _ => None,
    }
}

/// One operation on one attribute.
struct Edit<'a> {
    op: Op,
    path: &'a Path,
    definition: Option<&'static Attribute>,
}

impl Edit<'_> {
    /// What the attribute becomes; `None` for unassigned.
    fn next(&self, current: Option<Value>, value: Option<Value>) -> Result<Option<Value>, Error> {
        let next = match (self.path.filter(), self.path.attribute().sub()) {
            (None, None) => self.whole(current, value),
            (None, Some(sub)) => self.part(current, sub, value),
            (Some(filter), sub) => self.selected(current, filter, sub, value),
        }?;
        if next.is_none() && self.definition.is_some_and(|definition| definition.required) {
            let name = self.path.attribute();
            return Err(match self.op {
                Op::Remove => Error::Mutability(format!("{name} is required and cannot be removed")),
                Op::Add | Op::Replace => Error::InvalidValue(format!("{name} is required")),
            });
        }
        Ok(next)
    }

    fn at(&self) -> String {
        self.path.attribute().without_sub().to_string()
    }

    fn multi_valued(&self) -> bool {
        self.definition.is_some_and(|definition| definition.multi_valued)
    }

    /// The attribute itself.
    fn whole(&self, current: Option<Value>, value: Option<Value>) -> Result<Option<Value>, Error> {
        let at = self.at();
        match (self.op, self.definition, value) {
            (Op::Remove, _, None | Some(Value::Null)) => Ok(None),
            (Op::Remove, definition, Some(value)) => self.without_listed(definition, current, value),
            (Op::Add, Some(definition), value) if definition.multi_valued => {
                let more = normalise::elements(definition, &at, value.unwrap_or_default())?;
                let (elements, touched) = normalise::join(Some(definition), &at, list(current), more)?;
                some_list(normalise::settle(Some(definition), &at, elements, &touched)?)
            }
            // A complex value is merged (§3.5.2.1, §3.5.2.3), unless it is one reference as a whole.
            (_, Some(definition), Some(Value::Object(given)))
                if definition.kind == Type::Complex
                    && !definition.multi_valued
                    && !is_reference(definition) =>
            {
                self.merged(current, given)
            }
            (_, Some(definition), value) => {
                normalise::value(Some(definition), &at, value.unwrap_or_default())
            }
            (Op::Add, None, Some(value)) if matches!(current, Some(Value::Array(_))) => {
                let more = list(normalise::unknown(&at, value)?);
                let (elements, _) = normalise::join(None, &at, list(current), more)?;
                some_list(elements)
            }
            (_, None, Some(Value::Object(given))) if matches!(current, Some(Value::Object(_))) => {
                self.merged(current, given)
            }
            (_, None, value) => normalise::unknown(&at, value.unwrap_or_default()),
        }
    }

    /// A complex value with these sub-attributes set, or cleared where they are null or empty.
    fn merged(&self, current: Option<Value>, given: Map<String, Value>) -> Result<Option<Value>, Error> {
        let mut object = match current {
            Some(Value::Object(object)) => object,
            _ => Map::new(),
        };
        let mut seen = HashSet::new();
        for (name, value) in given {
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(Error::InvalidSyntax(format!("{} stands twice in {}", quoted(&name), self.at())));
            }
            let sub = self.definition.and_then(|definition| definition.sub_attribute(&name));
            if sub.is_none_or(|sub| !sub.is_read_only()) {
                self.set(&mut object, sub.map_or(name.as_str(), |sub| sub.name), Some(value))?;
            }
        }
        Ok((!object.is_empty()).then_some(Value::Object(object)))
    }

    /// Sets or clears one sub-attribute.
    fn set(&self, object: &mut Map<String, Value>, name: &str, value: Option<Value>) -> Result<(), Error> {
        let key = key_of(object, name).unwrap_or_else(|| name.to_owned());
        let sub = self.definition.and_then(|definition| definition.sub_attribute(name));
        match normalise::value(sub, &format!("{}.{name}", self.at()), value.unwrap_or_default())? {
            Some(value) => object.insert(key, value),
            None => object.remove(&key),
        };
        Ok(())
    }

    /// `remove` with a value: without the elements that it lists.
    fn without_listed(
        &self,
        definition: Option<&'static Attribute>,
        current: Option<Value>,
        value: Value,
    ) -> Result<Option<Value>, Error> {
        let at = self.at();
        let listed = match definition {
            Some(definition) if definition.multi_valued => normalise::elements(definition, &at, value)?,
            None if matches!(current, Some(Value::Array(_))) => list(normalise::unknown(&at, value)?),
            _ => return Ok(None),
        };
        let sameness = |element: &Value| normalise::sameness(definition, element);
        let same: HashSet<_> = listed.iter().map(sameness).collect();
        // What is listed without a type is meant whatever its type.
        let untyped: HashSet<_> =
            listed.iter().filter(|element| element.get("type").is_none()).map(sameness).collect();
        let partial: Vec<_> =
            listed.iter().filter_map(Value::as_object).filter(|it| !it.contains_key("value")).collect();
        let mut elements = list(current);
        elements.retain(|element| {
            let any_type = match sameness(element) {
                normalise::Sameness::Valued(value, Some(_)) => {
                    untyped.contains(&normalise::Sameness::Valued(value, None))
                }
                _ => false,
            };
            let covered = |listed: &&Map<String, Value>| {
                listed.iter().all(|(name, value)| element.get(name) == Some(value))
            };
            !(same.contains(&sameness(element)) || any_type || partial.iter().any(covered))
        });
        some_list(elements)
    }

    /// A sub-attribute, of every value where there are several.
    fn part(&self, current: Option<Value>, sub: &str, value: Option<Value>) -> Result<Option<Value>, Error> {
        let value = value.filter(|_| self.op != Op::Remove);
        match current {
            Some(Value::Array(elements)) => {
                let every: Vec<usize> = (0..elements.len()).collect();
                self.set_in(elements, &every, sub, value)
            }
            None if self.multi_valued() => {
                let mut element = Map::new();
                self.set(&mut element, sub, value)?;
                let element = Some(Value::Object(element)).filter(|element| !normalise::is_bare(element));
                some_list(element.into_iter().collect())
            }
            None | Some(Value::Object(_)) => {
                let mut object = match current {
                    Some(Value::Object(object)) => object,
                    _ => Map::new(),
                };
                // A reference to someone else has nothing in common with the one before.
                if sub == "value" && self.definition.is_some_and(is_reference) {
                    object.clear();
                }
                self.set(&mut object, sub, value)?;
                Ok((!object.is_empty()).then_some(Value::Object(object)))
            }
            Some(_) => Err(Error::InvalidPath(format!("{} has no sub-attributes", self.at()))),
        }
    }

    fn set_in(
        &self,
        mut elements: Vec<Value>,
        indexes: &[usize],
        sub: &str,
        value: Option<Value>,
    ) -> Result<Option<Value>, Error> {
        for &index in indexes {
            match elements.get_mut(index) {
                Some(Value::Object(element)) => self.set(element, sub, value.clone())?,
                _ => return Err(Error::InvalidPath(format!("{} has no sub-attributes", self.at()))),
            }
        }
        some_list(normalise::settle(self.definition, &self.at(), elements, indexes)?)
    }

    /// The values that a filter selects.
    fn selected(
        &self,
        current: Option<Value>,
        filter: &Filter,
        sub: Option<&str>,
        value: Option<Value>,
    ) -> Result<Option<Value>, Error> {
        let one = matches!(current, Some(Value::Object(_)));
        let elements = list(current);
        let matched: Vec<usize> = elements
            .iter()
            .enumerate()
            .filter(|(_, element)| self.path.selects(element))
            .map(|(index, _)| index)
            .collect();
        let next = match (self.op, sub) {
            (Op::Remove, None) => self.without(elements, &matched),
            (Op::Remove, Some(sub)) => self.set_in(elements, &matched, sub, None),
            (_, Some(sub)) if !matched.is_empty() => self.set_in(elements, &matched, sub, value),
            (_, None) if !matched.is_empty() => self.replaced(elements, &matched, filter, value),
            _ => self.created(elements, filter, sub, value),
        }?;
        // The one value of a single-valued attribute does not become a list.
        Ok(match next {
            Some(Value::Array(mut elements)) if one && !self.multi_valued() && elements.len() == 1 => {
                elements.pop()
            }
            next => next,
        })
    }

    fn without(&self, elements: Vec<Value>, matched: &[usize]) -> Result<Option<Value>, Error> {
        let matched: HashSet<usize> = matched.iter().copied().collect();
        let kept = elements.into_iter().enumerate().filter(|(index, _)| !matched.contains(index));
        some_list(kept.map(|(_, element)| element).collect())
    }

    /// Elements that a filter selected, with a new value: `add` merges, `replace` puts it in their place.
    /// What the filter is equal to stays, unless the value says otherwise, so that the same path selects
    /// the element again.
    fn replaced(
        &self,
        mut elements: Vec<Value>,
        matched: &[usize],
        filter: &Filter,
        value: Option<Value>,
    ) -> Result<Option<Value>, Error> {
        let Some(new) = self.element(value)? else {
            return if self.op == Op::Add { some_list(elements) } else { self.without(elements, matched) };
        };
        let template = template(filter).unwrap_or_default();
        for &index in matched {
            let Some(element) = elements.get_mut(index) else { continue };
            match (&mut *element, new.clone()) {
                (Value::Object(old), Value::Object(new)) => {
                    if self.op == Op::Replace {
                        *old = template.clone();
                    }
                    old.extend(new);
                }
                (_, new) => *element = new,
            }
        }
        some_list(normalise::settle(self.definition, &self.at(), elements, matched)?)
    }

    /// An element that the filter would select.
    fn created(
        &self,
        mut elements: Vec<Value>,
        filter: &Filter,
        sub: Option<&str>,
        value: Option<Value>,
    ) -> Result<Option<Value>, Error> {
        let no_target = || Error::NoTarget(format!("{} selects no value", self.path));
        let mut element = template(filter).ok_or_else(no_target)?;
        // Someone who replaces one particular value is told that it is not there (§3.5.2.3).
        if self.op == Op::Replace && (sub.is_none() || element.contains_key("value")) {
            return Err(no_target());
        }
        match sub {
            Some(sub) => self.set(&mut element, sub, value)?,
            None => match self.element(value)? {
                Some(Value::Object(new)) => element.extend(new),
                _ => return some_list(elements),
            },
        }
        let element = Value::Object(element);
        if normalise::is_bare(&element) {
            return some_list(elements);
        }
        elements.push(element);
        let last = elements.len() - 1;
        some_list(normalise::settle(self.definition, &self.at(), elements, &[last])?)
    }

    /// A value in the form of one element.
    fn element(&self, value: Option<Value>) -> Result<Option<Value>, Error> {
        let (at, value) = (self.at(), value.unwrap_or_default());
        match self.definition {
            Some(definition) => normalise::single(definition, &at, value),
            None => match normalise::unknown(&at, value)? {
                Some(Value::Array(mut elements)) if elements.len() == 1 => Ok(elements.pop()),
                other => Ok(other),
            },
        }
    }
}

/// Whether a single complex value is a reference as a whole: `manager`.
fn is_reference(definition: &Attribute) -> bool {
    !definition.multi_valued && definition.sub_attributes.iter().any(|sub| sub.name == "value")
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(elements)) => elements,
        Some(one) => vec![one],
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every branch of an edit ends in it")]
fn some_list(elements: Vec<Value>) -> Result<Option<Value>, Error> {
    Ok((!elements.is_empty()).then_some(Value::Array(elements)))
}
