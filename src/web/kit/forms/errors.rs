//! The errors of a form, and what somebody else changed while it was open.

use std::collections::HashSet;

use actix_web::http::StatusCode;

use crate::{
    app::Error,
    web::kit::{error::PageError, organization_words},
};

/// What somebody else made of a field while a form was open: its values before, now, and as they were typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// What it held when the form was filled.
    pub was: Vec<String>,
    /// What it holds now.
    pub is: Vec<String>,
    /// What was typed.
    pub typed: Vec<String>,
    /// Whether it is a list, to which the changes of both were applied.
    pub is_list: bool,
    /// What became of it in words, where the values tell nobody anything.
    pub note: Option<String>,
}

/// How many items of a list are named in a sentence, and how long a value may be to be quoted, in characters.
const MAX_NAMED: usize = 5;
const MAX_QUOTED: usize = 120;

impl FieldChange {
    /// The change as the rest of a sentence that begins with the field's label.
    pub(super) fn sentence(&self, choices: &[(String, String)]) -> String {
        if let Some(note) = &self.note {
            return note.clone();
        }
        let shown = |value: &str| match choices.iter().find(|(choice, _)| choice == value) {
            Some((_, label)) => format!("“{label}”"),
            None if value.is_empty() => "empty".to_owned(),
            None if value.chars().count() > MAX_QUOTED || value.contains('\n') => "another text".to_owned(),
            None => format!("“{value}”"),
        };
        let single = |values: &[String]| shown(values.first().map_or("", String::as_str));
        if self.is_list {
            let only = |these: &[String], those: &[String]| {
                let known: HashSet<&String> = those.iter().collect();
                let new: Vec<&String> = these.iter().filter(|one| !known.contains(one)).collect();
                let named: Vec<String> = new.iter().take(MAX_NAMED).map(|one| shown(one)).collect();
                let more = new.len().saturating_sub(MAX_NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                (!new.is_empty()).then(|| named.join(", ") + &more)
            };
            let added = only(&self.is, &self.was).map(|added| format!("added {added}"));
            let removed = only(&self.was, &self.is).map(|removed| format!("removed {removed}"));
            return match (added, removed) {
                (Some(added), Some(removed)) => format!("{added}; {removed}"),
                (added, removed) => added.or(removed).unwrap_or_else(|| "put into another order".to_owned()),
            };
        }
        if self.typed == self.was || self.typed == self.is {
            return format!("now {}", single(&self.is));
        }
        format!("now {}, and you entered {}: saving replaces it", single(&self.is), single(&self.typed))
    }
}

/// The errors of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormErrors {
    /// Fields and reasons.
    pub(super) invalid: Vec<(String, String)>,
    /// The fields that somebody else changed meanwhile; `None`: nobody did.
    pub(super) changed: Option<Vec<FieldChange>>,
}

impl FormErrors {
    /// No errors.
    pub fn none() -> Self {
        Self::default()
    }

    /// Somebody else changed the resource while the form was open.
    pub fn outdated() -> Self {
        Self { invalid: Vec::new(), changed: Some(Vec::new()) }
    }

    /// Adds a field that somebody else changed.
    pub fn and_changed(mut self, change: FieldChange) -> Self {
        self.changed.get_or_insert_default().push(change);
        self
    }

    /// Says of a field that somebody else changed what became of it, where its value tells nobody anything.
    pub fn describe_changed(mut self, field: &str, note: &str) -> Self {
        for change in self.changed.iter_mut().flatten().filter(|change| change.field == field) {
            change.note = Some(note.to_owned());
        }
        self
    }

    /// The fields that somebody else changed.
    pub fn changed(&self) -> impl Iterator<Item = &FieldChange> {
        self.changed.iter().flatten()
    }

    /// Whether somebody else changed the resource while the form was open.
    pub fn is_outdated(&self) -> bool {
        self.changed.is_some()
    }

    /// The errors that the user can fix in the form; any other is returned as an error page.
    pub fn from_error(error: Error) -> Result<Self, PageError> {
        match error {
            Error::Invalid { field, reason } => Ok(Self::one(&field, &reason)),
            Error::InvalidFields(fields) => {
                Ok(fields.iter().fold(Self::none(), |errors, (field, reason)| errors.and(field, reason)))
            }
            Error::Conflict { kind, field } => {
                Ok(Self::one(field, &format!("Another {kind} already has this.")))
            }
            Error::FailedPrecondition(reason) => Ok(Self::one("", &reason)),
            Error::Organization(error) => {
                Ok(Self::one(organization_words::field(&error), &organization_words::reason(&error)))
            }
            other => Err(PageError(other)),
        }
    }

    /// One error of a field, or of the whole form where `field` is empty.
    pub fn one(field: &str, reason: &str) -> Self {
        Self::none().and(field, reason)
    }

    /// Adds another error.
    pub fn and(mut self, field: &str, reason: &str) -> Self {
        self.invalid.push((field.to_owned(), sentence(reason)));
        self
    }

    /// Whether there are no errors.
    pub fn is_empty(&self) -> bool {
        self.invalid.is_empty() && self.changed.is_none()
    }

    /// All errors: fields and reasons.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.invalid.iter().map(|(field, reason)| (field.as_str(), reason.as_str()))
    }

    /// The error of a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.invalid.iter().find(|(name, _)| name == field).map(|(_, reason)| reason.as_str())
    }

    /// The status of the page that shows them.
    pub fn status(&self) -> StatusCode {
        match &self.changed {
            Some(_) => StatusCode::CONFLICT,
            None if self.is_empty() => StatusCode::OK,
            None => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

/// Makes a sentence of a reason: errors of `app` are worded to follow a field's name ("must be …").
pub fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let capital: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let text = capital + letters.as_str();
    if text.ends_with(['.', '?', '!', ')']) || text.is_empty() { text } else { text + "." }
}

/// Verbs with which reasons begin that are worded to follow the name of their field.
const VERBS: [&str; 12] =
    ["must", "is", "are", "has", "have", "was", "were", "cannot", "can", "does", "do", "needs"];

/// A reason as a sentence of its own, where the field is not on the form, and so has no label: "The employee number is required."
pub fn told(field: &str, reason: &str) -> String {
    let (first, rest) = reason.split_once(' ').unwrap_or((reason, ""));
    let verb = first.trim_end_matches('.').to_lowercase();
    if !VERBS.contains(&verb.as_str()) {
        return sentence(reason);
    }
    let name = name_of(field);
    let subject = if name.is_empty() { "What was sent".to_owned() } else { format!("The {name}") };
    sentence(format!("{subject} {} {rest}", first.to_lowercase()).trim())
}

/// The last part of a field's path in words: `payload/employeeNumber` and `employee_number` are "employee number".
fn name_of(field: &str) -> String {
    let is_index = |part: &&str| !part.is_empty() && !part.bytes().all(|byte| byte.is_ascii_digit());
    let last = field.rsplit(['/', '.', '[', ']']).find(is_index).unwrap_or_default();
    let mut words = String::new();
    for letter in last.chars() {
        match letter {
            '_' | '-' => words.push(' '),
            upper if upper.is_uppercase() => {
                words.push(' ');
                words.extend(upper.to_lowercase());
            }
            other => words.push(other),
        }
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_without_a_label_names_its_field() {
        for (field, reason, expected) in [
            ("code", "is wrong, was used, or has expired", "The code is wrong, was used, or has expired."),
            ("payload/employeeNumber", "Is required.", "The employee number is required."),
            ("identifiers[0].new_value", "Must be short.", "The new value must be short."),
            ("list[2]", "must be short", "The list must be short."),
            ("", "must be short", "What was sent must be short."),
            ("code", "this code is wrong", "This code is wrong."),
            ("x", "Island names are not allowed", "Island names are not allowed."),
        ] {
            assert_eq!(told(field, reason), expected, "{field}: {reason}");
        }
    }
}
