//! The components of pages: each is a function that returns markup, in the stylesheet's order.

mod moments;

use base::time::Timestamp;
use maud::{Markup, PreEscaped, Render, html};
use saml::check::{Check, Fixer};

pub use moments::{day, exact, relative, time};

/// A status icon. A meaning is never shown by colour alone: it also has a shape, and a word beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// A tick in a circle.
    Good,
    /// An exclamation mark in a triangle.
    Attention,
    /// A cross in an octagon.
    Bad,
    /// An i in a square.
    Note,
    /// A dot: a step that is neither good nor bad.
    Step,
    /// An arrow to the right.
    Forward,
}

impl Icon {
    /// The class that colours it.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Bad => "bad",
            Self::Note | Self::Step | Self::Forward => "note",
        }
    }

    const fn drawing(self) -> &'static str {
        match self {
            Self::Good => "<circle cx='8' cy='8' r='7'/><path d='M4.8 8.3l2.2 2.2 4.3-4.8' class='c'/>",
            Self::Attention => {
                "<path d='M8 1.2L15.4 14.4H.6z'/><path d='M8 6v4' class='c'/><path d='M8 12.2v.2' class='c'/>"
            }
            Self::Bad => {
                "<path d='M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z'/>\
                 <path d='M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2' class='c'/>"
            }
            Self::Note => {
                "<rect x='1' y='1' width='14' height='14' rx='3'/>\
                 <path d='M8 7.2v4.3' class='c'/><path d='M8 4.5v.2' class='c'/>"
            }
            Self::Step => "<circle cx='8' cy='8' r='4'/>",
            Self::Forward => "<path d='M3 8h9M8.5 4l4 4-4 4' class='l'/>",
        }
    }
}

/// Draws an icon. It is hidden from screen readers, which read the word beside it.
pub fn shape(shape: Icon) -> Markup {
    html! {
        svg.shape viewBox="0 0 16 16" fill="currentColor" aria-hidden="true" { (PreEscaped(shape.drawing())) }
    }
}

/// An icon with its word: "✓ passed".
pub fn mark(kind: Icon, word: &str) -> Markup {
    html! { span class={ "mark " (kind.class()) } { (shape(kind)) (word) } }
}

/// The Ostiary logo: a door with a keyhole.
pub fn brand_mark() -> Markup {
    html! {
        svg viewBox="0 0 32 32" fill="currentColor" fill-rule="evenodd" aria-hidden="true" {
            path d="M5 30V13a11 11 0 0 1 22 0v17zM16 11.5a3.5 3.5 0 0 0-1.9 6.45L13 24h6l-1.1-6.05A3.5 3.5 0 0 0 16 11.5z" {}
        }
    }
}

/// A button's importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ButtonStyle {
    /// The main action of the page.
    Primary,
    /// Any other action.
    Plain,
    /// An action that cannot be undone; its label names the effect.
    Danger,
}

impl ButtonStyle {
    /// The CSS classes of the button.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Primary => "button primary",
            Self::Plain => "button",
            Self::Danger => "button danger",
        }
    }
}

/// A button that submits its form.
pub fn button(style: ButtonStyle, label: &str) -> Markup {
    html! { button type="submit" class=(style.class()) { (label) } }
}

/// A link that looks like a button.
pub fn link_button(style: ButtonStyle, label: &str, href: &str) -> Markup {
    html! { a class=(style.class()) href=(href) { (label) } }
}

/// A value with a copy button; `name` says what it is: "reference". The whole value is in the page, so that
/// it can be selected without a script; where space is short, its beginning is cut off and its end stays.
/// The page needs [`super::assets::COPY`].
pub fn copyable(value: &str, name: &str) -> Markup {
    // The tail is cut on a character boundary; a short value has none.
    let length = value.chars().count();
    let tail_starts = value.char_indices().nth(length.saturating_sub(8)).map_or(0, |(at, _)| at);
    let (head, tail) = if length > 20 { value.split_at(tail_starts) } else { (value, "") };
    html! {
        span.copyable {
            code { span.head { (head) } @if !tail.is_empty() { span.tail { (tail) } } }
            (copy_button(value, name))
        }
    }
}

/// A button that copies `value`; hidden until its script shows it.
pub fn copy_button(value: &str, name: &str) -> Markup {
    html! { button.copy type="button" hidden data-copy=(value) aria-label={ "Copy " (name) } { "Copy" } }
}

/// A secret reduced to its prefix and four characters, for pages and examples.
pub fn mask_secret(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    // The prefix is lowercase letters and `_`. A `_` after any other character belongs to the random part.
    let words = secret.bytes().take_while(|b| b.is_ascii_lowercase() || *b == b'_').count();
    let prefix = secret[..words].rfind('_').map_or(4, |at| at + 1);
    if characters.len() <= prefix + 8 {
        return "…".to_owned();
    }
    let head: String = characters[..prefix + 2].iter().collect();
    let tail: String = characters[characters.len() - 2..].iter().collect();
    format!("{head}…{tail}")
}

/// `one`, `one and two`, `one, two and three`.
pub fn join_with_and<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [rest @ .., last] => {
            let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", rest.join(", "), last.as_ref())
        }
    }
}

/// Label and value pairs.
pub fn facts(pairs: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (label, value) in pairs { dt { (label) } dd { (value) } } } }
}

/// A highlighted message: an icon, a title, then the text.
pub fn notice(kind: Icon, title: &str, body: Markup) -> Markup {
    html! {
        div class={ "notice " (kind.class()) } {
            (shape(kind))
            p.title { (title) }
            div.body { (body) }
        }
    }
}

/// Who can fix a failed check.
pub const fn fixer(fixer: Fixer) -> &'static str {
    match fixer {
        Fixer::IdentityProvider => "the customer's IT team, in their identity provider",
        Fixer::Vendor => "you, in the settings here",
        Fixer::User => "the person, by signing in again",
    }
}

/// One check as a row, with its values. The caller decides who may see them.
pub fn check_row(check: &Check) -> Markup {
    html! {
        li {
            div.head {
                @if check.passed { (mark(Icon::Good, "passed")) } @else { (mark(Icon::Bad, "failed")) }
                code { (check.name) }
                span.clause { (check.clause) }
            }
            @if !check.passed {
                dl.facts {
                    @if let Some(expected) = &check.expected { dt { "Expected" } dd { code { (expected) } } }
                    @if let Some(found) = &check.found { dt { "Found" } dd { code { (found) } } }
                    dt { "Who can fix it" } dd { (fixer(check.fixer)) }
                    dt { "How" } dd { (check.remedy) }
                }
            }
        }
    }
}

/// The checks of one step: failed ones shown, passed ones collapsed to "12 checks passed".
pub fn checks(all: &[Check]) -> Markup {
    let (passed, failed): (Vec<_>, Vec<_>) = all.iter().partition(|check| check.passed);
    html! {
        @if !failed.is_empty() { ul.checks { @for check in failed { (check_row(check)) } } }
        @if !passed.is_empty() {
            details {
                summary { (passed.len()) @if passed.len() == 1 { " check passed" } @else { " checks passed" } }
                ul.checks { @for check in passed { (check_row(check)) } }
            }
        }
    }
}

/// One step of a timeline.
pub struct Step<'a> {
    /// Its outcome.
    pub outcome: Icon,
    /// What happened.
    pub title: &'a str,
    /// When.
    pub at: Timestamp,
    /// Its checks.
    pub checks: &'a [Check],
    /// Anything more to show.
    pub detail: Option<Markup>,
}

/// A timeline of steps, oldest first.
pub fn timeline(steps: &[Step<'_>], now: Timestamp) -> Markup {
    html! {
        ol.timeline {
            @for step in steps {
                li class=(step.outcome.class()) {
                    (shape(step.outcome))
                    div.step {
                        h3 {
                            (step.title)
                            @match step.outcome {
                                Icon::Good => span.visually-hidden { " (succeeded)" },
                                Icon::Bad => span.visually-hidden { " (failed)" },
                                _ => {},
                            }
                        }
                        (time(step.at, now))
                    }
                    (checks(step.checks))
                    @if let Some(detail) = &step.detail { (detail) }
                }
            }
        }
    }
}

/// A column of a table.
pub struct Column<'a> {
    /// Its heading, and the label of its values where the table becomes cards.
    pub name: &'a str,
    /// Whether it holds numbers, which are right-aligned.
    pub number: bool,
}

/// A table, which becomes a list of cards on a phone. `caption` names it to a screen reader.
pub fn table(caption: &str, columns: &[Column<'_>], rows: &[Vec<Markup>]) -> Markup {
    // The roles are explicit because some browsers drop them under `display: block`.
    html! {
        div.table-box {
            table.cards role="table" {
                caption.visually-hidden { (caption) }
                thead role="rowgroup" {
                    tr role="row" {
                        @for column in columns {
                            th role="columnheader" scope="col" class=[column.number.then_some("number")] {
                                @if column.name.is_empty() { span.visually-hidden { "Actions" } } @else { (column.name) }
                            }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for row in rows {
                        tr role="row" {
                            @for (column, value) in columns.iter().zip(row) {
                                td role="cell" data-label=(column.name) class=[column.number.then_some("number")] {
                                    div { (value) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A form field: label above, hint and error below.
pub struct InputField<'a> {
    /// The control's name and id.
    pub name: &'a str,
    /// What it is.
    pub label: &'a str,
    /// `text`, `email`, `url` …
    pub kind: &'a str,
    /// The value that was entered.
    pub value: &'a str,
    /// What to enter.
    pub hint: Option<&'a str>,
    /// The error message.
    pub error: Option<&'a str>,
    /// Whether a value is required.
    pub required: bool,
    /// What the browser may fill in by itself (HTML §4.10.18.7).
    pub autocomplete: Option<&'a str>,
}

impl<'a> InputField<'a> {
    /// A required field without a value yet.
    pub fn new(name: &'a str, label: &'a str, kind: &'a str) -> Self {
        Self { name, label, kind, value: "", hint: None, error: None, required: true, autocomplete: None }
    }
}

impl Render for InputField<'_> {
    fn render(&self) -> Markup {
        let hint = self.hint.map(|_| format!("{}-hint", self.name));
        let error = self.error.map(|_| format!("{}-error", self.name));
        let described: Vec<&str> = [error.as_deref(), hint.as_deref()].into_iter().flatten().collect();
        html! {
            div class=(if self.error.is_some() { "field bad" } else { "field" }) {
                label for=(self.name) { (self.label) @if !self.required { span.soft { " (optional)" } } }
                input #(self.name) name=(self.name) type=(self.kind) value=(self.value) required[self.required]
                    autocomplete=[self.autocomplete]
                    aria-invalid=[self.error.map(|_| "true")]
                    aria-describedby=[(!described.is_empty()).then(|| described.join(" "))];
                @if let (Some(hint), Some(id)) = (self.hint, hint) { p.hint #(id) { (hint) } }
                @if let (Some(error), Some(id)) = (self.error, error) {
                    p.error #(id) { (shape(Icon::Bad)) (error) }
                }
            }
        }
    }
}

/// The summary of a form's errors for its top, each a link to its field.
pub fn error_summary(fields: &[&InputField<'_>]) -> Markup {
    let wrong: Vec<_> = fields.iter().filter_map(|field| Some((field, field.error?))).collect();
    html! {
        @if !wrong.is_empty() {
            div role="alert" {
                (notice(Icon::Bad, "Please check what you entered", html! {
                    ul { @for (field, error) in wrong { li { a href={ "#" (field.name) } { (field.label) ": " (error) } } } }
                }))
            }
        }
    }
}

/// Code with its name and a copy button; it scrolls on its own, also with the keyboard.
pub fn code_block(name: &str, code: &str) -> Markup {
    html! {
        figure.code {
            figcaption { (name) (copy_button(code, name)) }
            pre tabindex="0" role="region" aria-label=(name) { code { (code) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copyable_value_is_whole_in_the_page_and_on_copy() {
        let id = "saml_flow_12vqjrnxk9xeov6o4f05pan0g";
        let markup = copyable(id, "reference").into_string();
        assert!(markup.contains(&format!("data-copy=\"{id}\"")));
        let text: String = markup
            .split(['<', '>'])
            .skip_while(|piece| *piece != "code")
            .enumerate()
            .filter_map(|(at, piece)| (at % 2 == 1).then_some(piece))
            .take_while(|piece| *piece != "Copy")
            .collect();
        assert_eq!(text, id);
        for value in ["", "short", "überlange Zeichenkette mit ümläüten"] {
            assert!(copyable(value, "value").into_string().contains("data-copy="));
        }
    }

    #[test]
    fn a_shortened_secret_gives_away_four_characters() {
        assert_eq!(mask_secret("ssoready_sk_12vqjrnxk9xeov6o4f05pan0g"), "ssoready_sk_12…0g");
        assert_eq!(mask_secret("abcdefghijklmnop"), "abcdef…op");
        assert_eq!(mask_secret("eyJhbGciOiJ_UzI1NiJ9.e30.c2ln_bmF0dXJl"), "eyJhbG…Jl");
        assert_eq!(mask_secret("äöüäöüäöüäöüäöü"), "äöüäöü…öü");
        assert_eq!(mask_secret("short"), "…");
        assert_eq!(mask_secret("prefix_12"), "…");
    }

    #[test]
    fn lists_read_like_a_sentence() {
        assert_eq!(join_with_and::<&str>(&[]), "");
        assert_eq!(join_with_and(&["a.com"]), "a.com");
        assert_eq!(join_with_and(&["a.com", "b.com", "c.com"]), "a.com, b.com and c.com");
    }

    #[test]
    fn a_field_ties_its_hint_and_error_to_the_control() {
        let field = InputField {
            hint: Some("The address your company gave you."),
            error: Some("Write an address like dana@acme.com."),
            value: "dana\"@",
            ..InputField::new("email", "Work e-mail", "email")
        };
        let markup = field.render().into_string();
        assert!(markup.contains("aria-describedby=\"email-error email-hint\""));
        assert!(markup.contains("aria-invalid=\"true\""));
        assert!(markup.contains("value=\"dana&quot;@\""));
        assert!(error_summary(&[&field]).into_string().contains("href=\"#email\""));
        assert!(error_summary(&[&InputField::new("a", "A", "text")]).into_string().is_empty());
    }
}
