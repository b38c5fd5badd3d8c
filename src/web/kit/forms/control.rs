//! One field of a form, with its label, hint and error.

use maud::{Markup, Render, html};

use super::values::FormValues;
use crate::web::kit::components::{Icon, shape};

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

/// Checkboxes that belong together.
#[derive(Debug, Clone)]
pub struct ChoiceGroup<'a> {
    /// What they are about.
    pub title: &'a str,
    /// The boxes.
    pub choices: Vec<Choice<'a>>,
}

/// A text area below checkboxes, for what none of them is: one a line.
#[derive(Debug, Clone, Copy)]
pub struct Others<'a> {
    /// Its label.
    pub label: &'a str,
    /// Its explanation.
    pub hint: &'a str,
}

pub(super) enum ControlKind<'a> {
    Known(&'a [ChoiceGroup<'a>], Option<Others<'a>>),
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
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) kind: ControlKind<'a>,
    pub(super) typed: &'a FormValues,
    pub(super) error: Option<&'a str>,
    /// Whether the form was sent and is shown again.
    pub(super) shown_again: bool,
    pub(super) hint: Option<&'a str>,
    pub(super) required: bool,
    pub(super) autocomplete: Option<&'a str>,
    pub(super) inputmode: Option<&'static str>,
    pub(super) code: bool,
    pub(super) fixed: bool,
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

    /// It is sent as it stands: it is changed elsewhere.
    pub fn fixed(self) -> Self {
        Self { fixed: true, ..self }
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
                    @for choice in choices { (self.option(kind, choice, self.typed.has(self.name, choice.value))) }
                }
            }
        }
    }

    /// Checkboxes by groups, each open where something in it is ticked, and a text area for the others. All of them are sent under
    /// one name.
    fn known(&self, groups: &[ChoiceGroup<'_>], others: Option<Others<'_>>) -> Markup {
        let ticked = self.typed.lines_of(self.name);
        let is_box =
            |line: &str| groups.iter().flat_map(|group| &group.choices).any(|choice| choice.value == line);
        let rest: Vec<&str> = ticked.iter().copied().filter(|line| !is_box(line)).collect();
        html! {
            fieldset class=(self.class()) #(self.name) tabindex="-1" aria-describedby=[self.described_by()] {
                legend { (self.label) }
                input type="hidden" name=(self.name) value="";
                (self.hint_and_error())
                @for group in groups {
                    @let number = group.choices.iter().filter(|choice| ticked.contains(&choice.value)).count();
                    details.choices open[number > 0] {
                        summary { (group.title) span.soft { " (" (number) " of " (group.choices.len()) ")" } }
                        div.options { @for choice in &group.choices { (self.option("checkbox", choice, ticked.contains(&choice.value))) } }
                    }
                }
                @if let Some(others) = others {
                    @let id = format!("{}-others", self.name);
                    div.field {
                        label for=(id) { (others.label) span.soft { " (optional)" } }
                        textarea #(id) name=(self.name) rows="3" spellcheck="false" aria-describedby={ (id) "-hint" } { "\n" (rest.join("\n")) }
                        p.hint id={ (id) "-hint" } { (others.hint) }
                    }
                } @else {
                    // What somebody else gave it, and this page cannot, stays.
                    @if !rest.is_empty() { p.hint { "It also has, and keeps: " @for (at, line) in rest.iter().enumerate() { @if at > 0 { ", " } code { (line) } } } }
                    @for line in rest { input type="hidden" name=(self.name) value=(line); }
                }
            }
        }
    }

    fn option(&self, kind: &str, choice: &Choice<'_>, is_ticked: bool) -> Markup {
        let id = format!("{}-{}", self.name, choice.value);
        html! {
            div.option {
                input type=(kind) #(id) name=(self.name) value=(choice.value) checked[is_ticked]
                    aria-describedby=[(!choice.hint.is_empty()).then(|| format!("{id}-hint"))];
                label for=(id) { (choice.label) }
                @if !choice.hint.is_empty() { p.hint id={ (id) "-hint" } { (choice.hint) } }
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
            ControlKind::Known(groups, others) => return self.known(groups, *others),
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
                            class=[self.code.then_some("mono")] required[self.required] readonly[self.fixed]
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
