//! Normalises values from clients to the types of their attribute definitions.
//!
//! `null`, `[]` and `""` are unassigned (RFC 7643 §2.5; Entra and Okta send the empty string to clear an
//! attribute). Booleans in quotes become booleans, an array of one element becomes the value of a
//! single-valued attribute, a simple value becomes the `value` of a reference such as `manager`, an employee number may
//! be a number, and read-only sub-attributes are dropped. Any other mismatch is [`Error::InvalidValue`]: what a client did
//! not mean is not guessed (RFC 7643 §2.3, §2.4).

use std::collections::{HashMap, HashSet, hash_map};

use base::bounded_json::quoted;
use serde_json::{Map, Value};

use crate::{
    Error,
    comparison::{fold, is_present, parse_date_time},
    schema::{Attribute, Type},
};

/// Maximum number of values of an attribute. It does not apply to the members of a group.
pub const MAX_ELEMENTS: usize = 1_000;

/// Normalises the value of an attribute; `None` for unassigned. `definition` is `None` for unknown
/// attributes.
pub fn value(definition: Option<&'static Attribute>, at: &str, value: Value) -> Result<Option<Value>, Error> {
    match definition {
        None => unknown(at, value),
        Some(definition) if definition.multi_valued => {
            let elements = elements(definition, at, value)?;
            Ok((!elements.is_empty()).then_some(Value::Array(elements)))
        }
        Some(definition) => single(definition, at, value),
    }
}

fn invalid(at: &str, must: &str) -> Error {
    Error::InvalidValue(format!("{at} must be {must}"))
}

/// Normalises one value of a single- or multi-valued attribute.
pub fn single(definition: &'static Attribute, at: &str, value: Value) -> Result<Option<Value>, Error> {
    let value = match value {
        Value::Array(mut elements) => match elements.len() {
            0 => return Ok(None),
            1 => elements.swap_remove(0),
            _ => return Err(invalid(at, "one value")),
        },
        value => value,
    };
    match &value {
        Value::Null => return Ok(None),
        Value::String(text) if text.is_empty() => return Ok(None),
        _ => {}
    }
    match (definition.kind, value) {
        (Type::Complex, value) => Ok(complex(definition, at, value)?.map(Value::Object)),
        (Type::Boolean, Value::Bool(value)) => Ok(Some(Value::Bool(value))),
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => {
            Ok(Some(Value::Bool(true)))
        }
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            Ok(Some(Value::Bool(false)))
        }
        (Type::Boolean, _) => Err(invalid(at, "true or false")),
        (Type::DateTime, Value::String(text)) if parse_date_time(&text).is_some() => {
            Ok(Some(Value::String(text)))
        }
        (Type::DateTime, _) => Err(invalid(at, "a date and time")),
        (_, Value::String(text)) => Ok(Some(Value::String(text))),
        (_, Value::Number(number)) if definition.name == "employeeNumber" && !number.is_f64() => {
            Ok(Some(Value::String(number.to_string())))
        }
        _ => Err(invalid(at, "text")),
    }
}

/// Normalises a complex value to its sub-attributes; a simple value becomes the `value` of a reference to another
/// resource, which some clients send by its id alone.
pub fn complex(
    definition: &'static Attribute,
    at: &str,
    value: Value,
) -> Result<Option<Map<String, Value>>, Error> {
    let given = match value {
        Value::Object(given) => given,
        Value::Null => return Ok(None),
        bare => {
            let reference = !definition.multi_valued || definition.name == "members";
            let sub = definition.sub_attribute("value").filter(|_| reference);
            let Some(sub) = sub else { return Err(invalid(at, "an object of sub-attributes")) };
            let value = single(sub, &format!("{at}.value"), bare)?;
            return Ok(value.map(|value| Map::from_iter([("value".to_owned(), value)])));
        }
    };
    let mut normal = Map::new();
    let mut seen = HashSet::new();
    for (name, value) in given {
        let sub = definition.sub_attribute(&name);
        let name = sub.map_or(name, |sub| sub.name.to_owned());
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(Error::InvalidSyntax(format!("{at}.{name} appears twice")));
        }
        if sub.is_some_and(Attribute::is_read_only) || is_password(&name) {
            continue;
        }
        if let Some(value) = self::value(sub, &format!("{at}.{name}"), value)? {
            normal.insert(name, value);
        }
    }
    Ok((!normal.is_empty()).then_some(normal))
}

/// Normalises the values of a multi-valued attribute, given as a list or as one value.
pub fn elements(definition: &'static Attribute, at: &str, value: Value) -> Result<Vec<Value>, Error> {
    let given = match value {
        Value::Array(given) => given,
        value => vec![value],
    };
    let mut elements = Vec::with_capacity(given.len().min(MAX_ELEMENTS));
    for value in given {
        let element = single(definition, at, value)?;
        elements.extend(element.filter(|element| !is_valueless(element)));
    }
    let (elements, _) = join(Some(definition), at, Vec::new(), elements)?;
    check_single_primary(at, &elements)?;
    Ok(elements)
}

/// Whether an element has only `type` and `primary` and no value of its own (`{"type": "work"}`).
pub fn is_valueless(element: &Value) -> bool {
    element
        .as_object()
        .is_some_and(|object| object.keys().all(|name| matches!(name.as_str(), "type" | "primary")))
}

/// Rejects more than one primary value (RFC 7643 §2.4).
fn check_single_primary(at: &str, elements: &[Value]) -> Result<(), Error> {
    if elements.iter().filter(|element| is_primary(element)).count() > 1 {
        return Err(Error::InvalidValue(format!("{at} has more than one primary value")));
    }
    Ok(())
}

/// Whether an element is the primary one.
pub fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// The identity of an element: its `value` and `type` (RFC 7643 §2.4), or all of it.
#[derive(PartialEq, Eq, Hash)]
pub enum ElementIdentity {
    /// Its `value` and `type`, case-folded unless `caseExact`.
    Valued(String, Option<String>),
    /// The whole of it, as JSON.
    Whole(String),
}

/// The identity of an element. Elements with the same identity are duplicates.
pub fn element_identity(definition: Option<&'static Attribute>, element: &Value) -> ElementIdentity {
    let text = |name: &str| {
        let text = element.get(name)?.as_str()?;
        let exact = definition
            .and_then(|definition| definition.sub_attribute(name))
            .is_some_and(|sub| sub.case_exact);
        Some(if exact { text.to_owned() } else { fold(text) })
    };
    match definition.and_then(|_| text("value")) {
        Some(value) => ElementIdentity::Valued(value, text("type")),
        None => ElementIdentity::Whole(element.to_string()),
    }
}

/// Appends elements. A duplicate is merged into the existing element. Returns the elements, and the indexes
/// of those appended or merged into.
pub fn join(
    definition: Option<&'static Attribute>,
    at: &str,
    mut elements: Vec<Value>,
    more: Vec<Value>,
) -> Result<(Vec<Value>, Vec<usize>), Error> {
    let mut known: HashMap<_, _> = elements
        .iter()
        .enumerate()
        .map(|(index, element)| (element_identity(definition, element), index))
        .collect();
    let mut touched = Vec::with_capacity(more.len());
    for element in more {
        match known.entry(element_identity(definition, &element)) {
            hash_map::Entry::Vacant(entry) => {
                if elements.len() == MAX_ELEMENTS {
                    return Err(Error::InvalidValue(format!("{at} has more than {MAX_ELEMENTS} values")));
                }
                touched.push(*entry.insert(elements.len()));
                elements.push(element);
            }
            hash_map::Entry::Occupied(entry) => {
                let index = *entry.get();
                if let (Some(Value::Object(there)), Value::Object(element)) =
                    (elements.get_mut(index), element)
                {
                    there.extend(element);
                }
                touched.push(index);
            }
        }
    }
    Ok((elements, touched))
}

/// Merges elements that became duplicates and keeps at most one primary value: if one of `touched` is
/// primary, the others no longer are (RFC 7644 §3.5.2).
pub fn deduplicate(
    definition: Option<&'static Attribute>,
    at: &str,
    mut elements: Vec<Value>,
    touched: &[usize],
) -> Result<Vec<Value>, Error> {
    let touched: HashSet<usize> = touched.iter().copied().collect();
    let chosen = touched.iter().any(|&index| elements.get(index).is_some_and(is_primary));
    if chosen {
        for (index, element) in elements.iter_mut().enumerate() {
            if !touched.contains(&index)
                && is_primary(element)
                && let Some(object) = element.as_object_mut()
            {
                object.insert("primary".into(), Value::Bool(false));
            }
        }
    }
    elements.retain(|element| !is_valueless(element) && is_present(element));
    let (elements, _) = join(definition, at, Vec::new(), elements)?;
    check_single_primary(at, &elements)?;
    Ok(elements)
}

/// Whether an attribute of an extension, or a sub-attribute, is a password by its name: accepted, and not stored, as that of
/// the core schema.
pub fn is_password(name: &str) -> bool {
    name.eq_ignore_ascii_case("password")
}

/// Normalises a value without a definition: removes what is unassigned and passwords, and keeps the rest.
pub fn unknown(at: &str, value: Value) -> Result<Option<Value>, Error> {
    Ok(match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(given) => {
            let mut elements = Vec::with_capacity(given.len());
            for value in given {
                elements.extend(unknown(at, value)?);
            }
            if elements.len() > MAX_ELEMENTS {
                return Err(Error::InvalidValue(format!("{at} has more than {MAX_ELEMENTS} values")));
            }
            (!elements.is_empty()).then_some(Value::Array(elements))
        }
        Value::Object(given) => {
            let mut object = Map::new();
            let mut seen = HashSet::new();
            for (name, value) in given {
                if !seen.insert(name.to_ascii_lowercase()) {
                    return Err(Error::InvalidSyntax(format!("{} appears twice in {at}", quoted(&name))));
                }
                if let Some(value) = unknown(at, value)?.filter(|_| !is_password(&name)) {
                    object.insert(name, value);
                }
            }
            (!object.is_empty()).then_some(Value::Object(object))
        }
        value => Some(value),
    })
}
