//! The pages of the test identity provider.

use maud::{Markup, html};
use test_idp_protocol::{
    flaw::{ExpectedOutcome, Flaw},
    parties::{ServiceProvider, TestUser},
};

use super::forms::{LoginRequest, ResponseForm};
use crate::{
    links::path,
    web::kit::{
        assets,
        components::{
            ButtonStyle, Icon, InputField, button, code_block, copyable, facts, join_with_and, link_button,
            notice, shape,
        },
        layout::{Layout, Width},
        message::Message,
    },
};

/// The banner of every page.
pub const BANNER: &str =
    "This is a test identity provider: it lets anybody in as anybody. Never connect it to real accounts.";

fn layout(title: &str) -> Layout<'_> {
    Layout::narrow(title).banner(Some(BANNER))
}

/// The start page: how to connect to it, and IdP-initiated logins.
pub struct StartPage<'a> {
    /// Its entity id, which is its metadata's address.
    pub entity_id: &'a str,
    /// Its single sign-on address.
    pub sso_url: &'a str,
    /// Its certificate, PEM.
    pub certificate_pem: &'a str,
    /// The service providers to sign in to.
    pub service_providers: &'a [ServiceProvider],
    /// Whether there are directories to provision.
    pub provisioning: bool,
}

impl StartPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let layout = Layout { width: Width::Wide, ..layout("Test identity provider") };
        layout.scripts(&[&assets::COPY]).render(html! {
            h1 { "Test identity provider" }
            p.lead { "It stands in for a customer’s Okta or Entra ID, and it can also send the broken responses that Ostiary must refuse." }
            section.card {
                h2 { "Begin a login here" }
                @if self.service_providers.is_empty() {
                    p { "Nothing is connected to this identity provider yet. Create a SAML connection with the values below; it then appears here as a tile." }
                } @else {
                    p { "As with a tile in a company’s portal (IdP-initiated). Such a response answers no request, so by default Ostiary discards it and begins a login of its own." }
                    ul.choices {
                        @for sp in self.service_providers {
                            li {
                                a href=(start_href(sp)) {
                                    span.text { (sp.name) @if !sp.domains.is_empty() { small { (join_with_and(&sp.domains)) } } }
                                    (shape(Icon::Forward))
                                }
                            }
                        }
                    }
                }
            }
            @if self.provisioning {
                section.card {
                    h2 { "Push people and groups" }
                    p { "As Okta or Entra ID tell an app who may use it, and when somebody leaves." }
                    div.actions { (link_button(ButtonStyle::Plain, "To provisioning", path::TEST_IDP_SCIM)) }
                }
            }
            section.card {
                h2 { "Connect to it" }
                (facts(&[
                    ("Metadata URL and Entity ID", copyable(self.entity_id, "entity ID")),
                    ("Single sign-on URL (HTTP-POST and HTTP-Redirect)", copyable(self.sso_url, "single sign-on URL")),
                ]))
                details {
                    summary { "Signing certificate" }
                    (code_block("Signing certificate", self.certificate_pem.trim_end()))
                }
            }
        })
    }
}

fn start_href(sp: &ServiceProvider) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("acs_url", &sp.acs_url);
    format!("{}?{}", path::TEST_IDP_START, query.finish())
}

/// The sign-in page: the choice of the user and of the response.
pub struct LoginPage<'a> {
    /// The login that is to be answered.
    pub login: &'a LoginRequest,
    /// The service provider that gets the response.
    pub to: &'a ServiceProvider,
    /// The users of the list.
    pub users: &'a [TestUser],
    /// Whether the request has ForceAuthn.
    pub force_authn: bool,
    /// The form as it was submitted; without one it is collapsed.
    pub response_form: Option<&'a ResponseForm>,
    /// The error of the form.
    pub error: Option<&'a str>,
}

impl LoginPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let title = format!("Sign in to {}", self.to.name);
        let (own, foreign): (Vec<_>, Vec<_>) =
            self.users.iter().partition(|user| self.to.has_domain_of(&user.email));
        layout(&title).render(html! {
            h1 { (title) }
            @if self.login.request_id.is_none() {
                p { "This login answers no request: it begins here, as with a tile in a portal (IdP-initiated)." }
            }
            @if self.force_authn { p { "The request asks that the person authenticate again (ForceAuthn)." } }
            @if !self.users.is_empty() {
                section.card {
                    h2 { "Who are you?" }
                    (self.people(&own))
                    @if !foreign.is_empty() {
                        p.soft { "From other companies. " (self.to.name) " must not let them in:" }
                        (self.people(&foreign))
                    }
                }
            }
            section.card { details.stack open[self.response_form.is_some() || self.users.is_empty()] {
                summary { "Change what is said, or break it" }
                @if let Some(error) = self.error {
                    div role="alert" { (notice(Icon::Bad, "This cannot be sent", html! { p { (error) } })) }
                }
                @if !self.users.is_empty() {
                    form.stack method="post" action=(path::TEST_IDP_RESPOND) {
                        (self.hidden())
                        p { strong { "Fill in the form with" } }
                        div.actions {
                            @for user in self.users {
                                button.button type="submit" name="edit" value=(user.email) { (user.first_name) " " (user.last_name) }
                            }
                        }
                    }
                }
                (self.form())
            } }
        })
    }

    fn hidden(&self) -> Markup {
        html! { @for (name, value) in self.login.fields() { input type="hidden" name=(name) value=(value); } }
    }

    fn people(&self, users: &[&TestUser]) -> Markup {
        html! {
            form method="post" action=(path::TEST_IDP_RESPOND) {
                (self.hidden())
                ul.choices {
                    @for user in users {
                        li {
                            button type="submit" name="person" value=(user.email) {
                                span.text { (user.first_name) " " (user.last_name) small { (user.email) } }
                                (shape(Icon::Forward))
                            }
                        }
                    }
                }
            }
        }
    }

    fn form(&self) -> Markup {
        let first = self.users.iter().find(|user| self.to.has_domain_of(&user.email)).or(self.users.first());
        let blank = first.map(ResponseForm::for_user).unwrap_or_default();
        let response_form = self.response_form.unwrap_or(&blank);
        let field = |name, label, value, hint: &'static str| InputField {
            value,
            hint: (!hint.is_empty()).then_some(hint),
            required: false,
            ..InputField::new(name, label, "text")
        };
        html! {
            form.form method="post" action=(path::TEST_IDP_RESPOND) {
                (self.hidden())
                (InputField { required: true, ..field("name_id", "NameID", &response_form.name_id, "Usually the e-mail address. Try something opaque, with the address in the attribute below.") })
                (field("email", "Attribute email", &response_form.email, "Empty fields are not sent."))
                (field("first_name", "Attribute firstName", &response_form.first_name, ""))
                (field("last_name", "Attribute lastName", &response_form.last_name, ""))
                (lines("groups", "Attribute groups", &response_form.groups, "One value a line."))
                (lines("attributes", "Other attributes", &response_form.attributes, "One a line: name = value. A name that stands twice has two values."))
                div.field {
                    label for="signing" { "What is signed" }
                    select #signing name="signing" {
                        @for (value, label) in [("assertion", "The assertion"), ("response", "The response"), ("both", "Both")] {
                            option value=(value) selected[response_form.signing == value] { (label) }
                        }
                    }
                }
                fieldset {
                    legend { "Break it" }
                    ul.options {
                        (option("", "Nothing is wrong", "A response as it should be.", html! { "Ostiary lets the person in." }, response_form.flaw.is_empty(), false))
                        @for flaw in Flaw::ALL {
                            (self.flaw_option(flaw, response_form))
                        }
                    }
                }
                div.option {
                    input #show type="checkbox" name="show" value="1" checked[response_form.show];
                    label for="show" { "Show me the response before it is sent" }
                }
                div.actions { (button(ButtonStyle::Primary, "Send the response")) }
            }
        }
    }

    fn flaw_option(&self, flaw: Flaw, response_form: &ResponseForm) -> Markup {
        let impossible = flaw == Flaw::Encrypted && self.to.encryption_certificate.is_none();
        let expected = html! {
            @if impossible {
                "Not possible now: the connection has no encryption certificate. Switch on its " code { "assertionEncryption" } " first."
            } @else {
                @match flaw.expected_outcome() {
                    ExpectedOutcome::Accepted => "Ostiary decrypts it, verifies the signature inside and lets the person in.",
                    ExpectedOutcome::Refused(code) => {
                        "Ostiary refuses it: " code { (code) }
                        @if flaw == Flaw::Sha1 { ", unless the connection has " code { "allowSha1" } }
                        "."
                    },
                    ExpectedOutcome::SecondRefused => {
                        "Ostiary takes the first and refuses the second, for good and on every replica: "
                        code { "assertion_replayed" } "."
                    },
                }
            }
        };
        option(
            flaw.name(),
            flaw.label(),
            flaw.description(),
            expected,
            response_form.flaw == flaw.name(),
            impossible,
        )
    }
}

fn option(value: &str, label: &str, sends: &str, expected: Markup, checked: bool, disabled: bool) -> Markup {
    let id = format!("flaw-{}", if value.is_empty() { "none" } else { value });
    let described = format!("{id}-text");
    html! {
        li.option {
            input #(id) type="radio" name="flaw" value=(value) checked[checked] disabled[disabled] aria-describedby=(described);
            label for=(id) { (label) }
            p.hint #(described) { (sends) " " (expected) }
        }
    }
}

fn lines(name: &str, label: &str, value: &str, hint: &str) -> Markup {
    let hint_id = format!("{name}-hint");
    html! {
        div.field {
            label for=(name) { (label) span.soft { " (optional)" } }
            // A parser drops a line break that follows the tag at once (HTML §13.1.2.5).
            textarea #(name) name=(name) rows="3" spellcheck="false" aria-describedby=(hint_id) { "\n" (value) }
            p.hint #(hint_id) { (hint) }
        }
    }
}

/// The response, to be reviewed and sent by hand: once, or twice for a replay.
pub struct ReviewPage<'a> {
    /// The Assertion Consumer Service URL that it goes to.
    pub acs_url: &'a str,
    /// The form's fields.
    pub fields: &'a [(&'a str, &'a str)],
    /// The document.
    pub xml: &'a str,
    /// Whether it is to be sent twice.
    pub replay: bool,
}

impl ReviewPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let title =
            if self.replay { "Send it, then send it again" } else { "The response, before it is sent" };
        let layout = Layout { width: Width::Wide, ..layout(title) };
        layout.scripts(&[&assets::COPY]).render(html! {
            h1 { (title) }
            @if self.replay {
                p { "Both buttons post the very same response. The first signs the person in, in a new tab. Come back here and press the second: Ostiary must refuse it." }
                div.actions {
                    (self.send(true, "1. Send it"))
                    (self.send(false, "2. Send it again"))
                }
            } @else {
                p { "It goes to " code { (self.acs_url) } " when you press the button." }
                (self.send(false, "Send it"))
            }
            (code_block("Response", &pretty(self.xml)))
            p.soft.small { "Indented for reading. What is sent has no line breaks between elements: they would break its signature." }
        })
    }

    fn send(&self, new_tab: bool, label: &str) -> Markup {
        html! {
            form method="post" action=(self.acs_url) target=[new_tab.then_some("_blank")] {
                @for (name, value) in self.fields { input type="hidden" name=(name) value=(value); }
                (button(if new_tab || !self.replay { ButtonStyle::Primary } else { ButtonStyle::Plain }, label))
            }
        }
    }
}

fn pretty(xml: &str) -> String {
    uppsala::parse(xml).map_or_else(
        |_| xml.to_owned(),
        |document| document.to_xml_with_options(&uppsala::XmlWriteOptions::pretty("  ")),
    )
}

/// A request that cannot be answered.
pub fn request_refused(happened: &str) -> Markup {
    Message {
        reason: Some("test_idp_request_refused"),
        banner: Some(BANNER),
        next_link: Some(("To the test identity provider", path::TEST_IDP)),
        ..Message::new(
            "The test identity provider cannot answer this",
            happened,
            "Begin the login in the app once more. If it comes here again, compare the connection’s settings with this identity provider’s.",
        )
    }
    .view()
}

/// Encryption was requested, but the connection has no encryption certificate.
pub fn no_encryption_certificate(login: &LoginRequest) -> Markup {
    layout("There is no key to encrypt for").render(html! {
        section.card {
            h1 { "There is no key to encrypt for" }
            p { "The connection behind " code { (login.acs_url) } " publishes no encryption certificate, so nothing can be encrypted for it." }
            p { "Set " code { "assertionEncryption" } " to true on the connection; its metadata then carries the certificate." }
            div.actions { (link_button(ButtonStyle::Primary, "To the test identity provider", path::TEST_IDP)) }
        }
    })
}
