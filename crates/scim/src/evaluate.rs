//! Evaluates filters on resources (RFC 7644 §3.4.2.2).
//!
//! Text is compared case-folded unless the attribute is `caseExact`, dates as points in time, numbers as
//! numbers. Values of different types are neither equal nor ordered.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::{
    AttributePath, Filter,
    comparison::{fold, is_present, parse_date_time},
    filter::{Literal, Operator},
    names::member,
    schema::{Attribute, Type},
};

impl Filter {
    /// Whether a resource matches, given in full as it would be returned.
    pub fn matches(&self, resource: &Value) -> bool {
        holds(self, Scope { root: resource, parent: None, element: false })
    }
}

/// Whether an element of the attribute `parent` matches.
pub(super) fn matches_element(filter: &Filter, parent: Option<&'static Attribute>, element: &Value) -> bool {
    holds(filter, Scope { root: element, parent, element: true })
}

/// What paths are relative to: a resource, or an element of the attribute `parent`.
#[derive(Clone, Copy)]
struct Scope<'a> {
    root: &'a Value,
    parent: Option<&'static Attribute>,
    element: bool,
}

impl Scope<'_> {
    fn definition(&self, path: &AttributePath) -> Option<&'static Attribute> {
        if self.element { self.parent?.sub_attribute(path.name()) } else { path.target() }
    }
}

fn holds(filter: &Filter, scope: Scope<'_>) -> bool {
    match filter {
        Filter::Or(parts) => parts.iter().any(|part| holds(part, scope)),
        Filter::And(parts) => parts.iter().all(|part| holds(part, scope)),
        Filter::Not(part) => !holds(part, scope),
        Filter::Compare { path, operator, value } => {
            let definition = scope.definition(path);
            any_value(scope, path, &mut |found| compare(found, *operator, value, definition))
        }
        Filter::Present(path) => any_value(scope, path, &mut |found| found.is_some_and(is_present)),
        Filter::Element { path, filter } => {
            let parent = path.definition();
            let each = |element: &Value| holds(filter, Scope { root: element, parent, element: true });
            match attribute(scope.root, path) {
                Some(Value::Array(elements)) => elements.iter().any(each),
                Some(value) if !value.is_null() => each(value),
                _ => false,
            }
        }
    }
}

/// The whole attribute (not its sub-attribute) that a path names in a resource.
pub(super) fn attribute<'a>(root: &'a Value, path: &AttributePath) -> Option<&'a Value> {
    let Value::Object(object) = root else {
        // An element that is not an object is its own `value`.
        return path.name().eq_ignore_ascii_case("value").then_some(root);
    };
    match path.schema() {
        None => member(object, path.name()),
        Some(schema) => match (member(object, schema)?, path.is_schema()) {
            (extension, true) => Some(extension),
            (Value::Object(extension), false) => member(extension, path.name()),
            _ => None,
        },
    }
}

/// Whether any value that a path names satisfies the predicate, which gets `None` for an unassigned one.
fn any_value(
    scope: Scope<'_>,
    path: &AttributePath,
    satisfies: &mut dyn FnMut(Option<&Value>) -> bool,
) -> bool {
    let mut part = |value: &Value| match (path.sub(), value) {
        (_, Value::Null) => satisfies(None),
        (Some(sub), Value::Object(object)) => satisfies(member(object, sub)),
        (Some(sub), scalar) => satisfies(sub.eq_ignore_ascii_case("value").then_some(scalar)),
        (None, value) => satisfies(Some(value)),
    };
    match attribute(scope.root, path) {
        Some(Value::Array(elements)) if !elements.is_empty() => elements.iter().any(part),
        Some(Value::Array(_)) | None => part(&Value::Null),
        Some(value) => part(value),
    }
}

fn compare(
    found: Option<&Value>,
    operator: Operator,
    literal: &Literal,
    definition: Option<&'static Attribute>,
) -> bool {
    let found = found.map(own_value).filter(|value| !value.is_null());
    let Some(found) = found else {
        return (operator == Operator::Ne) != (*literal == Literal::Null) && operator_is_equality(operator);
    };
    match (found, literal) {
        (_, Literal::Null) => operator == Operator::Ne,
        (Value::String(text), Literal::Text(other)) => compare_text(text, operator, other, definition),
        (Value::Bool(one), Literal::Boolean(other)) => equality(one == other, operator),
        (Value::Number(one), Literal::Number(other)) => ordered(order_numbers(one, other), operator),
        _ => operator == Operator::Ne,
    }
}

const fn operator_is_equality(operator: Operator) -> bool {
    matches!(operator, Operator::Eq | Operator::Ne)
}

/// A complex value of an attribute without a definition is compared by its `value`.
fn own_value(value: &Value) -> &Value {
    match value {
        Value::Object(object) => member(object, "value").unwrap_or(value),
        value => value,
    }
}

fn equality(equal: bool, operator: Operator) -> bool {
    match operator {
        Operator::Eq => equal,
        Operator::Ne => !equal,
        _ => false,
    }
}

fn compare_text(text: &str, operator: Operator, other: &str, definition: Option<&'static Attribute>) -> bool {
    let is_date =
        definition.is_none_or(|definition| definition.kind == Type::DateTime) && !operator.is_substring();
    if is_date && let (Some(one), Some(other)) = (parse_date_time(text), parse_date_time(other)) {
        return ordered(Some(one.cmp(&other)), operator);
    }
    if definition.is_some_and(|definition| definition.case_exact) {
        compare_folded(text, operator, other)
    } else {
        compare_folded(&fold(text), operator, &fold(other))
    }
}

fn compare_folded(text: &str, operator: Operator, other: &str) -> bool {
    match operator {
        Operator::Co => text.contains(other),
        Operator::Sw => text.starts_with(other),
        Operator::Ew => text.ends_with(other),
        _ => ordered(Some(text.cmp(other)), operator),
    }
}

fn order_numbers(one: &Number, other: &Number) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (one.as_i64(), other.as_i64()) {
        return Some(one.cmp(&other));
    }
    if let (Some(one), Some(other)) = (one.as_u64(), other.as_u64()) {
        return Some(one.cmp(&other));
    }
    one.as_f64()?.partial_cmp(&other.as_f64()?)
}

fn ordered(ordering: Option<Ordering>, operator: Operator) -> bool {
    let Some(ordering) = ordering else { return operator == Operator::Ne };
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}
