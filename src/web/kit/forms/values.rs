//! The values of a form, as they were typed or stored.

use std::{collections::HashMap, fmt::Display};

use crate::web::kit::posted::PostedForm;

/// The values of a form: names and values in order; a name may repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormValues(Vec<(String, String)>);

impl FormValues {
    /// An empty form.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value of a field.
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a checkbox, if it is ticked.
    pub fn with_flag(self, name: &str, ticked: bool) -> Self {
        if ticked { self.with(name, "true") } else { self }
    }

    /// The text of a field; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The lines of all values of a field, without empty ones.
    pub fn lines_of(&self, name: &str) -> Vec<&str> {
        let values = self.0.iter().filter(|(key, _)| key == name);
        values.flat_map(|(_, value)| value.lines().map(str::trim)).filter(|line| !line.is_empty()).collect()
    }

    /// Whether a field is there, empty or not.
    pub fn is_given(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// With what `others` holds of the fields that are not there.
    pub fn or(mut self, others: &Self) -> Self {
        let missing = others.0.iter().filter(|(name, _)| !self.is_given(name));
        let missing: Vec<(String, String)> = missing.cloned().collect();
        self.0.extend(missing);
        self
    }

    /// The names of the fields that have a value.
    pub(in crate::web::kit) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The values of each field as they are compared: without empty ones, surrounding spaces and CRLF.
    pub(in crate::web::kit) fn by_name(&self) -> HashMap<&str, Vec<String>> {
        let mut fields: HashMap<&str, Vec<String>> = HashMap::new();
        for (name, value) in &self.0 {
            let values = fields.entry(name).or_default();
            let plain = value.replace("\r\n", "\n").trim().to_owned();
            values.extend((!plain.is_empty()).then_some(plain));
        }
        fields
    }

    /// A JSON list of names and values.
    pub(in crate::web::kit) fn to_json(&self) -> String {
        serde_json::json!(self.0).to_string()
    }

    /// Whether the checkbox `name` with this value is ticked.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(key, held)| key == name && held == value)
    }

    /// Whether a checkbox is ticked.
    pub fn flag(&self, name: &str) -> bool {
        self.has(name, "true")
    }
}

impl From<&PostedForm> for FormValues {
    fn from(posted: &PostedForm) -> Self {
        Self(posted.fields().to_vec())
    }
}

/// The non-empty lines of a field that takes one value a line.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
