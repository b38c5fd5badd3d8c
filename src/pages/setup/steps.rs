//! A setup step as a page: numbered instructions, with the values to copy.

use maud::{Markup, html};

use super::{
    layout::LIVE_EVERY,
    providers::{Part, Step, Value, Way},
};
use crate::{
    links,
    model::{id::SamlConnectionId, saml_connection::SamlConnection},
    pages::{
        components::{Shape, Weight, copyable, link_button, shape},
        forms::{Form, FormErrors, FormView, Typed},
    },
};

/// The values to enter in the identity provider.
#[derive(Debug, Clone, Default)]
pub struct Values {
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

impl Values {
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

    fn get(&self, value: Value) -> String {
        match value {
            Value::AcsUrl => self.acs_url.clone(),
            Value::AcsUrlPattern => format!("^{}$", escape(&self.acs_url)),
            Value::EntityId => self.entity_id.clone(),
            Value::MetadataUrl => self.metadata_url.clone(),
            Value::ApplicationName => self.application.clone(),
            Value::ScimBaseUrl => self.scim_base_url.clone(),
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
pub struct Fills<'a> {
    /// The values to enter.
    pub values: &'a Values,
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
pub fn words(text: &str) -> Markup {
    html! {
        @for (at, piece) in text.split("**").enumerate() {
            @if at % 2 == 1 { b { (piece) } } @else { (piece) }
        }
    }
}

/// The parts of a step.
pub fn parts(step: &Step, fills: &Fills<'_>) -> Markup {
    html! {
        ol.todo {
            @for part in step.parts { (one(*part, fills)) }
        }
    }
}

fn one(part: Part, fills: &Fills<'_>) -> Markup {
    match part {
        Part::Do(text) => html! { li.act { p { (words(text)) } } },
        Part::Note(text) => html! { li.note { p { (words(text)) } } },
        Part::Enter(label, value) => {
            let value = fills.values.get(value);
            html! { li.act { p { "Enter " b { (label) } ":" } div.value { (copyable(&value, label)) } } }
        }
        Part::Choose(label, choice) => {
            html! { li.act { p { "Set " b { (label) } " to " b { (choice) } "." } } }
        }
        Part::Download => html! {
            @if let Some(connection) = fills.connection {
                li { p { (link_button(Weight::Plain, "Download our metadata (XML file)", &links::setup_saml_metadata(connection))) } }
            }
        },
        Part::Metadata(_) => fill(fills.metadata.as_ref()),
        Part::Test => fill(fills.test.as_ref()),
        Part::Token => fill(fills.token.as_ref()),
        Part::Live => html! {
            @if let Some(live) = &fills.live {
                li { div data-live=(LIVE_EVERY) aria-live="polite" { (live) } }
            }
        },
    }
}

fn fill(markup: Option<&Markup>) -> Markup {
    html! { @if let Some(markup) = markup { li { (markup) } } }
}

/// The ways to give metadata, each a form of its own. The first one is visible, and one that was sent is open.
pub fn metadata_forms(
    ways: &[Way],
    action: &str,
    typed: &Typed,
    errors: &FormErrors,
    csrf: &Markup,
) -> Markup {
    let sent = typed.text("way");
    html! {
        div.ways {
            @for (at, way) in ways.iter().enumerate() {
                @let open = if sent.is_empty() { at == 0 } else { sent == name(*way) };
                @let form = way_form(*way, action, typed, errors, csrf, sent == name(*way));
                @if at == 0 { (form) } @else {
                    details open[open] { summary { (summary(*way)) } (form) }
                }
            }
        }
    }
}

/// The name of a way in the form.
pub fn name(way: Way) -> &'static str {
    match way {
        Way::Url => "url",
        Way::File => "file",
        Way::Values => "values",
    }
}

fn summary(way: Way) -> &'static str {
    match way {
        Way::Url => "Or give the metadata’s address",
        Way::File => "Or upload the metadata file",
        Way::Values => "Or enter single values",
    }
}

fn way_form(way: Way, action: &str, typed: &Typed, errors: &FormErrors, csrf: &Markup, sent: bool) -> Markup {
    let none = FormErrors::none();
    let view = FormView::new(typed, if sent { errors } else { &none });
    let fields = html! {
        input type="hidden" name="way" value=(name(way));
        @match way {
            Way::Url => (view.url("idpMetadataUrl", "Metadata address").code().hint("It begins with https://")),
            Way::File => (view.file("idpMetadata", "Metadata file", ".xml,application/xml,text/xml,application/samlmetadata+xml")),
            Way::Values => {
                (view.text("idpEntityId", "Entity ID").code().hint("Also called Issuer or Identifier"))
                (view.url("idpRedirectUrl", "Sign-on URL").code().hint("Also called SSO URL, Login URL or Single sign-on service"))
                (view.textarea("idpCertificate", "Signing certificate", 6).hint("The text of the certificate, with or without its BEGIN and END lines"))
            },
        }
    };
    let submit = match way {
        Way::Url => "Fetch and continue",
        Way::File => "Upload and continue",
        Way::Values => "Save and continue",
    };
    let form = Form::new(action, submit, csrf.clone());
    let form = if way == Way::File { form.multipart() } else { form };
    view.render(&form, fields)
}

/// A certificate as PEM; bare base64 gets its BEGIN and END lines.
pub fn certificate_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n").trim().to_owned();
    if text.is_empty() || text.contains("-----BEGIN") {
        return text;
    }
    let base64: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if !base64.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)) {
        return text;
    }
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// The step navigation: links to all steps, with those that are done marked.
pub fn progress(
    steps: &[Step],
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
                            @if done(at) { (shape(Shape::Good)) span.visually-hidden { "Done: " } }
                            (at + 1) ". " (step.title)
                        }
                    }
                }
            }
        }
    }
}

/// Links to the previous and the next step.
pub fn onward(steps: &[Step], current: usize, href: impl Fn(&str) -> String, next: bool) -> Markup {
    html! {
        div.next {
            @if current > 0 {
                (link_button(Weight::Plain, "Back", &href(steps[current - 1].slug)))
            }
            @if let (true, Some(step)) = (next, steps.get(current + 1)) {
                (link_button(Weight::Primary, "Done, next step", &href(step.slug)))
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
    fn certificates_come_with_their_lines_or_without() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        assert_eq!(certificate_text(&format!(" {pem}\r\n")), pem);
        assert_eq!(certificate_text("AA\r\nAA"), format!("{pem}\n"));
        assert_eq!(certificate_text("not a certificate!"), "not a certificate!");
        assert_eq!(certificate_text(" "), "");
    }

    #[test]
    fn names_of_screens_stand_out_and_nothing_else_is_markup() {
        assert_eq!(words("Go to **A <b>** & on").into_string(), "Go to <b>A &lt;b&gt;</b> &amp; on");
    }
}
