//! Reads a schema: bounds it, keeps the keywords that count, and finds which subschema applies what.
//!
//! What is compiled is the copy that is made here, so that no keyword can do what is not accounted for. The keywords are those
//! of SecureAuth's `SupportedJSONSchema`, and of draft 2020-12 `prefixItems`, `$defs` (`definitions`) and `$ref` to a
//! subschema of the same document. The identifiers that could change what a reference means (`$id`, `$anchor`, `$dynamicRef`)
//! are not among them; as every reference begins with `#`, none can need them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    bounds::{MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH, json_fits},
    error::SchemaError,
};

/// The maximum number of subschemas.
const MAX_SUBSCHEMAS: usize = 1000;
/// The maximum number of subschemas that references name. It bounds how deep compiling goes.
const MAX_TARGETS: usize = 16;
/// The maximum number of different patterns.
const MAX_PATTERNS: usize = 20;
/// The maximum length of all patterns, in bytes.
const MAX_PATTERN_BYTES: usize = 4096;

/// A schema within the bounds.
#[derive(Debug)]
pub struct Read {
    /// What is compiled.
    pub schema: Value,
    /// Its subschemas; the first is the whole.
    pub subschemas: Vec<Subschema>,
}

/// One subschema: what it costs, and which others it applies. The numbers are places in [`Read::subschemas`].
#[derive(Debug, Default)]
pub struct Subschema {
    /// Where it is, as a JSON pointer.
    pub path: String,
    /// How many values of the schema one look at a value compares it with.
    pub own: u64,
    /// Those that are applied to the same value, once.
    pub same: Vec<usize>,
    /// Those that are applied to the same value, and once more to name what is wrong.
    pub same_twice: Vec<usize>,
    /// Those of which at most one is applied to each child.
    pub one_of_children: Vec<usize>,
    /// Those that are all applied to each child.
    pub all_of_children: Vec<usize>,
    /// Whether all that is below the value is compared as well.
    pub whole: bool,
}

/// The number that stands for a reference until all subschemas are known.
const UNRESOLVED: usize = usize::MAX;

/// Reads a schema.
pub fn read(schema: &Value) -> Result<Read, SchemaError> {
    let Value::Object(members) = schema else {
        return Err(SchemaError::not_an_object());
    };
    if depth(schema) > MAX_SCHEMA_DEPTH {
        return Err(SchemaError::TooDeep);
    }
    if !json_fits(schema, MAX_SCHEMA_BYTES) {
        return Err(SchemaError::TooLarge);
    }
    let mut reader = Reader::default();
    reader.add(String::new())?;
    let kept = reader.object(0, members)?;
    reader.resolve()?;
    Ok(Read { schema: Value::Object(kept), subschemas: reader.subschemas })
}

/// How deep objects and lists are nested, without recursion.
fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 0)];
    while let Some((value, depth)) = open.pop() {
        deepest = deepest.max(depth);
        match value {
            Value::Array(elements) => open.extend(elements.iter().map(|element| (element, depth + 1))),
            Value::Object(members) => open.extend(members.values().map(|member| (member, depth + 1))),
            _ => {}
        }
        if deepest > MAX_SCHEMA_DEPTH {
            break;
        }
    }
    deepest
}

/// How many values a value holds, itself among them.
fn count(value: &Value) -> u64 {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(count).sum::<u64>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<u64>(),
        Value::String(text) => 1 + text.len() as u64 / 32,
        _ => 1,
    }
}

/// How a keyword applies its subschemas.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Applied {
    /// To the same value.
    Same,
    /// To the same value, and once more to name what is wrong.
    SameTwice,
    /// At most one of them to each child.
    OneOfChildren,
    /// Each of them to each child.
    AllOfChildren,
    /// Nowhere, unless a reference names it.
    Nowhere,
}

/// The keywords whose value is one subschema.
const ONE: &[(&str, Applied)] = &[
    ("additionalProperties", Applied::OneOfChildren),
    ("contains", Applied::AllOfChildren),
    ("else", Applied::Same),
    ("if", Applied::SameTwice),
    ("items", Applied::OneOfChildren),
    ("not", Applied::SameTwice),
    ("propertyNames", Applied::AllOfChildren),
    ("then", Applied::Same),
];
/// The keywords whose value is a list of subschemas.
const LIST: &[(&str, Applied)] = &[
    ("allOf", Applied::Same),
    ("anyOf", Applied::SameTwice),
    ("oneOf", Applied::SameTwice),
    ("prefixItems", Applied::OneOfChildren),
];
/// The keywords whose value is an object of subschemas.
const MAP: &[(&str, Applied)] = &[
    ("$defs", Applied::Nowhere),
    ("definitions", Applied::Nowhere),
    ("dependentSchemas", Applied::Same),
    ("patternProperties", Applied::AllOfChildren),
    ("properties", Applied::OneOfChildren),
];
/// The keywords whose value is none.
const PLAIN: &[&str] = &[
    "const",
    "dependentRequired",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "type",
    "uniqueItems",
];

/// The types of values.
const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];

fn are_types(value: &Value) -> bool {
    let is_type = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Value::Array(kinds) => !kinds.is_empty() && kinds.iter().all(is_type),
        kind => is_type(kind),
    }
}

fn applied(keywords: &[(&str, Applied)], keyword: &str) -> Option<Applied> {
    keywords.iter().find(|(name, _)| *name == keyword).map(|(_, applied)| *applied)
}

/// A name as a part of a JSON pointer (RFC 6901 §3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[derive(Default)]
struct Reader {
    subschemas: Vec<Subschema>,
    by_path: BTreeMap<String, usize>,
    /// Which subschema refers to which pointer.
    references: Vec<(usize, String)>,
    patterns: BTreeSet<String>,
}

impl Reader {
    fn add(&mut self, path: String) -> Result<usize, SchemaError> {
        let at = self.subschemas.len();
        if at == MAX_SUBSCHEMAS {
            return Err(SchemaError::TooComplex(format!(
                "the schema must have at most {MAX_SUBSCHEMAS} subschemas"
            )));
        }
        self.by_path.insert(path.clone(), at);
        self.subschemas.push(Subschema { path, own: 1, ..Subschema::default() });
        Ok(at)
    }

    fn pattern(&mut self, path: &str, pattern: &str) -> Result<(), SchemaError> {
        self.patterns.insert(pattern.to_owned());
        let bytes: usize = self.patterns.iter().map(String::len).sum();
        if self.patterns.len() > MAX_PATTERNS || bytes > MAX_PATTERN_BYTES {
            let text = format!(
                "a schema has at most {MAX_PATTERNS} patterns, of {MAX_PATTERN_BYTES} bytes together"
            );
            return Err(SchemaError::invalid(path, text));
        }
        Ok(())
    }

    /// Reads the subschema `of` another one, and returns what is kept of it.
    fn subschema(
        &mut self,
        of: usize,
        path: String,
        schema: &Value,
        applied: Applied,
    ) -> Result<Value, SchemaError> {
        let at = self.add(path.clone())?;
        let kept = match schema {
            Value::Bool(_) => schema.clone(),
            Value::Object(members) => Value::Object(self.object(at, members)?),
            _ => return Err(SchemaError::invalid(&path, "a schema must be an object, true or false")),
        };
        let parent = &mut self.subschemas[of];
        match applied {
            Applied::Same => parent.same.push(at),
            Applied::SameTwice => parent.same_twice.push(at),
            Applied::OneOfChildren => parent.one_of_children.push(at),
            Applied::AllOfChildren => parent.all_of_children.push(at),
            Applied::Nowhere => {}
        }
        Ok(kept)
    }

    fn object(&mut self, at: usize, members: &Map<String, Value>) -> Result<Map<String, Value>, SchemaError> {
        let mut kept = Map::new();
        for (keyword, value) in members {
            let path = format!("{}/{}", self.subschemas[at].path, escaped(keyword));
            let value = if let Some(applied) = applied(ONE, keyword) {
                self.subschema(at, path, value, applied)?
            } else if let Some(applied) = applied(LIST, keyword) {
                self.list(at, &path, value, applied)?
            } else if let Some(applied) = applied(MAP, keyword) {
                self.map(at, &path, keyword, value, applied)?
            } else if PLAIN.contains(&keyword.as_str()) {
                self.plain(at, &path, keyword, value)?;
                value.clone()
            } else if keyword == "$ref" {
                self.reference(at, &path, value)?
            } else {
                continue;
            };
            kept.insert(keyword.clone(), value);
        }
        Ok(kept)
    }

    fn list(&mut self, at: usize, path: &str, value: &Value, applied: Applied) -> Result<Value, SchemaError> {
        let Value::Array(elements) = value else {
            return Err(SchemaError::invalid(path, "must be a list of schemas"));
        };
        let kept = elements
            .iter()
            .enumerate()
            .map(|(index, element)| self.subschema(at, format!("{path}/{index}"), element, applied));
        kept.collect::<Result<Vec<_>, _>>().map(Value::Array)
    }

    fn map(
        &mut self,
        at: usize,
        path: &str,
        keyword: &str,
        value: &Value,
        applied: Applied,
    ) -> Result<Value, SchemaError> {
        let Value::Object(members) = value else {
            return Err(SchemaError::invalid(path, "must be an object of schemas"));
        };
        self.subschemas[at].own += members.len() as u64;
        let mut kept = Map::new();
        for (name, schema) in members {
            let path = format!("{path}/{}", escaped(name));
            if keyword == "patternProperties" {
                self.pattern(&path, name)?;
                self.subschemas[at].own += 8;
            }
            kept.insert(name.clone(), self.subschema(at, path, schema, applied)?);
        }
        Ok(Value::Object(kept))
    }

    fn plain(&mut self, at: usize, path: &str, keyword: &str, value: &Value) -> Result<(), SchemaError> {
        self.subschemas[at].own += count(value);
        match (keyword, value) {
            ("pattern", Value::String(pattern)) => {
                self.pattern(path, pattern)?;
                self.subschemas[at].own += 8;
            }
            ("type", kinds) if !are_types(kinds) => {
                return Err(SchemaError::invalid(
                    path,
                    format!("must be one of {}, or a list of them", TYPES.join(", ")),
                ));
            }
            ("uniqueItems", Value::Bool(true)) => self.subschemas[at].whole = true,
            ("multipleOf", _) => self.subschemas[at].own += 8,
            _ => {}
        }
        Ok(())
    }

    fn reference(&mut self, at: usize, path: &str, value: &Value) -> Result<Value, SchemaError> {
        let Value::String(reference) = value else {
            return Err(SchemaError::invalid(path, "must be a string"));
        };
        let pointer = reference.strip_prefix('#').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let pointer = pointer.filter(|pointer| !pointer.contains('%')).ok_or_else(|| {
            SchemaError::invalid(
                path,
                "refers to something outside of the schema; a reference is # or a JSON pointer within it, such as \
                 #/$defs/address",
            )
        })?;
        self.references.push((at, pointer.to_owned()));
        self.subschemas[at].same.push(UNRESOLVED);
        Ok(value.clone())
    }

    /// Finds what the references name.
    fn resolve(&mut self) -> Result<(), SchemaError> {
        let mut targets = BTreeSet::new();
        for (at, pointer) in &self.references {
            let from = &mut self.subschemas[*at];
            let Some(target) = self.by_path.get(pointer) else {
                let path = format!("{}/$ref", from.path);
                return Err(SchemaError::invalid(&path, "refers to something that is no part of the schema"));
            };
            targets.insert(*target);
            from.same.iter_mut().filter(|to| **to == UNRESOLVED).for_each(|to| *to = *target);
        }
        if targets.len() > MAX_TARGETS {
            return Err(SchemaError::TooComplex(format!(
                "the references of a schema must name at most {MAX_TARGETS} subschemas"
            )));
        }
        Ok(())
    }
}
