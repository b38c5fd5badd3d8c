//! The organization chooser: an e-mail address or a domain can belong to several organizations of one
//! app; then the person chooses.

use maud::{Markup, html};

use crate::web::kit::{
    components::{Icon, shape},
    layout::Layout,
};

/// The choice of an organization. Send it with [`crate::web::kit::response::PagePolicy::AnyFormTarget`].
pub struct OrganizationChooser<'a> {
    /// The app that the person wants to use, by its environment's name.
    pub application: Option<&'a str>,
    /// The matching organizations.
    pub choices: &'a [OrganizationChoice<'a>],
    /// Where the choice is posted.
    pub action: &'a str,
    /// Hidden fields that are sent with every choice.
    pub fields: &'a [(&'a str, &'a str)],
    /// The name of the field that carries the choice.
    pub field: &'a str,
    /// The test set-up banner, if this is one.
    pub banner: Option<&'a str>,
}

/// One organization.
pub struct OrganizationChoice<'a> {
    /// Its name.
    pub name: &'a str,
    /// The field's value for it.
    pub value: &'a str,
}

impl OrganizationChooser<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        Layout::narrow("Choose your company").banner(self.banner).render(html! {
            section.card {
                h1 { "Choose your company" }
                p {
                    "Your address can sign in to "
                    @if let Some(application) = self.application { (application) } @else { "this app" }
                    " for more than one company. Which one do you want to use now?"
                }
                form method="post" action=(self.action) {
                    @for (name, value) in self.fields { input type="hidden" name=(name) value=(value); }
                    ul.choices {
                        @for choice in self.choices {
                            li {
                                button type="submit" name=(self.field) value=(choice.value) {
                                    span.text { (choice.name) } (shape(Icon::Forward))
                                }
                            }
                        }
                    }
                }
            }
        })
    }
}
