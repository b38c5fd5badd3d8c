//! Edit forms against lost updates: a form carries the version and the values that it was filled from. When somebody
//! else was faster, it is shown again with what they changed, and with what was typed.

use std::collections::{HashMap, HashSet};

use maud::{Markup, html};
use model::entity_tag::EntityTags;

use super::{
    error::PageError,
    forms::{FieldChange, FormErrors, FormValues},
    posted::PostedForm,
};
use crate::app::Error;

/// The hidden field with the version.
const VERSION: &str = "version";

/// The hidden field with the values: a JSON list of names and values.
const VALUES: &str = "seen";

/// The longest list of values that is read, in bytes: a form's text areas hold no more than a fraction of it.
const MAX_VALUES_LENGTH: usize = 256 * 1024;

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
        Self { version: form.text(VERSION).to_owned(), values: parse_values(form.text(VALUES)) }
    }

    /// The version that a change is made from. A form without one matches no version.
    pub fn expected(&self) -> EntityTags {
        EntityTags::List(vec![self.version.clone()])
    }

    /// Whether these are still the values of the form: what somebody else changed is not on it.
    pub fn still_holds(&self, current: &FormValues) -> bool {
        let [was, is] = [&self.values, current].map(FormValues::by_name);
        let held = |values: &HashMap<&str, Vec<String>>, name| {
            values.get(name).map(|held| items(held)).unwrap_or_default()
        };
        names([current, &self.values])
            .into_iter()
            .all(|name| is_same_set(&held(&was, name), &held(&is, name)))
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

/// The form after somebody else changed the resource. Fields that the user did not touch have their `current` value, the
/// others what was typed; to a list the changes of both are applied. The errors tell what the other one changed.
pub fn merge(seen: &Seen, typed: &FormValues, current: &FormValues) -> (FormValues, FormErrors) {
    let (mut values, mut errors) = (FormValues::new(), FormErrors::outdated());
    let all = [&seen.values, current, typed].map(FormValues::by_name);
    for name in names([current, &seen.values, typed]) {
        let [before, now, wanted] =
            all.each_ref().map(|values| values.get(name).cloned().unwrap_or_default());
        let is_list =
            [&before, &now, &wanted].into_iter().any(|values| values.len() > 1 || is_text_of_lines(values));
        let [was, is, entered] = match is_list {
            true => [&before, &now, &wanted].map(|values| items(values)),
            false => [before.clone(), now.clone(), wanted.clone()],
        };
        let kept = match is_list {
            true => merge_items(&was, &is, &entered),
            false if entered == was => is.clone(),
            false => entered.clone(),
        };
        // The order of a list says nothing: browsers send the boxes of a group in that of the page.
        if if is_list { !is_same_set(&was, &is) } else { was != is } {
            let field = name.to_owned();
            errors = errors.and_changed(FieldChange { field, was, is, typed: entered, is_list, note: None });
        }
        // Several values are a group of checkboxes; one text may hold many lines.
        let is_group = [&before, &now, &wanted].into_iter().any(|values| values.len() > 1);
        let kept = match is_list && !is_group {
            true => vec![kept.join("\n")],
            false => kept,
        };
        // The value of a radio button or of an unticked box may be empty.
        let kept = if kept.is_empty() { vec![String::new()] } else { kept };
        values = kept.iter().fold(values, |values, value| values.with(name, value));
    }
    (values, errors)
}

/// The values of the hidden field; none if it is not one of ours.
fn parse_values(text: &str) -> FormValues {
    let text = if text.len() <= MAX_VALUES_LENGTH { text } else { "" };
    let values: Vec<(String, String)> = serde_json::from_str(text).unwrap_or_default();
    values.iter().fold(FormValues::new(), |values, (name, value)| values.with(name, value))
}

/// The names of the fields, without those of this module.
fn names<const N: usize>(all: [&FormValues; N]) -> Vec<&str> {
    let mut known = HashSet::from([VERSION, VALUES]);
    all.into_iter().flat_map(FormValues::names).filter(|name| known.insert(name)).collect()
}

fn is_same_set(one: &[String], other: &[String]) -> bool {
    one.iter().collect::<HashSet<_>>() == other.iter().collect()
}

fn is_text_of_lines(values: &[String]) -> bool {
    values.iter().any(|value| value.contains('\n') && !is_json(value))
}

/// Whether a text is a JSON object or array, whose lines are nothing without each other.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// The items of a list: certificates, or lines.
fn items(values: &[String]) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let split = |text: &String| -> Vec<String> {
        if is_json(text) {
            return vec![text.trim().to_owned()];
        }
        match text.contains(END) {
            true => text.split_inclusive(END).map(|one| one.trim().to_owned()).collect(),
            false => text.lines().map(|line| line.trim().to_owned()).collect(),
        }
    };
    values.iter().flat_map(split).filter(|item| !item.is_empty()).collect()
}

/// `is` without what the user removed, and with what they added.
fn merge_items(was: &[String], is: &[String], entered: &[String]) -> Vec<String> {
    let [before, now, wanted] = [was, is, entered].map(|items| items.iter().collect::<HashSet<_>>());
    let left = is.iter().filter(|item| wanted.contains(item) || !before.contains(item));
    let added = entered.iter().filter(|item| !before.contains(item) && !now.contains(item));
    left.chain(added).cloned().collect()
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
    /// no form can fix are returned.
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
    fn an_object_in_a_text_area_is_one_value() {
        let [was, is] = ["{\n  \"a\": 1,\n  \"b\": 2\n}", "{\n  \"a\": 3,\n  \"b\": 2\n}"];
        let of = |text: &str| FormValues::new().with("schema", text);
        let seen = Seen::of(1, &of(was));
        let (kept, errors) = merge(&seen, &of(&was.replace('\n', "\r\n")), &of(is));
        assert_eq!(kept.text("schema"), is, "nobody touched it");
        assert!(errors.is_outdated());
        let own = "{\n  \"a\": 1,\n  \"b\": 9\n}";
        let (kept, errors) = merge(&seen, &of(own), &of(is));
        assert_eq!(kept.text("schema"), own, "lines of two objects are never mixed");
        assert_eq!(errors.changed().count(), 1);
        // The same lines in another order are another object.
        assert!(!seen.still_holds(&of("{\n  \"b\": 2\n  \"a\": 1,\n}")));
    }

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
        let told: Vec<_> = errors.changed().map(|change| change.field.as_str()).collect();
        assert_eq!(told, ["name", "url", "sha1", "primary"]);
        assert_eq!(errors.status(), 409);
    }

    #[test]
    fn what_two_people_did_to_a_list_is_both_done() {
        let pem = |name: &str| format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----");
        let lists = |domains: &str, events: &[&str], certificates: &[&str]| {
            let pems: Vec<String> = certificates.iter().map(|name| pem(name)).collect();
            let values = FormValues::new().with("domains", domains).with("pem", pems.join("\n"));
            events.iter().fold(values, |values, event| values.with("events", event))
        };
        let seen = Seen::of(1, &lists("a\nb", &["x", "y"], &["old"]));
        let typed = lists("a\r\nb\r\nmine", &["", "y", "z"], &["old", "mine"]);
        let current = lists("a\ntheirs", &["x", "y", "w"], &["new"]);
        let (values, errors) = merge(&seen, &typed, &current);
        assert_eq!(values.text("domains"), "a\ntheirs\nmine");
        assert_eq!(values.by_name()["events"], ["y", "w", "z"]);
        assert_eq!(
            values.text("pem"),
            format!("{}\n{}", pem("new"), pem("mine")),
            "a withdrawn one stays away"
        );
        assert!(errors.changed().all(|change| change.is_list) && errors.changed().count() == 3);
    }

    #[test]
    fn an_empty_choice_stays_chosen_and_what_is_not_on_the_form_is_no_conflict() {
        let filled = FormValues::new().with("policy", "").with("name", "a");
        let seen = Seen::of(1, &filled);
        let (values, _) = merge(&seen, &filled, &FormValues::new().with("policy", "").with("name", "b"));
        assert!(values.has("policy", ""));
        assert!(seen.still_holds(&FormValues::new().with("name", "a ")));
        assert!(!seen.still_holds(&FormValues::new().with("name", "b")));
        assert!(!seen.still_holds(&filled.clone().with("more", "x")));
    }

    #[test]
    fn the_order_of_a_list_is_no_change() {
        let boxes =
            |ticked: &[&str]| ticked.iter().fold(FormValues::new(), |values, one| values.with("kinds", one));
        let seen = Seen::of(1, &boxes(&["updated", "created"]));
        let (values, _) =
            merge(&seen, &boxes(&["created", "updated"]), &boxes(&["updated", "created", "deleted"]));
        assert!(values.has("kinds", "deleted"), "nobody unticked it");
        let (_, errors) = merge(&seen, &boxes(&["updated"]), &boxes(&["created", "updated"]));
        assert_eq!(errors.changed().count(), 0);
        assert!(seen.still_holds(&boxes(&["created", "updated"])));
    }

    #[test]
    fn json_is_one_value() {
        let of = |text: &str| FormValues::new().with("metadata", text);
        let seen = Seen::of(1, &of("{\n  \"a\": 1\n}"));
        let typed = "{\n  \"a\": 2,\n  \"b\": {\n  }\n}";
        let (values, errors) = merge(&seen, &of(typed), &of("{\n  \"a\": 3\n}"));
        assert_eq!(values.text("metadata"), typed);
        assert!(errors.changed().all(|change| !change.is_list) && errors.is_outdated());
    }

    #[test]
    fn what_no_form_of_ours_carries_is_not_read() {
        let names: Vec<(String, &str)> = (0..40_000).map(|n| (n.to_string(), "x")).collect();
        assert_eq!(parse_values(&serde_json::to_string(&names).unwrap()), FormValues::new());
        assert_eq!(parse_values("{}"), FormValues::new());
        let few = FormValues::new().with("name", "x");
        assert_eq!(parse_values(&few.to_json()), few);
    }

    #[test]
    fn a_form_that_carries_no_version_is_of_none() {
        let seen = Seen::posted(&PostedForm::default());
        assert!(!seen.expected().matches(0) && !seen.expected().matches(1));
    }
}
