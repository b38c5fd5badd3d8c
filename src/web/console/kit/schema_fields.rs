//! A JSON object as the fields of a form, by its schema: labels from `title`, hints from `description`.
//!
//! The fields have the names by which violations of the schema call their places, so that each stands beside its field. What the
//! form has no field for is edited as JSON, and what nobody touched stays exactly as it was.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::{Map, Number, Value, error::Category};

use crate::web::kit::{
    components::facts,
    forms::{Control, FormErrors, FormValues, FormView, lines, sentence},
};

/// The maximum number of fields; the members after those are edited as JSON. A form has at most 1000 fields in all.
const MAX_FIELDS: usize = 200;

/// How many objects within each other have fields of their own.
const MAX_DEPTH: usize = 3;

/// How many references in a row are followed.
const MAX_REFERENCES: usize = 5;

/// How many fields are shown at once; the optional ones of a larger form are folded.
const MAX_OPEN_FIELDS: usize = 8;

/// A text that may be longer has several lines.
const LONG_TEXT: u64 = 2000;

/// A text that must be shorter says so.
const SAID_LENGTH: u64 = 100;

/// The claims of a person (OpenID Connect Core 1.0 §5.1) in the order in which people give them.
const FIRST: &[&str] = &[
    "name",
    "given_name",
    "middle_name",
    "family_name",
    "nickname",
    "preferred_username",
    "email",
    "phone_number",
    "address",
    "formatted",
    "street_address",
    "postal_code",
    "locality",
    "region",
    "country",
];

/// The claim that says who somebody is at first sight: it is never folded.
const NAME: &str = "name";

/// How a value is entered.
#[derive(Debug, Clone, PartialEq)]
enum FieldKind {
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
struct SchemaField {
    name: String,
    label: String,
    hint: String,
    required: bool,
    kind: FieldKind,
    /// Where the value is.
    path: Vec<String>,
    /// The title of the object that it is in, if that is not the whole.
    group: Option<String>,
    /// The names and labels of the options of a choice.
    options: Vec<(String, String)>,
}

/// The fields for one object.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::web::console) struct SchemaForm {
    /// What its places are called by: `payload`.
    prefix: &'static str,
    fields: Vec<SchemaField>,
    /// The members that have fields of their own.
    own: BTreeSet<String>,
    /// Whether members without a field can be added: they are shown as JSON, in the field `prefix`.
    open: bool,
    title: &'static str,
}

impl SchemaForm {
    /// The form of an object with this schema, which holds `current` now. `title` names what is in no other field.
    pub fn new(
        prefix: &'static str,
        title: &'static str,
        schema: &Map<String, Value>,
        current: &Map<String, Value>,
    ) -> Self {
        let mut form = Self { prefix, fields: Vec::new(), own: BTreeSet::new(), open: false, title };
        form.add(schema, schema, &mut Vec::new(), None);
        let additional = schema.get("additionalProperties") != Some(&Value::Bool(false));
        form.open = additional || current.keys().any(|name| !form.own.contains(name));
        form
    }

    /// Adds the members of an object.
    fn add(
        &mut self,
        root: &Map<String, Value>,
        object: &Map<String, Value>,
        path: &mut Vec<String>,
        group: Option<&str>,
    ) {
        let Some(properties) = object.get("properties").and_then(Value::as_object) else { return };
        let required: Vec<&str> = strings(object.get("required"));
        let mut names: Vec<&String> = properties.keys().collect();
        let place = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
        names.sort_by_key(|name| (!required.contains(&name.as_str()), place(name)));
        for name in names {
            if self.fields.len() >= MAX_FIELDS {
                return;
            }
            let Some(schema) = properties.get(name).and_then(|schema| resolve(root, schema)) else {
                continue;
            };
            path.push(name.clone());
            let title = schema.get("title").and_then(Value::as_str).unwrap_or(name).trim().to_owned();
            let is_object = has_type(schema, "object")
                && schema.get("properties").and_then(Value::as_object).is_some_and(|own| !own.is_empty());
            if path.len() == 1 {
                self.own.insert(name.clone());
            }
            if is_object && path.len() < MAX_DEPTH {
                let title = group.map_or_else(|| title.clone(), |group| format!("{group}: {title}"));
                self.add(root, schema, path, Some(&title));
            } else {
                let kind = kind_of(schema);
                self.fields.push(SchemaField {
                    name: format!("{}{}", self.prefix, pointer(path)),
                    label: title,
                    hint: hint_of(schema, &kind),
                    required: required.contains(&name.as_str()),
                    options: options_of(&kind),
                    kind,
                    path: path.clone(),
                    group: group.map(str::to_owned),
                });
            }
            path.pop();
        }
    }

    /// Adds the values of an object to those of a form.
    pub fn values(&self, current: &Map<String, Value>, values: FormValues) -> FormValues {
        let values = self.fields.iter().fold(values, |values, field| {
            values.with(
                &field.name,
                at(current, &field.path).map_or_else(String::new, |value| field.shown(value)),
            )
        });
        if self.open { values.with(self.prefix, shown_rest(&self.rest(current))) } else { values }
    }

    /// The members that have no field of their own.
    fn rest(&self, current: &Map<String, Value>) -> Map<String, Value> {
        let others = current.iter().filter(|(name, _)| !self.own.contains(*name));
        others.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The object that a posted form makes of `current`. What cannot be read is an error of its field.
    pub fn read(&self, form: &FormValues, current: &Map<String, Value>) -> (Map<String, Value>, FormErrors) {
        let (mut object, mut errors) = (current.clone(), FormErrors::none());
        if self.open && form.is_given(self.prefix) {
            let typed = normal(form.text(self.prefix));
            if typed != normal(&shown_rest(&self.rest(current))) {
                match read_rest(&typed) {
                    Ok(rest) => match rest.keys().find(|name| self.own.contains(*name)) {
                        Some(name) => {
                            let reason = format!("{name} has a field of its own above");
                            errors = errors.and(self.prefix, &reason);
                        }
                        None => {
                            object.retain(|name, _| self.own.contains(name));
                            object.extend(rest);
                        }
                    },
                    Err(reason) => errors = errors.and(self.prefix, &reason),
                }
            }
        }
        for field in &self.fields {
            if !form.is_given(&field.name) {
                continue;
            }
            let typed = normal(form.text(&field.name));
            let now = at(current, &field.path);
            // What nobody touched stays as it is, whatever it is.
            if typed == normal(&now.map_or_else(String::new, |value| field.shown(value))) {
                continue;
            }
            match field.parse(&typed) {
                Ok(value) => set(&mut object, &field.path, value),
                Err(reason) => errors = errors.and(&field.name, &reason),
            }
        }
        (object, errors)
    }

    /// The field at which a violation is shown, and what it says there.
    pub fn locate(&self, path: &str, message: &str) -> (String, String) {
        // A member that is missing is told by the object that it is missing in.
        let missing = message.strip_suffix(" is missing");
        if let Some(member) = missing.and_then(|name| serde_json::from_str::<String>(name).ok()) {
            let inner = format!("{path}{}", pointer(&[member]));
            if self.fields.iter().any(|field| field.name == inner) {
                return (inner, "is required".to_owned());
            }
        }
        // What is wrong within a list is told at the list.
        let within = |field: &&SchemaField| path.starts_with(&format!("{}/", field.name));
        match self.fields.iter().find(|field| field.name == path) {
            Some(field) => (field.name.clone(), message.to_owned()),
            None => match self.fields.iter().find(within) {
                Some(field) => {
                    let inner = path.strip_prefix(&field.name).unwrap_or_default();
                    (field.name.clone(), format!("{inner} {message}"))
                }
                None if self.open && path.starts_with(self.prefix) => {
                    let inner = path.strip_prefix(self.prefix).unwrap_or_default();
                    (self.prefix.to_owned(), format!("{inner} {message}").trim().to_owned())
                }
                None => (path.to_owned(), message.to_owned()),
            },
        }
    }

    /// Whether a place is of this object.
    pub fn owns(&self, path: &str) -> bool {
        path == self.prefix || path.starts_with(&format!("{}/", self.prefix))
    }

    /// How many fields it has, and how many of them must be given.
    pub fn count(&self) -> (usize, usize) {
        (self.fields.len(), self.fields.iter().filter(|field| field.required).count())
    }

    /// The fields. In a long form those that may be empty are folded, as far as nothing is wrong with them.
    pub fn view(&self, view: &FormView<'_>) -> Markup {
        let is_long = self.fields.len() > MAX_OPEN_FIELDS;
        let is_first = |field: &&SchemaField| !is_long || field.required || field.path == [NAME];
        let (first, others): (Vec<_>, Vec<_>) = self.fields.iter().partition(is_first);
        let folds_rest = !self.fields.is_empty();
        html! {
            (groups(view, &first))
            @if !others.is_empty() || (self.open && folds_rest) {
                details open[self.concerns(view, &others)] {
                    summary { "More of the " (self.title.to_lowercase()) }
                    div.stack {
                        (groups(view, &others))
                        @if self.open { (self.rest_field(view, "Other members")) }
                    }
                }
            } @else if self.open {
                (self.rest_field(view, self.title))
            }
        }
    }

    /// Whether something is wrong with one of these fields, or with what has none.
    fn concerns(&self, view: &FormView<'_>, fields: &[&SchemaField]) -> bool {
        fields.iter().any(|field| view.concerns(&field.name)) || view.concerns(self.prefix)
    }

    /// Whether something must be given, or is wrong: the form is not folded then.
    pub fn wants_attention(&self, view: &FormView<'_>) -> bool {
        let fields: Vec<&SchemaField> = self.fields.iter().collect();
        fields.iter().any(|field| field.required) || self.concerns(view, &fields)
    }

    fn rest_field<'v>(&'v self, view: &FormView<'v>, label: &'v str) -> Control<'v> {
        view.textarea(self.prefix, label, 4)
            .hint("As a JSON object, such as { \"plan\": \"pro\" }.")
            .code()
            .optional()
    }

    /// The object for readers: labels and values; what has no field as JSON.
    pub fn facts(&self, current: &Map<String, Value>) -> Markup {
        let given = self.fields.iter().filter_map(|field| Some((field, at(current, &field.path)?)));
        let rows: Vec<(String, Markup)> = given
            .map(|(field, value)| {
                let label = match &field.group {
                    Some(group) => format!("{group}: {}", field.label),
                    None => field.label.clone(),
                };
                (label, field.fact(value))
            })
            .collect();
        let rows: Vec<(&str, Markup)> =
            rows.iter().map(|(label, value)| (label.as_str(), value.clone())).collect();
        let rest = self.rest(current);
        html! {
            @if !rows.is_empty() { (facts(&rows)) }
            @if !rest.is_empty() { (super::json::facts(&rest)) }
        }
    }
}

impl SchemaField {
    /// A value as the field shows it.
    fn shown(&self, value: &Value) -> String {
        match (&self.kind, value) {
            (FieldKind::Lines, Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            (FieldKind::Json, value) => super::json::pretty(value),
            (_, Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        }
    }

    /// What was typed as a value; `None` where the field is empty.
    fn parse(&self, typed: &str) -> Result<Option<Value>, String> {
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

    fn control<'v>(&'v self, view: &FormView<'v>, options: &'v [(&'v str, &'v str)]) -> Control<'v> {
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

    fn fact(&self, value: &Value) -> Markup {
        match (&self.kind, value) {
            (FieldKind::Choice(choices), value) => {
                let label =
                    choices.iter().find(|(choice, _)| choice == value).map(|(_, label)| label.as_str());
                html! { (label.map_or_else(|| self.shown(value), str::to_owned)) }
            }
            (FieldKind::Json, value) => super::json::collapsed(&self.label, value),
            (FieldKind::Lines, Value::Array(_)) => {
                let text = self.shown(value);
                html! { ul.tags { @for line in text.lines() { li { span.tag { (line) } } } } }
            }
            _ => html! { (self.shown(value)) },
        }
    }
}

/// Fields, those of an object within the object in a group of its own.
fn groups(view: &FormView<'_>, fields: &[&SchemaField]) -> Markup {
    html! {
        @for some in fields.chunk_by(|one, other| one.group == other.group) {
            @match some.first().and_then(|field| field.group.as_deref()) {
                Some(title) => {
                    fieldset.group {
                        legend { (title) }
                        @for field in some { (control(view, field)) }
                    }
                },
                None => { @for field in some { (control(view, field)) } },
            }
        }
    }
}

fn control(view: &FormView<'_>, field: &SchemaField) -> Markup {
    let none = [("", "not given")];
    let options = field.options.iter().map(|(name, label)| (name.as_str(), label.as_str()));
    let options: Vec<(&str, &str)> = none.into_iter().chain(options).collect();
    html! { (field.control(view, &options)) }
}

/// The schema that a reference within the document names, or the schema itself.
fn resolve<'s>(root: &'s Map<String, Value>, schema: &'s Value) -> Option<&'s Map<String, Value>> {
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

fn strings(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether the values of a schema are of one type, or of that and `null`.
fn has_type(schema: &Map<String, Value>, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => {
            names.iter().any(|name| name == wanted)
                && names.iter().all(|name| name == wanted || name == "null")
        }
        _ => false,
    }
}

fn kind_of(schema: &Map<String, Value>) -> FieldKind {
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
fn hint_of(schema: &Map<String, Value>, kind: &FieldKind) -> String {
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

fn options_of(kind: &FieldKind) -> Vec<(String, String)> {
    match kind {
        FieldKind::Choice(choices) => {
            choices.iter().map(|(value, label)| (option_name(value), label.clone())).collect()
        }
        _ => Vec::new(),
    }
}

/// A JSON pointer (RFC 6901).
fn pointer(path: &[String]) -> String {
    path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

fn at<'v>(object: &'v Map<String, Value>, path: &[String]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(object.get(first)?, |value, part| value.get(part))
}

/// Sets or removes a value; objects on the way are made, and removed when nothing is left in them.
fn set(object: &mut Map<String, Value>, path: &[String], value: Option<Value>) {
    match path {
        [] => {}
        [last] => {
            match value {
                Some(value) => object.insert(last.clone(), value),
                None => object.remove(last),
            };
        }
        [first, rest @ ..] => {
            let mut inner = match object.remove(first) {
                Some(Value::Object(inner)) => inner,
                _ => Map::new(),
            };
            set(&mut inner, rest, value);
            if !inner.is_empty() {
                object.insert(first.clone(), Value::Object(inner));
            }
        }
    }
}

/// A text as it is compared: browsers send line breaks as CRLF.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

fn shown_rest(rest: &Map<String, Value>) -> String {
    match rest.is_empty() {
        true => String::new(),
        false => super::json::pretty(&Value::Object(rest.clone())),
    }
}

fn read_rest(typed: &str) -> Result<Map<String, Value>, String> {
    match typed {
        "" => Ok(Map::new()),
        typed => serde_json::from_str(typed).map_err(|error| unreadable("a JSON object", &error)),
    }
}

/// Why a text is not what it must be, for people who write JSON by hand.
pub(super) fn unreadable(wanted: &str, error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Data => format!("must be {wanted}"),
        Category::Eof => format!("must be {wanted}; this breaks off in line {}", error.line()),
        Category::Syntax | Category::Io => {
            format!("must be {wanted}; this is none at line {}, column {}", error.line(), error.column())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn schema() -> Map<String, Value> {
        object(json!({
            "type": "object",
            "required": ["crm", "name"],
            "$defs": { "seat": { "type": "integer", "title": "Seats" } },
            "properties": {
                "name": { "type": "string", "title": "Full name" },
                "crm": { "type": "string", "title": "CRM id", "description": "From the CRM.", "maxLength": 18 },
                "plan": { "enum": ["free", "pro"], "title": "Plan" },
                "vip": { "type": ["boolean", "null"] },
                "seats": { "$ref": "#/$defs/seat" },
                "tags": { "type": "array", "items": { "type": "string" } },
                "points": { "type": "array", "items": { "type": "integer" } },
                "address": { "type": "object", "title": "Address", "properties": { "city": { "type": "string" }, "a/b": { "type": "string" } } },
            },
        }))
    }

    fn post(fields: &[(&str, &str)]) -> FormValues {
        fields.iter().fold(FormValues::new(), |values, (name, value)| values.with(name, value))
    }

    #[test]
    fn a_form_reads_what_it_shows() {
        let current = object(json!({
            "name": "Dana", "crm": "1", "plan": "pro", "vip": false, "seats": 3, "tags": ["a", "b"], "points": [1, 2],
            "address": { "city": "Bonn", "a/b": "x", "more": 1 }, "other": { "x": 1 },
        }));
        let form = SchemaForm::new("payload", "Profile", &schema(), &current);
        let names: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "payload/name",
                "payload/crm",
                "payload/address/a~1b",
                "payload/address/city",
                "payload/plan",
                "payload/points",
                "payload/seats",
                "payload/tags",
                "payload/vip",
            ]
        );
        let values = form.values(&current, FormValues::new());
        let shown: Vec<(&str, &str)> =
            names.iter().copied().chain(["payload"]).map(|name| (name, values.text(name))).collect();
        assert_eq!(form.read(&post(&shown), &current), (current.clone(), FormErrors::none()));
        // From nothing the same is made, but for what no field shows.
        let (made, errors) = form.read(&post(&shown), &Map::new());
        let mut expected = current.clone();
        expected["address"].as_object_mut().unwrap().remove("more");
        assert_eq!((made, errors), (expected, FormErrors::none()));
    }

    #[test]
    fn what_is_changed_changes_and_the_rest_stays() {
        let current = object(json!({
            "name": 7, "address": { "city": "Bonn" }, "vip": null, "tags": ["a"], "other": 1,
        }));
        let form = SchemaForm::new("payload", "Profile", &schema(), &current);
        let (changed, errors) = form.read(
            &post(&[
                ("payload/name", "7"),
                ("payload/address/city", ""),
                ("payload/vip", "true"),
                ("payload/tags", "a\r\nb\r\n"),
                ("payload/seats", "4"),
                ("payload", "{ \"other\": 2 }"),
            ]),
            &current,
        );
        assert_eq!(errors, FormErrors::none());
        let expected = json!({ "name": 7, "vip": true, "tags": ["a", "b"], "seats": 4, "other": 2 });
        assert_eq!(Value::from(changed), expected);
        // Fields that were not sent stay; what cannot be read is told.
        let (same, errors) = form.read(
            &post(&[
                ("payload/seats", "many"),
                ("payload/plan", "gold"),
                ("payload/points", "[1"),
                ("payload", "[]"),
            ]),
            &current,
        );
        assert_eq!(same, current);
        for field in ["payload/seats", "payload/plan", "payload/points", "payload"] {
            assert!(errors.of(field).is_some(), "{field}: {errors:?}");
        }
        let (_, errors) = form.read(&post(&[("payload", "{\"name\": \"x\"}")]), &current);
        assert_eq!(errors.of("payload"), Some("Name has a field of its own above."));
    }

    #[test]
    fn a_violation_stands_at_its_field() {
        let form = SchemaForm::new("payload", "Profile", &schema(), &Map::new());
        for (path, message, field, said) in [
            ("payload/crm", "must be short", "payload/crm", "must be short"),
            ("payload", "\"crm\" is missing", "payload/crm", "is required"),
            ("payload/address", "\"city\" is missing", "payload/address/city", "is required"),
            ("payload/points/1", "must be of type integer", "payload/points", "/1 must be of type integer"),
            ("payload", "must not have \"x\"", "payload", "must not have \"x\""),
            ("payload/other/x", "must be short", "payload", "/other/x must be short"),
        ] {
            assert_eq!(form.locate(path, message), (field.to_owned(), said.to_owned()), "{path}");
        }
        assert!(form.owns("payload/crm") && form.owns("payload") && !form.owns("payloads"));
    }

    #[test]
    fn hostile_schemas_make_small_forms() {
        let many: Map<String, Value> =
            (0..500).map(|at| (format!("p{at:03}"), json!({ "type": "string" }))).collect();
        let form = SchemaForm::new("payload", "Profile", &object(json!({ "properties": many })), &Map::new());
        assert_eq!((form.fields.len(), form.open), (MAX_FIELDS, true));
        let endless = object(json!({
            "properties": { "a": { "$ref": "#/properties/a" }, "b": { "$ref": "https://x.example/" }, "c": { "$ref": "#/$defs/n" }, "d": 7 },
            "$defs": { "n": { "type": "object", "properties": { "n": { "$ref": "#/$defs/n" } } } },
        }));
        let form = SchemaForm::new("payload", "Profile", &endless, &Map::new());
        let names: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["payload/c/n/n"]);
        assert_eq!(form.fields[0].kind, FieldKind::Json);
    }
}
