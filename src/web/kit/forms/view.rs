//! A form: its fields, the summary of its errors, and its buttons.

use std::cell::RefCell;

use maud::{Markup, html};

use super::{
    control::{Choice, ChoiceGroup, Control, ControlKind, Others},
    errors::{FormErrors, told},
    values::FormValues,
};
use crate::web::kit::components::{ButtonStyle, Icon, button, notice};

/// A field of a form, as the summary of errors names it.
struct ShownField {
    name: String,
    label: String,
    /// The labels of its values.
    choices: Vec<(String, String)>,
    is_file: bool,
}

/// What fields of a form offer to choose from, where that is not the same for every form: values and labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers(Vec<(&'static str, Vec<(String, String)>)>);

impl Offers {
    /// Adds the choices of a field; `None`: there are too many, and the field is a text.
    pub fn with(mut self, field: &'static str, choices: Option<Vec<(String, String)>>) -> Self {
        self.0.extend(choices.map(|choices| (field, choices)));
        self
    }

    fn of(&self, field: &str) -> Option<&[(String, String)]> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, choices)| choices.as_slice())
    }
}

/// Builds the fields of a form with [`text`](Self::text) and the like, in order.
pub struct FormView<'a> {
    typed: &'a FormValues,
    errors: &'a FormErrors,
    offers: Option<&'a Offers>,
    /// The fields so far, for the error summary.
    shown: RefCell<Vec<ShownField>>,
}

impl<'a> FormView<'a> {
    /// A form with these values and errors.
    pub fn new(typed: &'a FormValues, errors: &'a FormErrors) -> Self {
        Self { typed, errors, offers: None, shown: RefCell::default() }
    }

    /// With what its fields offer to choose from.
    pub fn offering(self, offers: &'a Offers) -> Self {
        Self { offers: Some(offers), ..self }
    }

    /// A select menu of what the form offers for this field; a text input where there is too much to offer.
    pub fn offered(&self, name: &'a str, label: &'a str) -> Control<'a> {
        match self.offers.and_then(|offers| offers.of(name)) {
            Some(choices) => self.control(name, label, ControlKind::Offered(choices)),
            None => self.text(name, label),
        }
    }

    /// Whether the form has choices for this field.
    pub fn offers(&self, name: &str) -> bool {
        self.offers.is_some_and(|offers| offers.of(name).is_some())
    }

    /// A text input.
    pub fn text(&self, name: &'a str, label: &'a str) -> Control<'a> {
        self.control(name, label, ControlKind::Input("text"))
    }

    /// A URL input.
    pub fn url(&self, name: &'a str, label: &'a str) -> Control<'a> {
        // Not `type=url`: the browser's own message would come before ours and say less.
        let mut control = self.control(name, label, ControlKind::Input("text"));
        control.inputmode = Some("url");
        control
    }

    /// An e-mail input.
    pub fn email(&self, name: &'a str, label: &'a str) -> Control<'a> {
        self.control(name, label, ControlKind::Input("email"))
    }

    /// A date input.
    pub fn date(&self, name: &'a str, label: &'a str) -> Control<'a> {
        self.control(name, label, ControlKind::Input("date"))
    }

    /// A password input; its value is never rendered.
    pub fn password(&self, name: &'a str, label: &'a str) -> Control<'a> {
        self.control(name, label, ControlKind::Input("password"))
    }

    /// A text area.
    pub fn textarea(&self, name: &'a str, label: &'a str, rows: u8) -> Control<'a> {
        self.control(name, label, ControlKind::TextArea(rows))
    }

    /// A select menu: values and labels.
    pub fn select(&self, name: &'a str, label: &'a str, choices: &'a [(&'a str, &'a str)]) -> Control<'a> {
        self.control(name, label, ControlKind::Select(choices))
    }

    /// Radio buttons, with a hint each.
    pub fn radios(&self, name: &'a str, label: &'a str, choices: &'a [Choice<'a>]) -> Control<'a> {
        self.control(name, label, ControlKind::Radios(choices))
    }

    /// A group of checkboxes.
    pub fn checkboxes(&self, name: &'a str, label: &'a str, choices: &'a [Choice<'a>]) -> Control<'a> {
        self.control(name, label, ControlKind::Checkboxes(choices)).optional()
    }

    /// Checkboxes by groups, and a text area for what is in none of them.
    pub fn known(
        &self,
        name: &'a str,
        label: &'a str,
        groups: &'a [ChoiceGroup<'a>],
        others: Option<Others<'a>>,
    ) -> Control<'a> {
        self.control(name, label, ControlKind::Known(groups, others)).optional()
    }

    /// A single checkbox; its value is `true`.
    pub fn checkbox(&self, name: &'a str, label: &'a str) -> Control<'a> {
        self.control(name, label, ControlKind::Checkbox).optional()
    }

    /// A file input; `accept` as in HTML. The form must be [`Form::multipart`].
    pub fn file(&self, name: &'a str, label: &'a str, accept: &'a str) -> Control<'a> {
        self.control(name, label, ControlKind::File(accept))
    }

    /// A value that the form shows but does not send, so that the summary can point to it.
    pub fn fact(&self, name: &str, label: &str, value: &str) -> Markup {
        self.show(name, label, Vec::new(), false);
        html! {
            p #(name) .soft tabindex="-1" { (label) ": " @if value.is_empty() { "none" } @else { (value) } }
        }
    }

    /// Whether a field has an error, or a box that was ticked: for fields that are offered only after an error.
    pub fn concerns(&self, name: &str) -> bool {
        self.errors.of(name).is_some() || self.typed.flag(name)
    }

    fn show(&self, name: &str, label: &str, choices: Vec<(String, String)>, is_file: bool) {
        let field = ShownField { name: name.to_owned(), label: label.to_owned(), choices, is_file };
        self.shown.borrow_mut().push(field);
    }

    fn control(&self, name: &'a str, label: &'a str, kind: ControlKind<'a>) -> Control<'a> {
        let own = |value: &str, label: &str| (value.to_owned(), label.to_owned());
        let choices = match &kind {
            ControlKind::Checkbox => vec![own("true", "ticked"), own("", "not ticked")],
            ControlKind::Select(choices) => choices.iter().map(|(value, label)| own(value, label)).collect(),
            ControlKind::Offered(choices) => choices.to_vec(),
            ControlKind::Radios(choices) | ControlKind::Checkboxes(choices) => {
                choices.iter().map(|choice| own(choice.value, choice.label)).collect()
            }
            ControlKind::Known(groups, _) => {
                let all = groups.iter().flat_map(|group| &group.choices);
                all.map(|choice| own(choice.value, choice.label)).collect()
            }
            _ => Vec::new(),
        };
        self.show(name, label, choices, matches!(kind, ControlKind::File(_)));
        Control {
            name,
            label,
            kind,
            typed: self.typed,
            error: self.errors.of(name),
            shown_again: !self.errors.is_empty(),
            hint: None,
            required: true,
            autocomplete: None,
            inputmode: None,
            code: false,
            fixed: false,
        }
    }

    /// The error summary, each error a link to its field. Called after the fields are built.
    fn summary(&self) -> Markup {
        let shown = self.shown.borrow();
        let field = |name: &str| shown.iter().find(|field| field.name == name);
        let label = |name: &str| field(name).map(|field| field.label.as_str());
        html! {
            @if let Some(changed) = &self.errors.changed {
                div role="alert" tabindex="-1" autofocus {
                    (notice(Icon::Attention, "This was changed while you were editing", html! {
                        p { "Nothing of yours is saved yet. What was changed meanwhile:" }
                        ul {
                            @for change in changed {
                                @let (label, choices) = field(&change.field)
                                    .map_or((change.field.as_str(), &[][..]), |field| (field.label.as_str(), &field.choices[..]));
                                li { a href={ "#" (change.field) } { (label) } ": " (change.sentence(choices)) }
                            }
                            @if changed.is_empty() { li { "something that is not on this form, and stays" } }
                        }
                        p {
                            "Fields that you did not touch show what they hold now, the others what you entered."
                            @if shown.iter().any(|field| field.is_file) { " A file that you had chosen must be chosen again." }
                            " Check it, then save again."
                        }
                    }))
                }
            }
            @if !self.errors.invalid.is_empty() {
                div role="alert" {
                    (notice(Icon::Bad, "Please check what you entered", html! {
                        ul {
                            @for (field, reason) in &self.errors.invalid {
                                li {
                                    @match label(field) {
                                        Some(label) => a href={ "#" (field) } { (label) ": " (reason) },
                                        None if field.is_empty() => (reason),
                                        None => (told(field, reason)),
                                    }
                                }
                            }
                        }
                    }))
                }
            }
        }
    }

    /// The whole form around its fields.
    pub fn render(&self, form: &Form<'_>, fields: Markup) -> Markup {
        html! {
            form.form method="post" action=(form.action) enctype=[form.multipart.then_some("multipart/form-data")] novalidate {
                (form.csrf)
                @if let Some(seen) = &form.seen { (seen) }
                (self.summary())
                (fields)
                div.actions {
                    (button(form.style, form.submit))
                    @if let Some(cancel) = form.cancel { a.quiet href=(cancel) { "Cancel" } }
                }
            }
        }
    }
}

/// A form's target and button.
pub struct Form<'a> {
    /// The URL it is posted to.
    pub action: &'a str,
    /// The button's label.
    pub submit: &'a str,
    /// The button's importance.
    pub style: ButtonStyle,
    /// The URL of the cancel link.
    pub cancel: Option<&'a str>,
    /// The hidden field with the CSRF token.
    pub csrf: Markup,
    /// Whether it has file inputs.
    pub multipart: bool,
    /// The version and the values that it was filled from, for a resource that exists.
    pub seen: Option<Markup>,
}

impl<'a> Form<'a> {
    /// A form with one primary button.
    pub fn new(action: &'a str, submit: &'a str, csrf: Markup) -> Self {
        Self { action, submit, style: ButtonStyle::Primary, cancel: None, csrf, multipart: false, seen: None }
    }

    /// With a cancel link.
    pub fn cancel(self, href: &'a str) -> Self {
        Self { cancel: Some(href), ..self }
    }

    /// For an action that is not the main one of the page.
    pub fn plain(self) -> Self {
        Self { style: ButtonStyle::Plain, ..self }
    }

    /// For an action that cannot be undone.
    pub fn danger(self) -> Self {
        Self { style: ButtonStyle::Danger, ..self }
    }

    /// Of a resource that exists: the fields of [`Seen`](crate::web::kit::seen::Seen).
    pub fn seen(self, seen: Markup) -> Self {
        Self { seen: Some(seen), ..self }
    }

    /// With file inputs.
    pub fn multipart(self) -> Self {
        Self { multipart: true, ..self }
    }
}

/// A form that consists of a button only.
pub fn button_form(action: &str, label: &str, style: ButtonStyle, csrf: Markup) -> Markup {
    html! { form.inline method="post" action=(action) { (csrf) (button(style, label)) } }
}
