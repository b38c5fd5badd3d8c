//! Applies PATCH operations, and the bodies of POST and PUT, to a resource.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::{
    AttributePath, Error, Filter, Member, MembershipChange, PatchResult, Path, Resource, WorkBudget,
    attribute_edit::AttributeEdit,
    attribute_path::is_versioned,
    filter::{Literal, Operator},
    names::NameIndex,
    normalise,
    operation::Op,
    schema::{self, Attribute, Returned},
};

/// A resource to which operations are being applied.
pub(super) struct ResourceEditor<'w> {
    resource: Resource,
    /// The names of the resource, and of each extension that was accessed, by lower-case key.
    names: NameIndex,
    extensions: HashMap<String, NameIndex>,
    members: Vec<MembershipChange>,
    password: Option<String>,
    work: &'w mut WorkBudget,
}

impl<'w> ResourceEditor<'w> {
    pub(super) fn new(resource: Resource, work: &'w mut WorkBudget) -> Self {
        let names = NameIndex::of(&resource.attributes);
        Self { resource, names, extensions: HashMap::new(), members: Vec::new(), password: None, work }
    }

    /// Validates and returns the result.
    pub(super) fn finish(self) -> Result<PatchResult, Error> {
        self.resource.validate()?;
        Ok(PatchResult { resource: self.resource, members: self.members, password: self.password })
    }

    /// Applies an object of attributes. Each name is parsed as a path; read-only attributes and attributes of
    /// the other resource type are ignored.
    pub(super) fn merge(&mut self, op: Op, given: Map<String, Value>) -> Result<(), Error> {
        let mut seen = HashSet::new();
        for (name, value) in given {
            let path = path_of_member(&name, &value)?;
            let attribute = path.attribute();
            let filter = path.filter().map(Filter::to_string);
            if !seen.insert((attribute.to_string().to_ascii_lowercase(), filter)) {
                return Err(Error::InvalidSyntax(format!("{path} appears twice")));
            }
            let read_only = |definition: Option<&Attribute>| definition.is_some_and(Attribute::is_read_only);
            if read_only(attribute.definition())
                || read_only(attribute.target())
                || !attribute.applies_to(self.resource.kind)
            {
                continue;
            }
            self.apply(op, Some(&path), Some(value))?;
        }
        Ok(())
    }

    /// Applies one operation.
    pub(super) fn apply(&mut self, op: Op, path: Option<&Path>, value: Option<Value>) -> Result<(), Error> {
        self.work.spend(1)?;
        let Some(path) = path.filter(|path| !self.is_resource(path)) else {
            return match (op, value) {
                (Op::Remove, _) => Err(Error::NoTarget("remove needs a path".into())),
                (_, Some(Value::Object(given))) => {
                    self.check_names(&given)?;
                    self.merge(op, given)
                }
                _ => {
                    Err(Error::InvalidValue("a value without a path must be an object of attributes".into()))
                }
            };
        };
        let attribute = path.attribute();
        if !attribute.applies_to(self.resource.kind) {
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
            // `schemas` is derived from the attributes that are present.
            Some(definition) if definition.name == "schemas" && op == Op::Remove => {
                Err(Error::Mutability("schemas is required and cannot be removed".into()))
            }
            Some(definition) if definition.name == "schemas" => Ok(()),
            Some(definition) if definition.returned == Returned::Never && attribute.schema().is_none() => {
                self.secret(definition, path, value)
            }
            Some(definition) if definition.name == "members" => self.membership(op, definition, path, value),
            _ => self.edit(op, path, value),
        }
    }

    /// Refuses the value of a PATCH that has nothing but attributes of the other resource type: it would have no effect.
    fn check_names(&self, given: &Map<String, Value>) -> Result<(), Error> {
        let mut foreign = None;
        for (name, value) in given {
            let path = path_of_member(name, value)?;
            if path.attribute().applies_to(self.resource.kind) {
                return Ok(());
            }
            foreign = Some(path);
        }
        match foreign {
            Some(path) => Err(Error::InvalidPath(format!("a {} has no {path}", self.resource.kind.name()))),
            None => Ok(()),
        }
    }

    /// Whether a path is the URN of the core schema, which names the whole resource.
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

    /// Applies an operation to a whole extension: sets its attributes one by one, or removes them all.
    fn extension(&mut self, op: Op, extension: &AttributePath, value: Option<Value>) -> Result<(), Error> {
        let urn = extension.schema().unwrap_or_default();
        let given = match (op, value) {
            (Op::Remove, _) | (_, None | Some(Value::Null)) => {
                if let Some(key) = self.names.key(urn).map(str::to_owned) {
                    self.remove_extension(&key);
                }
                return Ok(());
            }
            (_, Some(Value::Object(given))) => given,
            _ => return Err(Error::InvalidValue(format!("{urn} must be an object of attributes"))),
        };
        let mut seen = HashSet::new();
        for (name, value) in given {
            let path = AttributePath::in_extension(urn, &name)?;
            if !seen.insert(path.to_string().to_ascii_lowercase()) {
                return Err(Error::InvalidSyntax(format!("{path} appears twice")));
            }
            if path.target().is_none_or(|definition| !definition.is_read_only()) {
                self.edit(op, &path.into(), Some(value))?;
            }
        }
        Ok(())
    }

    /// Applies an operation to the attribute that a path names.
    fn edit(&mut self, op: Op, path: &Path, value: Option<Value>) -> Result<(), Error> {
        let attribute = path.attribute();
        // Some clients repeat `schemas` within an extension.
        if attribute.schema().is_some() && attribute.name().eq_ignore_ascii_case("schemas") {
            return Ok(());
        }
        let definition = attribute.definition_in(self.resource.kind);
        let extension =
            attribute.schema().map(|urn| self.names.key(urn).map_or_else(|| urn.to_owned(), str::to_owned));
        let attributes = &mut self.resource.attributes;
        let (container, names) = match &extension {
            None => (attributes, &mut self.names),
            Some(urn) => {
                self.names.insert(urn);
                match attributes.entry(urn.as_str()).or_insert_with(|| Value::Object(Map::new())) {
                    Value::Object(container) => {
                        let names =
                            self.extensions.entry(urn.clone()).or_insert_with(|| NameIndex::of(container));
                        (container, names)
                    }
                    _ => return Err(Error::InvalidPath(format!("{urn} holds no attributes"))),
                }
            }
        };
        let key = names.key(attribute.name()).unwrap_or(attribute.name()).to_owned();
        let current = container.remove(&key);
        let was_inactive = key == "active" && extension.is_none() && current == Some(Value::Bool(false));
        // A password of an extension is not kept, as that of the core schema is not.
        let is_password = extension.is_some() && normalise::is_password(attribute.name());
        let edited = match is_password && op != Op::Remove {
            true => None,
            false => AttributeEdit { op, path, definition }.apply(current, value, self.work)?,
        };
        let next = match edited {
            // A deactivated user is activated only by an explicit `true`, never by removing `active`.
            None if was_inactive => Some(Value::Bool(false)),
            next => next,
        };
        match next {
            Some(next) => {
                names.insert(&key);
                container.insert(key, next);
            }
            None => names.remove(&key),
        }
        if let Some(urn) = extension
            && attributes_empty(&self.resource.attributes, &urn)
        {
            self.remove_extension(&urn);
        }
        Ok(())
    }

    fn remove_extension(&mut self, key: &str) {
        self.resource.attributes.remove(key);
        self.names.remove(key);
        self.extensions.remove(key);
    }

    /// Records the membership changes of an operation on `members`.
    fn membership(
        &mut self,
        op: Op,
        definition: &'static Attribute,
        path: &Path,
        value: Option<Value>,
    ) -> Result<(), Error> {
        let sub = path.attribute().sub();
        let immutable = || {
            Error::Mutability(
                "a member's attributes are immutable: remove the member and add it again".into(),
            )
        };
        let Some(filter) = path.filter() else {
            return match (sub, op, value) {
                (Some(_), ..) => Err(immutable()),
                (None, Op::Add, value) => self.change(MembershipChange::Add(members(definition, value)?)),
                (None, Op::Replace, value) => {
                    self.change(MembershipChange::Replace(members(definition, value)?))
                }
                // RFC 7644 §3.5.2.2: without a value, all members are removed.
                (None, Op::Remove, None | Some(Value::Null)) => {
                    self.change(MembershipChange::Replace(Vec::new()))
                }
                (None, Op::Remove, value) => {
                    let listed = members(definition, value)?;
                    self.change(MembershipChange::Remove(
                        listed.into_iter().map(|member| member.value).collect(),
                    ))
                }
            };
        };
        let named = named_values(filter);
        let whole = sub.is_none() || sub == Some("value");
        match (op, named) {
            (Op::Remove, Some(ids)) if whole => self.change(MembershipChange::Remove(ids)),
            (Op::Remove, None) if whole => self.change(MembershipChange::RemoveWhere(path.clone())),
            (Op::Add, Some(ids)) if sub.is_none() => {
                let mut added = members(definition, value)?;
                if added.is_empty() {
                    added = ids.into_iter().map(Member::new).collect();
                }
                self.change(MembershipChange::Add(added))
            }
            (Op::Replace, Some(ids)) if whole => {
                let added = members(definition, value)?;
                self.change(MembershipChange::Remove(ids))?;
                self.change(MembershipChange::Add(added))
            }
            (Op::Replace, None) if whole => {
                let added = members(definition, value)?;
                self.change(MembershipChange::RemoveWhere(path.clone()))?;
                self.change(MembershipChange::Add(added))
            }
            _ => Err(immutable()),
        }
    }

    /// Appends a change, merged into the previous one where possible.
    fn change(&mut self, change: MembershipChange) -> Result<(), Error> {
        match (self.members.last_mut(), change) {
            (_, MembershipChange::Add(more)) if more.is_empty() => {}
            (_, MembershipChange::Remove(more)) if more.is_empty() => {}
            (
                Some(MembershipChange::Add(members) | MembershipChange::Replace(members)),
                MembershipChange::Add(more),
            ) => {
                members.extend(more);
            }
            (Some(MembershipChange::Remove(ids)), MembershipChange::Remove(more)) => ids.extend(more),
            (_, change @ MembershipChange::Replace(_)) => self.members = vec![change],
            (_, change) => self.members.push(change),
        }
        Ok(())
    }
}

fn attributes_empty(attributes: &Map<String, Value>, urn: &str) -> bool {
    attributes.get(urn).and_then(Value::as_object).is_some_and(Map::is_empty)
}

/// The path that a name in a resource stands for. A URN that could be a schema's or an attribute's is taken
/// as a schema's when its value is an object.
fn path_of_member(name: &str, value: &Value) -> Result<Path, Error> {
    let path = Path::parse(name).map_err(|error| Error::InvalidSyntax(error.detail().to_owned()))?;
    let attribute = path.attribute();
    let told = path.filter().is_some() || attribute.is_schema();
    match attribute.schema() {
        Some(urn) if !told && value.is_object() && schema::by_id(urn).is_none() && !is_versioned(urn) => {
            Ok(AttributePath::for_schema(name).into())
        }
        _ => Ok(path),
    }
}

/// The members in a value, without duplicates.
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

/// The ids that a filter lists: `value eq "a"`, or several of these joined by `or`.
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
