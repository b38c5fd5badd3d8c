//! A setup step as a page: numbered instructions, with the values to copy.

use base::id::SamlConnectionId;
use maud::{Markup, html};
use model::saml_connection::SamlConnection;

use super::{
    layout::LIVE_INTERVAL_SECONDS,
    providers::provider::{SetupStep, SetupValue, StepPart},
};
use crate::{
    links,
    web::kit::components::{ButtonStyle, Icon, copyable, link_button, shape},
};

/// The values to enter in the identity provider.
#[derive(Debug, Clone, Default)]
pub struct SetupValues {
    /// The ACS URL.
    pub acs_url: String,
    /// The SP entity ID.
    pub entity_id: String,
    /// The URL of the SP metadata.
    pub metadata_url: String,
    /// The application's name.
    pub application: String,
    /// The SCIM base URL.
    pub scim_base_url: String,
}

impl SetupValues {
    /// The values of a connection.
    pub fn of(connection: &SamlConnection, metadata_url: String, application: &str) -> Self {
        Self {
            acs_url: connection.sp_acs_urls.first().cloned().unwrap_or_default(),
            entity_id: connection.sp_entity_id.clone(),
            metadata_url,
            application: application.to_owned(),
            scim_base_url: String::new(),
        }
    }

    fn get(&self, value: SetupValue) -> String {
        match value {
            SetupValue::AcsUrl => self.acs_url.clone(),
            SetupValue::AcsUrlPattern => format!("^{}$", escape(&self.acs_url)),
            SetupValue::EntityId => self.entity_id.clone(),
            SetupValue::MetadataUrl => self.metadata_url.clone(),
            SetupValue::ApplicationName => self.application.clone(),
            SetupValue::ScimBaseUrl => self.scim_base_url.clone(),
        }
    }
}

/// A text as a regular expression that matches it and nothing else.
fn escape(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if r"\.+*?()|[]{}^$/".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// The content of the parts of a step that are more than text.
pub struct PartContents<'a> {
    /// The values to enter.
    pub values: &'a SetupValues,
    /// The connection whose metadata is offered.
    pub connection: Option<SamlConnectionId>,
    /// The form that takes the identity provider's metadata.
    pub metadata: Option<Markup>,
    /// The button that begins the test login.
    pub test: Option<Markup>,
    /// The bearer token, or the button that creates it.
    pub token: Option<Markup>,
    /// The SCIM requests that were received.
    pub live: Option<Markup>,
}

/// Text whose parts between `**`, the names on the product's screens, are bold.
pub fn with_bold(text: &str) -> Markup {
    html! {
        @for (at, piece) in text.split("**").enumerate() {
            @if at % 2 == 1 { b { (piece) } } @else { (piece) }
        }
    }
}

/// The parts of a step.
pub fn parts(step: &SetupStep, contents: &PartContents<'_>) -> Markup {
    html! {
        ol.todo {
            @for part in step.parts { (part_item(*part, contents)) }
        }
    }
}

fn part_item(part: StepPart, contents: &PartContents<'_>) -> Markup {
    match part {
        StepPart::Do(text) => html! { li.act { p { (with_bold(text)) } } },
        StepPart::Note(text) => html! { li.note { p { (with_bold(text)) } } },
        StepPart::Enter(label, value) => {
            let value = contents.values.get(value);
            html! { li.act { p { "Enter " b { (label) } ":" } div.value { (copyable(&value, label)) } } }
        }
        StepPart::Choose(label, choice) => {
            html! { li.act { p { "Set " b { (label) } " to " b { (choice) } "." } } }
        }
        StepPart::Download => html! {
            @if let Some(connection) = contents.connection {
                li { p { (link_button(ButtonStyle::Plain, "Download our metadata (XML file)", &links::setup_saml_metadata(connection))) } }
            }
        },
        StepPart::Metadata(_) => optional_item(contents.metadata.as_ref()),
        StepPart::Test => optional_item(contents.test.as_ref()),
        StepPart::Token => optional_item(contents.token.as_ref()),
        StepPart::Live => html! {
            @if let Some(live) = &contents.live {
                li { div data-live=(LIVE_INTERVAL_SECONDS) aria-live="polite" { (live) } }
            }
        },
    }
}

fn optional_item(markup: Option<&Markup>) -> Markup {
    html! { @if let Some(markup) = markup { li { (markup) } } }
}

/// The step navigation: links to all steps, with those that are done marked.
pub fn progress(
    steps: &[SetupStep],
    current: &str,
    done: impl Fn(usize) -> bool,
    href: impl Fn(&str) -> String,
) -> Markup {
    html! {
        nav aria-label="Steps" {
            ol.steps {
                @for (at, step) in steps.iter().enumerate() {
                    li {
                        a href=(href(step.slug)) aria-current=[(step.slug == current).then_some("step")] {
                            @if done(at) { (shape(Icon::Good)) span.visually-hidden { "Done: " } }
                            (at + 1) ". " (step.title)
                        }
                    }
                }
            }
        }
    }
}

/// Links to the previous and the next step.
pub fn step_links(steps: &[SetupStep], current: usize, href: impl Fn(&str) -> String, next: bool) -> Markup {
    html! {
        div.next {
            @if current > 0 {
                (link_button(ButtonStyle::Plain, "Back", &href(steps[current - 1].slug)))
            }
            @if let (true, Some(step)) = (next, steps.get(current + 1)) {
                (link_button(ButtonStyle::Primary, "Done, next step", &href(step.slug)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_address_and_nothing_else() {
        assert_eq!(escape("https://a.example/x?y=1"), r"https:\/\/a\.example\/x\?y=1");
    }

    #[test]
    fn names_of_screens_stand_out_and_nothing_else_is_markup() {
        assert_eq!(with_bold("Go to **A <b>** & on").into_string(), "Go to <b>A &lt;b&gt;</b> &amp; on");
    }
}
