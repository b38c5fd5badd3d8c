//! Applies one PATCH operation to one attribute (RFC 7644 §3.5.2.1-3).

use std::collections::HashSet;

use base::bounded_json::quoted;
use serde_json::{Map, Value};

use crate::{
    Error, Filter, Path, WorkBudget,
    filter::{Literal, Operator},
    names::NameIndex,
    normalise,
    operation::Op,
    schema::{Attribute, Type},
    work_budget::weight,
};

/// The cost of copying a value, as a multiple of the cost of reading it.
const COPY_FACTOR: u64 = 8;

/// One operation on one attribute.
pub(super) struct AttributeEdit<'a> {
    pub(super) op: Op,
    pub(super) path: &'a Path,
    pub(super) definition: Option<&'static Attribute>,
}

impl AttributeEdit<'_> {
    /// The attribute's new value; `None` for unassigned. The cost is charged to `work` before the value is
    /// computed.
    pub(super) fn apply(
        &self,
        current: Option<Value>,
        value: Option<Value>,
        work: &mut WorkBudget,
    ) -> Result<Option<Value>, Error> {
        work.spend(self.cost(current.as_ref(), value.as_ref()))?;
        let next = match (self.path.filter(), self.path.attribute().sub()) {
            (None, None) => self.whole(current, value),
            (None, Some(sub)) => self.part(current, sub, value, work),
            (Some(filter), sub) => self.selected(current, filter, sub, value, work),
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

    /// The cost of reading the attribute: once for each term of the path's filter.
    fn cost(&self, current: Option<&Value>, value: Option<&Value>) -> u64 {
        let terms = self.path.filter().map_or(1, Filter::terms);
        let elements = match current {
            Some(Value::Array(elements)) => elements.len() as u64,
            _ => 1,
        };
        // `remove` compares each element with each listed element that has no `value`.
        let partial = |listed: &&Value| {
            let mut names = listed.as_object().into_iter().flat_map(Map::keys);
            listed.is_object() && !names.any(|name| name.eq_ignore_ascii_case("value"))
        };
        let compared = match (self.op, value) {
            (Op::Remove, Some(Value::Array(listed))) => listed.iter().filter(partial).map(weight).sum(),
            _ => 0_u64,
        };
        let looked_at = current.map_or(0, weight).saturating_mul(terms);
        let sent = value.map_or(0, weight);
        looked_at.saturating_add(sent).saturating_add(compared.saturating_mul(elements))
    }

    fn at(&self) -> String {
        self.path.attribute().without_sub().to_string()
    }

    fn multi_valued(&self) -> bool {
        self.definition.is_some_and(|definition| definition.multi_valued)
    }

    /// Applies the operation to the whole attribute.
    fn whole(&self, current: Option<Value>, value: Option<Value>) -> Result<Option<Value>, Error> {
        let at = self.at();
        match (self.op, self.definition, value) {
            (Op::Remove, None, _) if current.is_none() => {
                Err(Error::NoTarget(format!("there is no {at} to remove")))
            }
            (Op::Remove, _, None | Some(Value::Null)) => Ok(None),
            (Op::Remove, definition, Some(value)) => self.without_listed(definition, current, value),
            (Op::Add, Some(definition), value) if definition.multi_valued => {
                let more = normalise::elements(definition, &at, value.unwrap_or_default())?;
                let (elements, touched) = normalise::join(Some(definition), &at, list(current), more)?;
                some_list(normalise::deduplicate(Some(definition), &at, elements, &touched)?)
            }
            // A complex value is merged (§3.5.2.1, §3.5.2.3), unless it is a reference, which is replaced.
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

    /// A complex value with these sub-attributes set, or removed where they are null or empty.
    fn merged(&self, current: Option<Value>, given: Map<String, Value>) -> Result<Option<Value>, Error> {
        let mut object = match current {
            Some(Value::Object(object)) => object,
            _ => Map::new(),
        };
        let (mut seen, mut names) = (HashSet::new(), NameIndex::of(&object));
        for (name, value) in given {
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(Error::InvalidSyntax(format!(
                    "{} appears twice in {}",
                    quoted(&name),
                    self.at()
                )));
            }
            let sub = self.definition.and_then(|definition| definition.sub_attribute(&name));
            if sub.is_none_or(|sub| !sub.is_read_only()) {
                let name = sub.map_or(name.as_str(), |sub| sub.name);
                let key = names.key(name).unwrap_or(name).to_owned();
                names.insert(&key);
                self.set_key(&mut object, key, name, Some(value))?;
            }
        }
        Ok((!object.is_empty()).then_some(Value::Object(object)))
    }

    /// Sets or removes one sub-attribute.
    fn set(&self, object: &mut Map<String, Value>, name: &str, value: Option<Value>) -> Result<(), Error> {
        let known = match object.contains_key(name) {
            true => None,
            false => object.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned(),
        };
        self.set_key(object, known.unwrap_or_else(|| name.to_owned()), name, value)
    }

    fn set_key(
        &self,
        object: &mut Map<String, Value>,
        key: String,
        name: &str,
        value: Option<Value>,
    ) -> Result<(), Error> {
        let sub = self.definition.and_then(|definition| definition.sub_attribute(name));
        let value = value.filter(|_| !normalise::is_password(name));
        match normalise::value(sub, &format!("{}.{name}", self.at()), value.unwrap_or_default())? {
            Some(value) => object.insert(key, value),
            None => object.remove(&key),
        };
        Ok(())
    }

    /// Applies `remove` with a value: removes the listed elements.
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
        let element_identity = |element: &Value| normalise::element_identity(definition, element);
        let same: HashSet<_> = listed.iter().map(element_identity).collect();
        // An element listed without a type matches any type.
        let untyped: HashSet<_> =
            listed.iter().filter(|element| element.get("type").is_none()).map(element_identity).collect();
        let partial: Vec<_> =
            listed.iter().filter_map(Value::as_object).filter(|it| !it.contains_key("value")).collect();
        let mut elements = list(current);
        elements.retain(|element| {
            let any_type = match element_identity(element) {
                normalise::ElementIdentity::Valued(value, Some(_)) => {
                    untyped.contains(&normalise::ElementIdentity::Valued(value, None))
                }
                _ => false,
            };
            let covered = |listed: &&Map<String, Value>| {
                listed.iter().all(|(name, value)| element.get(name) == Some(value))
            };
            !(same.contains(&element_identity(element)) || any_type || partial.iter().any(covered))
        });
        some_list(elements)
    }

    /// Applies the operation to a sub-attribute, of every value if there are several.
    fn part(
        &self,
        current: Option<Value>,
        sub: &str,
        value: Option<Value>,
        work: &mut WorkBudget,
    ) -> Result<Option<Value>, Error> {
        let value = value.filter(|_| self.op != Op::Remove);
        match current {
            Some(Value::Array(elements)) => {
                let every: Vec<usize> = (0..elements.len()).collect();
                spend_copies(work, value.as_ref(), every.len())?;
                self.set_in(elements, &every, sub, value)
            }
            None if self.multi_valued() => {
                let mut element = Map::new();
                self.set(&mut element, sub, value)?;
                let element =
                    Some(Value::Object(element)).filter(|element| !normalise::is_valueless(element));
                some_list(element.into_iter().collect())
            }
            None | Some(Value::Object(_)) => {
                let mut object = match current {
                    Some(Value::Object(object)) => object,
                    _ => Map::new(),
                };
                // A new reference does not keep the sub-attributes of the old one.
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
        some_list(normalise::deduplicate(self.definition, &self.at(), elements, indexes)?)
    }

    /// Applies the operation to the values that a filter selects.
    fn selected(
        &self,
        current: Option<Value>,
        filter: &Filter,
        sub: Option<&str>,
        value: Option<Value>,
        work: &mut WorkBudget,
    ) -> Result<Option<Value>, Error> {
        let one = matches!(current, Some(Value::Object(_)));
        let elements = list(current);
        let matched: Vec<usize> = elements
            .iter()
            .enumerate()
            .filter(|(_, element)| self.path.selects(element))
            .map(|(index, _)| index)
            .collect();
        spend_copies(work, value.as_ref(), matched.len())?;
        if self.op == Op::Remove && matched.is_empty() {
            return Err(Error::NoTarget(format!("{} selects no value", self.path)));
        }
        let next = match (self.op, sub) {
            (Op::Remove, None) => self.without(elements, &matched),
            (Op::Remove, Some(sub)) => self.set_in(elements, &matched, sub, None),
            (_, Some(sub)) if !matched.is_empty() => self.set_in(elements, &matched, sub, value),
            (_, None) if !matched.is_empty() => self.replaced(elements, &matched, filter, value),
            _ => self.created(elements, filter, sub, value),
        }?;
        // A single-valued attribute does not become a list.
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

    /// Gives the selected elements a new value: `add` merges it, `replace` replaces them. Sub-attributes that
    /// the filter tests for equality are kept unless the value sets them, so that the same path selects the
    /// element again.
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
        some_list(normalise::deduplicate(self.definition, &self.at(), elements, matched)?)
    }

    /// Adds an element that the filter selects.
    fn created(
        &self,
        mut elements: Vec<Value>,
        filter: &Filter,
        sub: Option<&str>,
        value: Option<Value>,
    ) -> Result<Option<Value>, Error> {
        let no_target = || Error::NoTarget(format!("{} selects no value", self.path));
        let mut element = template(filter).ok_or_else(no_target)?;
        element.retain(|name, _| !normalise::is_password(name));
        // `noTarget` (§3.5.2.3) when a specific value is replaced that does not exist, and when the attribute
        // is single-valued.
        let one_value = self.definition.is_some_and(|definition| !definition.multi_valued);
        if one_value || self.op == Op::Replace && (sub.is_none() || element.contains_key("value")) {
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
        if normalise::is_valueless(&element) {
            return some_list(elements);
        }
        elements.push(element);
        let last = elements.len() - 1;
        some_list(normalise::deduplicate(self.definition, &self.at(), elements, &[last])?)
    }

    /// A value normalised to one element.
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

/// Charges the cost of copying the value into this many elements.
fn spend_copies(work: &mut WorkBudget, value: Option<&Value>, elements: usize) -> Result<(), Error> {
    work.spend(value.map_or(0, weight).saturating_mul(elements as u64).saturating_mul(COPY_FACTOR))
}

/// Whether a single-valued complex attribute is a reference, such as `manager`.
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

#[expect(clippy::unnecessary_wraps, reason = "the result type of every branch of an edit")]
fn some_list(elements: Vec<Value>) -> Result<Option<Value>, Error> {
    Ok((!elements.is_empty()).then_some(Value::Array(elements)))
}

/// The element that a filter of equalities describes; `None` for any other filter.
fn template(filter: &Filter) -> Option<Map<String, Value>> {
    match filter {
        Filter::Compare { path, operator: Operator::Eq, value } => {
            let value = match value {
                Literal::Null => return None,
                // An empty text is never stored.
                Literal::Text(text) if text.is_empty() => return None,
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
