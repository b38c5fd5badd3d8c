//! The confirmation of a deletion: its effects in numbers, and the name that must be typed.

use maud::{Markup, html};

use super::{
    components::{Icon, notice},
    forms::{Form, FormErrors, FormValues, FormView},
};
use crate::app::{Error, Result};

/// The field that holds the typed name.
pub const FIELD: &str = "confirm";

/// A deletion to be confirmed.
pub struct DeleteConfirmation<'a> {
    /// What it is: "organization".
    pub kind: &'a str,
    /// Its name, to be typed.
    pub name: &'a str,
    /// Its effects, one sentence each: "214 people will no longer be able to sign in."
    pub effects: &'a [String],
    /// The URL the form is posted to.
    pub action: &'a str,
    /// The URL of the cancel link.
    pub cancel: &'a str,
}

/// Checks that the name was typed; surrounding spaces are ignored.
pub fn check(typed: &str, name: &str) -> Result<()> {
    if typed.trim() == name.trim() {
        return Ok(());
    }
    Err(Error::invalid(FIELD, format!("type {name} to confirm")))
}

impl DeleteConfirmation<'_> {
    /// The heading, the effects and the form.
    pub fn view(&self, typed: &FormValues, errors: &FormErrors, csrf: Markup) -> Markup {
        let view = FormView::new(typed, errors);
        let label = format!("Type {} to confirm", self.name);
        let submit = format!("Delete {}", self.kind);
        let field = view.text(FIELD, &label).code();
        let form = Form::new(self.action, &submit, csrf).cancel(self.cancel).danger();
        html! {
            h1 { "Delete " (self.kind) " " (self.name) "?" }
            (notice(Icon::Attention, "This cannot be undone", html! {
                ul { @for effect in self.effects { li { (effect) } } }
            }))
            section.card { (view.render(&form, html! { (field) })) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_confirms() {
        assert!(check(" Acme ", "Acme").is_ok());
        for typed in ["", "acme", "Acme Inc", "delete"] {
            assert_eq!(check(typed, "Acme").unwrap_err().to_string(), "confirm: type Acme to confirm");
        }
    }
}
