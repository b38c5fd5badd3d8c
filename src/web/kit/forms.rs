//! Forms: fields with their hint and error, entered values kept, and a summary of the errors at the top.
//!
//! A form is a function of its values ([`FormValues`]) and its errors ([`FormErrors`]): empty, with the current
//! values of a resource, or shown again with errors. Controls have the field names that `app` uses in its
//! errors, so that each error is shown at its field.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    fmt::Display,
};

use actix_web::http::StatusCode;
use maud::{Markup, Render, html};

use super::{
    components::{ButtonStyle, Icon, button, notice, shape},
    error::PageError,
    organization_words,
    posted::PostedForm,
};
use crate::app::Error;

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
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The values of each field as they are compared: without empty ones, surrounding spaces and CRLF.
    pub(super) fn by_name(&self) -> HashMap<&str, Vec<String>> {
        let mut fields: HashMap<&str, Vec<String>> = HashMap::new();
        for (name, value) in &self.0 {
            let values = fields.entry(name).or_default();
            let plain = value.replace("\r\n", "\n").trim().to_owned();
            values.extend((!plain.is_empty()).then_some(plain));
        }
        fields
    }

    /// A JSON list of names and values.
    pub(super) fn to_json(&self) -> String {
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
    fn sentence(&self, choices: &[(String, String)]) -> String {
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
    invalid: Vec<(String, String)>,
    /// The fields that somebody else changed meanwhile; `None`: nobody did.
    changed: Option<Vec<FieldChange>>,
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
                                        None => { (field) ": " (reason) },
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

    /// Of a resource that exists: the fields of [`Seen`](super::seen::Seen).
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

/// The non-empty lines of a field that takes one value a line.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// One of several radio buttons or checkboxes.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The value that is sent.
    pub value: &'a str,
    /// Its label.
    pub label: &'a str,
    /// Its explanation; may be empty.
    pub hint: &'a str,
}

impl<'a> Choice<'a> {
    /// A choice with its explanation.
    pub const fn new(value: &'a str, label: &'a str, hint: &'a str) -> Self {
        Self { value, label, hint }
    }
}

enum ControlKind<'a> {
    Input(&'static str),
    TextArea(u8),
    Select(&'a [(&'a str, &'a str)]),
    Offered(&'a [(String, String)]),
    Radios(&'a [Choice<'a>]),
    Checkboxes(&'a [Choice<'a>]),
    Checkbox,
    File(&'a str),
}

/// One field of a form.
pub struct Control<'a> {
    name: &'a str,
    label: &'a str,
    kind: ControlKind<'a>,
    typed: &'a FormValues,
    error: Option<&'a str>,
    /// Whether the form was sent and is shown again.
    shown_again: bool,
    hint: Option<&'a str>,
    required: bool,
    autocomplete: Option<&'a str>,
    inputmode: Option<&'static str>,
    code: bool,
}

impl<'a> Control<'a> {
    /// What to enter.
    pub fn hint(self, hint: &'a str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// It may be empty.
    pub fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    /// What the browser may fill in by itself (HTML §4.10.18.7).
    pub fn autocomplete(self, autocomplete: &'a str) -> Self {
        Self { autocomplete: Some(autocomplete), ..self }
    }

    /// It holds ids, URLs or the like: monospace and without a spell check.
    pub fn code(self) -> Self {
        Self { code: true, ..self }
    }

    /// The ids for `aria-describedby`: error and hint.
    fn described_by(&self) -> Option<String> {
        let error = self.error.map(|_| format!("{}-error", self.name));
        let hint = self.hint.map(|_| format!("{}-hint", self.name));
        let ids: Vec<String> = error.into_iter().chain(hint).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn optional_label(&self) -> Markup {
        html! { @if !self.required { span.soft { " (optional)" } } }
    }

    fn hint_and_error(&self) -> Markup {
        html! {
            @if let Some(hint) = self.hint { p.hint id={ (self.name) "-hint" } { (hint) } }
            @if let Some(error) = self.error {
                p.error id={ (self.name) "-error" } { (shape(Icon::Bad)) span { (error) } }
            }
        }
    }

    /// A fieldset of checkboxes or radio buttons.
    fn group(&self, kind: &str, choices: &[Choice<'_>]) -> Markup {
        html! {
            fieldset class=(self.class()) #(self.name) tabindex="-1" aria-describedby=[self.described_by()] {
                legend { (self.label) }
                @if kind == "checkbox" { input type="hidden" name=(self.name) value=""; }
                (self.hint_and_error())
                div.options {
                    @for choice in choices {
                        @let id = format!("{}-{}", self.name, choice.value);
                        div.option {
                            input type=(kind) #(id) name=(self.name) value=(choice.value)
                                checked[self.typed.has(self.name, choice.value)]
                                aria-describedby=[(!choice.hint.is_empty()).then(|| format!("{id}-hint"))];
                            label for=(id) { (choice.label) }
                            @if !choice.hint.is_empty() { p.hint id={ (id) "-hint" } { (choice.hint) } }
                        }
                    }
                }
            }
        }
    }

    fn class(&self) -> &'static str {
        if self.error.is_some() { "field bad" } else { "field" }
    }
}

impl Render for Control<'_> {
    fn render(&self) -> Markup {
        let (name, value) = (self.name, self.typed.text(self.name));
        let (described_by, invalid) = (self.described_by(), self.error.map(|_| "true"));
        match &self.kind {
            ControlKind::Radios(choices) => return self.group("radio", choices),
            ControlKind::Checkboxes(choices) => return self.group("checkbox", choices),
            ControlKind::Checkbox => {
                return html! {
                    div class={ (self.class()) " option" } {
                        // Sent alone when the box is not ticked: then the setting is off, and not absent.
                        input type="hidden" name=(name) value="";
                        input type="checkbox" #(name) name=(name) value="true" checked[self.typed.flag(name)]
                            aria-invalid=[invalid] aria-describedby=[described_by];
                        label for=(name) { (self.label) }
                        (self.hint_and_error())
                    }
                };
            }
            _ => {}
        }
        html! {
            div class=(self.class()) {
                label for=(name) { (self.label) (self.optional_label()) }
                @match &self.kind {
                    ControlKind::TextArea(rows) => {
                        // The HTML parser drops a first line break (HTML §13.2.6.4.7).
                        textarea #(name) name=(name) rows=(rows) required[self.required] spellcheck="false"
                            aria-invalid=[invalid] aria-describedby=[described_by] { "\n" (value) }
                    },
                    ControlKind::Select(choices) => {
                        select #(name) name=(name) aria-invalid=[invalid] aria-describedby=[described_by] {
                            @for (choice, label) in *choices {
                                option value=(choice) selected[*choice == value] { (label) }
                            }
                        }
                    },
                    ControlKind::Offered(choices) => {
                        select #(name) name=(name) aria-invalid=[invalid] aria-describedby=[described_by] {
                            @for (choice, label) in *choices {
                                option value=(choice) selected[choice == value] { (label) }
                            }
                        }
                    },
                    ControlKind::File(accept) => {
                        @if self.shown_again { p.hint { "If you had chosen a file, choose it again: a browser does not keep it." } }
                        input #(name) name=(name) type="file" accept=(accept) required[self.required]
                            aria-invalid=[invalid] aria-describedby=[described_by];
                    },
                    ControlKind::Input(kind) => {
                        input #(name) name=(name) type=(kind) value=[(*kind != "password").then_some(value)]
                            class=[self.code.then_some("mono")] required[self.required]
                            autocomplete=(self.autocomplete.unwrap_or("off")) inputmode=[self.inputmode]
                            spellcheck=[self.code.then_some("false")]
                            aria-invalid=[invalid] aria-describedby=[described_by];
                    },
                    _ => {},
                }
                (self.hint_and_error())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(typed: &FormValues, errors: &FormErrors) -> String {
        let view = FormView::new(typed, errors);
        let fields = html! {
            (view.text("displayName", "Name").hint("What your customers call it"))
            (view.textarea("domains", "Domains", 4).optional())
            (view.select("alg", "Algorithm", &[("RS256", "RSA"), ("ES256", "ECDSA")]))
            (view.checkbox("primary", "Primary"))
            (view.checkboxes("kinds", "Kinds", &[Choice::new("a", "A", ""), Choice::new("b", "B", "The second")]))
            (view.password("password", "Password"))
        };
        view.render(&Form::new("/there", "Save", html! {}), fields).into_string()
    }

    #[test]
    fn what_was_typed_stays_and_is_escaped() {
        let typed = FormValues::new()
            .with("displayName", "<b>\"Acme\"</b>")
            .with("domains", "a.example\n</textarea><script>")
            .with("alg", "ES256")
            .with_flag("primary", true)
            .with("kinds", "b")
            .with("password", "hunter2");
        let html = form(&typed, &FormErrors::none());
        assert!(html.contains("value=\"&lt;b&gt;&quot;Acme&quot;&lt;/b&gt;\""), "{html}");
        assert!(html.contains("\na.example\n&lt;/textarea&gt;&lt;script&gt;</textarea>"), "{html}");
        assert!(html.contains("<option value=\"ES256\" selected>"), "{html}");
        assert!(html.contains("name=\"primary\" value=\"true\" checked"), "{html}");
        assert!(html.contains("name=\"kinds\" value=\"b\" checked"), "{html}");
        assert!(!html.contains("name=\"kinds\" value=\"a\" checked"), "{html}");
        assert!(!html.contains("hunter2") && !html.contains("role=\"alert\""), "{html}");
    }

    #[test]
    fn an_error_stands_beside_its_field_and_at_the_top() {
        let errors = FormErrors::from_error(Error::invalid("displayName", "must be <short>")).unwrap();
        let html = form(&FormValues::new(), &errors);
        assert!(html.contains("<a href=\"#displayName\">Name: Must be &lt;short&gt;.</a>"), "{html}");
        assert!(
            html.contains("aria-invalid=\"true\" aria-describedby=\"displayName-error displayName-hint\""),
            "{html}"
        );
        assert!(html.find("role=\"alert\"") < html.find("id=\"displayName\""), "{html}");

        let whole = form(
            &FormValues::new(),
            &FormErrors::from_error(Error::FailedPrecondition("first x".into())).unwrap(),
        );
        assert!(whole.contains("<li>First x.</li>"), "{whole}");
        let taken =
            FormErrors::from_error(Error::Conflict { kind: "organization", field: "externalId" }).unwrap();
        assert_eq!(taken.of("externalId"), Some("Another organization already has this."));
    }

    #[test]
    fn what_no_form_can_fix_is_a_page_of_its_own() {
        for error in [Error::not_found("x", "y"), Error::Forbidden("no".into()), Error::internal("z")] {
            assert!(FormErrors::from_error(error).is_err());
        }
    }
}
