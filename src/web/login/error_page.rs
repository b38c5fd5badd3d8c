//! The page for a refused login, for the person who could not sign in.
//!
//! One sentence about what happened, one about what to do, and the reference to quote. Expected and
//! received values are shown only once a signature of the connection verified, so that an
//! outsider who posts arbitrary data learns nothing of the customer's settings.

use maud::{Markup, html};
use saml::check::{Check, Fixer};

use super::error_texts::{self, Contact, ErrorText};
use crate::web::kit::{
    assets,
    components::{ButtonStyle, Icon, copyable, join_with_and, link_button, shape},
    layout::Layout,
};

/// The rule of a check, without our name before those that are ours: customers do not see it.
fn clause_for_customers(clause: &str) -> &str {
    clause.strip_prefix("Ostiary: ").unwrap_or(clause)
}

/// A refused login. Send it with a 4xx status and [`crate::web::kit::response::PagePolicy::SameOriginForms`].
pub struct LoginErrorPage<'a> {
    /// The error's stable code.
    pub code: &'a str,
    /// The reference to quote: the flow's id.
    pub reference: &'a str,
    /// The check that failed. The view decides which of its values may be shown.
    pub check: Option<&'a Check>,
    /// Whether a signature of the connection verified.
    pub signature_verified: bool,
    /// The app, by its environment's name.
    pub application: Option<&'a str>,
    /// The organization, shown only once a signature verified.
    pub organization: Option<&'a str>,
    /// The URL back to the app. In a flow that OAuth started it carries `error=access_denied`.
    pub back: Option<&'a str>,
    /// The test set-up banner, if this is one.
    pub banner: Option<&'a str>,
}

/// The values of the failed check that may be shown.
#[derive(Default)]
struct ShownValues<'a> {
    expected: Option<&'a str>,
    found: Option<&'a str>,
}

impl<'a> LoginErrorPage<'a> {
    /// The page.
    pub fn view(&self) -> Markup {
        let words = error_texts::text(self.code);
        let shown_values = self.shown_values(words);
        let layout = Layout { reason: Some(self.code), ..Layout::narrow("You could not be signed in") };
        layout.banner(self.banner).scripts(&[&assets::COPY]).render(html! {
            section.card {
                p { span.mark.bad { (shape(Icon::Bad)) "Not signed in" } }
                h1 {
                    "You could not be signed in"
                    @if let Some(application) = self.application { " to " (application) }
                }
                p.lead { (self.happened(words, &shown_values)) }
                p { (words.remedy) }
                @match words.contact {
                    Contact::Nobody => {},
                    Contact::ItTeam => p { "Send your IT team a picture or a copy of this page." },
                    Contact::App => p {
                        "Tell the support team of " (self.application.unwrap_or("the app")) ", with the reference below."
                    },
                }
                @if let Some(back) = self.back {
                    div.actions {
                        (link_button(ButtonStyle::Primary, &format!("Back to {}", self.application.unwrap_or("the app")), back))
                    }
                }
                dl.facts {
                    dt { "Reference" } dd { (copyable(self.reference, "reference")) }
                    dt { "Reason" } dd { code { (self.code) } }
                }
            }
            (self.it_team_section(&shown_values))
        })
    }

    /// Ruling 14: no values before a signature verified, and none of checks whose values belong to the
    /// vendor or to another browser.
    fn shown_values(&self, words: &ErrorText) -> ShownValues<'a> {
        match self.check {
            Some(check) if self.signature_verified && words.show_values && check.name == self.code => {
                ShownValues { expected: check.expected.as_deref(), found: check.found.as_deref() }
            }
            _ => ShownValues::default(),
        }
    }

    /// What happened, with the values where they may be shown and make it clearer.
    fn happened(&self, words: &ErrorText, shown_values: &ShownValues<'_>) -> String {
        match (self.code, shown_values.expected, shown_values.found) {
            ("email_outside_organization_domains", Some(expected), Some(found)) => {
                let organization = self.organization.unwrap_or("Your organization here");
                // A list of domains with commas, or a text in parentheses that there are none.
                let admitted = match expected.strip_prefix('(') {
                    Some(_) => "has no addresses listed yet that may come in".to_owned(),
                    None => {
                        format!("only lets in {}", join_with_and(&expected.split(", ").collect::<Vec<_>>()))
                    }
                };
                format!("Your company’s sign-in service sent the address {found}. {organization} {admitted}.")
            }
            _ => words.happened.to_owned(),
        }
    }

    /// Expected and received values, and what to change in the identity provider's screens. The remedies
    /// are fixed texts, so they may be shown before any signature verified; those for the vendor are not
    /// shown.
    fn it_team_section(&self, shown_values: &ShownValues<'_>) -> Markup {
        let check =
            self.check.filter(|check| check.name == self.code && check.fixer == Fixer::IdentityProvider);
        html! {
            @if check.is_some() || shown_values.expected.is_some() || shown_values.found.is_some() {
                section.card {
                    h2 { "For the IT team" }
                    dl.facts {
                        @if let Some(expected) = shown_values.expected { dt { "Expected" } dd { code { (expected) } } }
                        @if let Some(found) = shown_values.found { dt { "Received" } dd { code { (found) } } }
                        @if let Some(check) = check {
                            dt { "What to change" } dd { (check.remedy) }
                            dt { "Rule" } dd { (clause_for_customers(&check.clause)) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(code: &'static str, signature_verified: bool) -> String {
        let check = Check {
            name: code.into(),
            passed: false,
            expected: Some("expected-value.example".into()),
            found: Some("found-value.example".into()),
            clause: "A clause".into(),
            fixer: Fixer::IdentityProvider,
            remedy: "A remedy.".into(),
            certificate_sha256: None,
        };
        LoginErrorPage {
            code,
            reference: "saml_flow_12vqjrnxk9xeov6o4f05pan0g",
            check: Some(&check),
            signature_verified,
            application: None,
            organization: Some("Secret Customer"),
            back: None,
            banner: None,
        }
        .view()
        .into_string()
    }

    #[test]
    fn no_value_is_shown_before_a_signature_verified() {
        for code in error_texts::codes().chain(["a_code_without_words"]) {
            let page = page(code, false);
            assert!(page.contains(&format!("data-reason=\"{code}\"")));
            for told in ["expected-value", "found-value", "Secret Customer"] {
                assert!(!page.contains(told), "{code} tells {told}");
            }
        }
    }

    #[test]
    fn the_vendors_and_other_browsers_values_are_never_shown() {
        for code in [
            "browser_mismatch",
            "in_response_to",
            "relay_state_mismatch",
            "connection_not_configured",
            "other",
        ] {
            let page = page(code, true);
            assert!(!page.contains("expected-value") && !page.contains("found-value"), "{code}");
        }
    }

    #[test]
    fn a_verified_address_is_shown_with_the_admitted_domains() {
        let page = page("email_outside_organization_domains", true);
        assert!(page.contains(
            "sent the address found-value.example. Secret Customer only lets in expected-value.example."
        ));
    }
}
