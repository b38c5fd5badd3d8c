//! What the sign-in page says of the sign-in of somebody's company.

use maud::{Markup, html};

use super::pages::{IDENTIFIER, SignInPage};
use crate::web::kit::components::{ButtonStyle, Icon, button, shape};

/// The field with the organization that somebody chose.
pub const ORGANIZATION: &str = "organization";

impl SignInPage<'_> {
    /// The button that goes on to the sign-in of the company, where that is offered.
    pub(super) fn company_button(&self, style: ButtonStyle) -> Markup {
        html! {
            @if let Some(action) = self.company {
                form method="post" action=(action) {
                    (self.hidden())
                    div.actions { (button(style, "Continue with your company’s sign-in")) }
                }
            }
        }
    }

    /// Where nobody has an account of the organization's own: nothing but that button.
    pub fn company_only(&self) -> Markup {
        self.layout.render(
            "Sign in",
            None,
            html! {
                section.card {
                    h1 { "Sign in" }
                    p.soft { "to go on to " (self.layout.application) }
                    p { "You sign in at your company, and come back here by yourself." }
                    (self.company_button(ButtonStyle::Primary))
                }
            },
        )
    }

    /// Which of several organizations that share the domain of an address: name and value of each.
    pub fn choose(&self, choices: &[(&str, &str)]) -> Markup {
        self.layout.render(
            "Choose your company",
            None,
            html! {
                section.card {
                    h1 { "Choose your company" }
                    p {
                        "Your address can sign in to " (self.layout.application)
                        " for more than one company. Which one do you want to use now?"
                    }
                    @if let Some(action) = self.company {
                        form method="post" action=(action) {
                            (self.hidden())
                            input type="hidden" name=(IDENTIFIER) value=(self.values.text(IDENTIFIER));
                            ul.choices {
                                @for (name, value) in choices {
                                    li {
                                        button type="submit" name=(ORGANIZATION) value=(value) {
                                            span.text { (name) } (shape(Icon::Forward))
                                        }
                                    }
                                }
                            }
                        }
                    }
                    p.small { a href=(self.restart) { "Use another address" } }
                }
            },
        )
    }
}
