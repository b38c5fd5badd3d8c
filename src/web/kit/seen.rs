//! Edit forms against lost updates: a form carries the version and the values that it was filled from. When somebody
//! else was faster, it is shown again with what they changed, and with what was typed.

use maud::{Markup, html};
use model::entity_tag::EntityTags;

use super::{
    error::PageError,
    forms::{FormErrors, FormValues},
    posted::PostedForm,
};
use crate::app::Error;

/// The hidden field with the version.
const VERSION: &str = "version";

/// The hidden field with the values: a JSON list of names and values.
const VALUES: &str = "seen";

/// What the user saw when they began to edit: a version of a resource, and the form's values for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    version: String,
    values: FormValues,
}

impl Seen {
    /// A form that is filled from this version, whose values these are.
    pub fn of(version: i64, values: &FormValues) -> Self {
        Self { version: version.to_string(), values: values.clone() }
    }

    /// What a posted form was filled from.
    pub fn posted(form: &PostedForm) -> Self {
        let values: Vec<(String, String)> = serde_json::from_str(form.text(VALUES)).unwrap_or_default();
        let values = values.iter().fold(FormValues::new(), |values, (name, value)| values.with(name, value));
        Self { version: form.text(VERSION).to_owned(), values }
    }

    /// The version that a change is made from. A form without one matches no version.
    pub fn expected(&self) -> EntityTags {
        EntityTags::List(vec![self.version.clone()])
    }

    /// The values that the form was filled from.
    pub fn values(&self) -> &FormValues {
        &self.values
    }

    /// The hidden fields.
    pub fn fields(&self) -> Markup {
        html! {
            input type="hidden" name=(VERSION) value=(self.version);
            input type="hidden" name=(VALUES) value=(self.values.to_json());
        }
    }
}

/// The form after somebody else changed the resource: fields that the user did not touch have their `current` value, the
/// others what was typed. The errors tell what the other one changed.
pub fn merge(seen: &Seen, typed: &FormValues, current: &FormValues) -> (FormValues, FormErrors) {
    let mut names: Vec<&str> = Vec::new();
    for name in current.names().chain(seen.values.names()).chain(typed.names()) {
        if !names.contains(&name) && ![VERSION, VALUES].contains(&name) {
            names.push(name);
        }
    }
    let (mut values, mut errors) = (FormValues::new(), FormErrors::outdated());
    for name in names {
        let (was, is, wanted) = (seen.values.all_of(name), current.all_of(name), typed.all_of(name));
        if was != is {
            errors = errors.and_changed(name, &is);
        }
        let kept = if wanted == was { &is } else { &wanted };
        values = kept.iter().fold(values, |values, value| values.with(name, value));
    }
    (values, errors)
}

/// A form that is shown again because its change was not taken.
pub struct FormAgain {
    /// What its fields are compared with when it is sent again.
    pub seen: Seen,
    /// What its fields hold.
    pub typed: FormValues,
    /// What is told above them.
    pub errors: FormErrors,
}

impl FormAgain {
    /// The form after `error`. If the resource was changed, it has `version` and the values `current` by now. Errors that
    /// no form can mend are returned.
    pub fn new(
        error: Error,
        seen: Seen,
        typed: &FormValues,
        version: i64,
        current: &FormValues,
    ) -> Result<Self, PageError> {
        match error {
            Error::Outdated { .. } => {
                let (typed, errors) = merge(&seen, typed, current);
                Ok(Self { seen: Seen::of(version, current), typed, errors })
            }
            error => Ok(Self { seen, typed: typed.clone(), errors: FormErrors::from_error(error)? }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_and_the_rest_is_what_it_is_now() {
        let filled = FormValues::new()
            .with("name", "Acme")
            .with("url", "https://a.example")
            .with("domains", "a.example\nb.example")
            .with_flag("primary", true);
        let seen = Seen::of(3, &filled);
        let typed = FormValues::new()
            .with("name", "Acme Inc")
            .with("url", "https://a.example ")
            .with("domains", "a.example\r\nb.example")
            .with("primary", "")
            .with("primary", "true")
            .with("sha1", "");
        let current = FormValues::new()
            .with("name", "ACME")
            .with("url", "https://b.example")
            .with("domains", "a.example\nb.example")
            .with_flag("sha1", true);
        let (values, errors) = merge(&seen, &typed, &current);
        assert_eq!(values.text("name"), "Acme Inc", "both changed it: the user decides");
        assert_eq!(values.text("url"), "https://b.example", "a value that nobody typed is not brought back");
        assert!(!values.flag("primary") && values.flag("sha1"));
        let told: Vec<_> = errors.changed().map(|(name, _)| name).collect();
        assert_eq!(told, ["name", "url", "sha1", "primary"]);
        assert_eq!(errors.status(), 409);
    }

    #[test]
    fn a_form_that_carries_no_version_is_of_none() {
        let seen = Seen::posted(&PostedForm::default());
        assert!(!seen.expected().matches(0) && !seen.expected().matches(1));
    }
}
