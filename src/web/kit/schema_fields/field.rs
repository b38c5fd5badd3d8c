//! One field: how its value is entered and read, and what a schema says of that.

use maud::{Markup, html};
use serde_json::{Map, Number, Value, error::Category};

use crate::web::kit::{
    forms::{Control, FormView, lines, sentence},
    json,
};

/// How many references in a row are followed.
const MAX_REFERENCES: usize = 5;

/// A text that may be longer has several lines.
const LONG_TEXT: u64 = 2000;

/// A text that must be shorter says so.
const SAID_LENGTH: u64 = 100;

/// How a value is entered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FieldKind {
    Text,
    Email,
    Url,
    Date,
    LongText,
    Number,
    /// A choice: values, and the labels of their options.
    Choice(Vec<(Value, String)>),
    /// A list of texts, one a line.
    Lines,
    /// Anything else.
    Json,
}

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SchemaField {
    pub name: String,
    pub label: String,
    pub hint: String,
    pub required: bool,
    pub kind: FieldKind,
    /// Where the value is.
    pub path: Vec<String>,
    /// The title of the object that it is in, if that is not the whole.
    pub group: Option<String>,
    /// The names and labels of the options of a choice.
    pub options: Vec<(String, String)>,
}

impl SchemaField {
    /// A value as the field shows it.
    pub fn shown(&self, value: &Value) -> String {
        match (&self.kind, value) {
            (FieldKind::Lines, Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            (FieldKind::Json, value) => json::pretty(value),
            (_, Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        }
    }

    /// What was typed as a value; `None` where the field is empty.
    pub fn parse(&self, typed: &str) -> Result<Option<Value>, String> {
        if typed.is_empty() {
            return Ok(None);
        }
        Ok(Some(match &self.kind {
            FieldKind::Text | FieldKind::Email | FieldKind::Url | FieldKind::Date | FieldKind::LongText => {
                typed.into()
            }
            FieldKind::Number => match typed.parse::<Number>() {
                Ok(number) => Value::Number(number),
                Err(_) => return Err("must be a number".to_owned()),
            },
            FieldKind::Choice(choices) => {
                let chosen = choices.iter().find(|(value, _)| option_name(value) == typed);
                chosen.ok_or("must be one of the options")?.0.clone()
            }
            FieldKind::Lines => Value::Array(lines(typed).into_iter().map(Value::from).collect()),
            FieldKind::Json => serde_json::from_str(typed).map_err(|error| unreadable("JSON", &error))?,
        }))
    }

    pub fn control<'v>(&'v self, view: &FormView<'v>, options: &'v [(&'v str, &'v str)]) -> Control<'v> {
        let (name, label) = (self.name.as_str(), self.label.as_str());
        let control = match &self.kind {
            FieldKind::Text | FieldKind::Number => view.text(name, label),
            FieldKind::Email => view.email(name, label),
            FieldKind::Url => view.url(name, label),
            FieldKind::Date => view.date(name, label),
            FieldKind::LongText | FieldKind::Lines => view.textarea(name, label, 3),
            FieldKind::Choice(_) => view.select(name, label, options),
            FieldKind::Json => view.textarea(name, label, 4).code(),
        };
        let control = match (self.hint.as_str(), &self.kind) {
            ("", FieldKind::Lines) => control.hint("One a line."),
            ("", FieldKind::Json) => control.hint("As JSON."),
            ("", _) => control,
            (hint, _) => control.hint(hint),
        };
        if self.required { control } else { control.optional() }
    }

    pub fn fact(&self, value: &Value) -> Markup {
        match (&self.kind, value) {
            (FieldKind::Choice(choices), value) => {
                let label =
                    choices.iter().find(|(choice, _)| choice == value).map(|(_, label)| label.as_str());
                html! { (label.map_or_else(|| self.shown(value), str::to_owned)) }
            }
            (FieldKind::Json, value) => json::collapsed(&self.label, value),
            (FieldKind::Lines, Value::Array(_)) => {
                let text = self.shown(value);
                html! { ul.tags { @for line in text.lines() { li { span.tag { (line) } } } } }
            }
            _ => html! { (self.shown(value)) },
        }
    }
}

/// The schema that a reference within the document names, or the schema itself.
pub(super) fn resolve<'s>(root: &'s Map<String, Value>, schema: &'s Value) -> Option<&'s Map<String, Value>> {
    let mut schema = schema.as_object()?;
    for _ in 0..MAX_REFERENCES {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return Some(schema) };
        let path = reference.strip_prefix("#/")?;
        let mut parts = path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
        let first = root.get(&parts.next()?)?;
        schema = parts.try_fold(first, |value, part| value.get(&part))?.as_object()?;
    }
    None
}

pub(super) fn strings(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether the values of a schema are of one type, or of that and `null`.
pub(super) fn has_type(schema: &Map<String, Value>, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => {
            names.iter().any(|name| name == wanted)
                && names.iter().all(|name| name == wanted || name == "null")
        }
        _ => false,
    }
}

pub(super) fn kind_of(schema: &Map<String, Value>) -> FieldKind {
    if let Some(choices) = choices_of(schema) {
        return FieldKind::Choice(choices);
    }
    if has_type(schema, "boolean") {
        return FieldKind::Choice(vec![(true.into(), "Yes".to_owned()), (false.into(), "No".to_owned())]);
    }
    if has_type(schema, "integer") || has_type(schema, "number") {
        return FieldKind::Number;
    }
    if has_type(schema, "array") {
        let items = schema.get("items").and_then(Value::as_object);
        return match items.is_some_and(|items| has_type(items, "string")) {
            true => FieldKind::Lines,
            false => FieldKind::Json,
        };
    }
    if !has_type(schema, "string") {
        return FieldKind::Json;
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("email") => FieldKind::Email,
        Some("uri" | "uri-reference") => FieldKind::Url,
        Some("date") => FieldKind::Date,
        _ if schema.get("maxLength").and_then(Value::as_u64).is_some_and(|most| most > LONG_TEXT) => {
            FieldKind::LongText
        }
        _ => FieldKind::Text,
    }
}

/// What to enter: the description, and how long it may be.
pub(super) fn hint_of(schema: &Map<String, Value>, kind: &FieldKind) -> String {
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default().trim();
    let longest = schema.get("maxLength").and_then(Value::as_u64).filter(|most| *most < SAID_LENGTH);
    match (longest, kind) {
        (Some(most), FieldKind::Text | FieldKind::Url | FieldKind::Email) => {
            let bound = format!("At most {most} characters.");
            if description.is_empty() { bound } else { format!("{} {bound}", sentence(description)) }
        }
        _ => description.to_owned(),
    }
}

/// The values among which one is chosen: of `enum`, or of the constants of `oneOf` with their titles.
fn choices_of(schema: &Map<String, Value>) -> Option<Vec<(Value, String)>> {
    let label = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Some(values.iter().map(|value| (value.clone(), label(value))).collect());
    }
    let alternatives = schema.get("oneOf").and_then(Value::as_array)?;
    let constant = |one: &Value| {
        let value = one.get("const")?;
        let title = one.get("title").and_then(Value::as_str);
        Some((value.clone(), title.map_or_else(|| label(value), str::to_owned)))
    };
    alternatives.iter().map(constant).collect()
}

/// What the option of a value is called in the form.
fn option_name(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn options_of(kind: &FieldKind) -> Vec<(String, String)> {
    match kind {
        FieldKind::Choice(choices) => {
            choices.iter().map(|(value, label)| (option_name(value), label.clone())).collect()
        }
        _ => Vec::new(),
    }
}

/// Why a text is not what it must be, for people who write JSON by hand.
pub(in crate::web) fn unreadable(wanted: &str, error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Data => format!("must be {wanted}"),
        Category::Eof => format!("must be {wanted}; this breaks off in line {}", error.line()),
        Category::Syntax | Category::Io => {
            format!("must be {wanted}; this is none at line {}, column {}", error.line(), error.column())
        }
    }
}
