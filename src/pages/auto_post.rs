//! The page that carries a message on by posting a form: our request to the identity provider, its
//! response to us once more (ruling 6), the test identity provider's response.
//!
//! A script of ours submits it once; the button does the same for those without JavaScript.

use maud::{Markup, html};

use super::{
    assets,
    components::{Weight, button},
    layout::Layout,
};

/// A form that goes on by itself. Answer it with [`super::response::Policy::Chain`].
pub struct AutoPost<'a> {
    /// Where it is posted: an http(s) URL by type.
    pub action: &'a str,
    /// Its hidden fields, in order.
    pub fields: &'a [(&'a str, &'a str)],
    /// Why the person is here.
    pub purpose: Purpose<'a>,
    /// That this is a test set-up.
    pub banner: Option<&'a str>,
}

/// Where a form is on its way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// To the identity provider, to sign in there.
    SignIn {
        /// The company, as the person knows it.
        organization: Option<&'a str>,
    },
    /// Back to us, so that the browser sends its cookie along.
    Finish,
    /// From the test identity provider to whoever asked it.
    Respond,
}

impl AutoPost<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let (title, text) = match self.purpose {
            Purpose::SignIn { organization: Some(name) } => (
                format!("Taking you to {name}’s sign-in page"),
                "You sign in there, and come back here by yourself.",
            ),
            Purpose::SignIn { organization: None } => (
                "Taking you to your company’s sign-in page".to_owned(),
                "You sign in there, and come back here by yourself.",
            ),
            Purpose::Finish => ("Finishing your sign-in".to_owned(), "This takes a moment."),
            Purpose::Respond => ("Sending the answer back".to_owned(), "This takes a moment."),
        };
        Layout::narrow(&title).banner(self.banner).scripts(&[&assets::AUTO_POST]).render(html! {
            section.card {
                h1 { (title) "…" }
                p { (text) }
                form method="post" action=(self.action) data-auto-submit {
                    @for (name, value) in self.fields { input type="hidden" name=(name) value=(value); }
                    div.actions { (button(Weight::Primary, "Continue")) }
                }
                p.soft.small { "If nothing happens by itself, press the button." }
            }
        })
    }
}
