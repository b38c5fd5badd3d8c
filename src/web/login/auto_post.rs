//! A page whose form posts itself: our AuthnRequest to the identity provider, its response to our ACS
//! once more, or the test identity provider's response.
//!
//! A script submits it once; without JavaScript, the button does.

use maud::{Markup, html};

use crate::web::kit::{
    assets,
    components::{ButtonStyle, button},
    layout::Layout,
};

/// A form that submits itself. Send it with [`crate::web::kit::response::PagePolicy::AnyFormTarget`].
pub struct AutoPost<'a> {
    /// The URL it is posted to; callers have it from a type that holds http(s) URLs only.
    pub action: &'a str,
    /// Its hidden fields, in order.
    pub fields: &'a [(&'a str, &'a str)],
    /// What it is for; this selects the text.
    pub purpose: AutoPostPurpose<'a>,
    /// The test set-up banner, if this is one.
    pub banner: Option<&'a str>,
}

/// What a form that submits itself is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoPostPurpose<'a> {
    /// To the identity provider, to sign in there.
    SignIn {
        /// The company, as the person knows it.
        organization: Option<&'a str>,
    },
    /// To our ACS once more, so that the browser sends its cookie.
    Finish,
    /// To the application, with the end of a sign-in.
    Application,
    /// To the service provider, with the test identity provider's response.
    Respond,
}

impl AutoPost<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let (title, text) = match self.purpose {
            AutoPostPurpose::SignIn { organization: Some(name) } => (
                format!("Taking you to {name}’s sign-in page"),
                "You sign in there, and come back here by yourself.",
            ),
            AutoPostPurpose::SignIn { organization: None } => (
                "Taking you to your company’s sign-in page".to_owned(),
                "You sign in there, and come back here by yourself.",
            ),
            AutoPostPurpose::Finish => ("Finishing your sign-in".to_owned(), "This takes a moment."),
            AutoPostPurpose::Application => ("Taking you back".to_owned(), "This takes a moment."),
            AutoPostPurpose::Respond => ("Sending the answer back".to_owned(), "This takes a moment."),
        };
        Layout::narrow(&title).banner(self.banner).scripts(&[&assets::AUTO_POST]).render(html! {
            section.card {
                h1 { (title) "…" }
                p { (text) }
                form method="post" action=(self.action) data-auto-submit {
                    @for (name, value) in self.fields { input type="hidden" name=(name) value=(value); }
                    div.actions { (button(ButtonStyle::Primary, "Continue")) }
                }
                p.soft.small { "If nothing happens by itself, press the button." }
            }
        })
    }
}
