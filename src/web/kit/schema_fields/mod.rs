//! A JSON object as the fields of a form, by its schema: labels from `title`, hints from `description`.
//!
//! The fields have the names by which violations of the schema call their places, so that each stands beside its field. What the
//! form has no field for is edited as JSON, and what nobody touched stays exactly as it was.

mod field;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::{Map, Value};

use self::{
    field::{SchemaField, has_type, hint_of, kind_of, options_of, resolve, strings},
    value::{at, normal, pointer, read_rest, set, shown_rest},
};
use crate::web::kit::{
    components::facts,
    forms::{Control, FormErrors, FormValues, FormView},
    json,
};

pub(in crate::web) use self::field::unreadable;

/// The maximum number of fields; the members after those are edited as JSON. A form has at most 1000 fields in all.
const MAX_FIELDS: usize = 200;

/// How many objects within each other have fields of their own.
const MAX_DEPTH: usize = 3;

/// How many fields are shown at once; the optional ones of a larger form are folded.
const MAX_OPEN_FIELDS: usize = 8;

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

/// The fields for one object.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::web) struct SchemaForm {
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
            @if !rest.is_empty() { (json::facts(&rest)) }
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
