//! The panel of a new secret: shown once, with a copy button and a warning.

use maud::{Markup, html};

use super::components::{ButtonStyle, Icon, copy_button, link_button, notice};

/// A secret that was just created.
pub struct SecretPanel<'a> {
    /// What it is: "API key".
    pub name: &'a str,
    /// The secret itself.
    pub value: &'a str,
    /// Where to use it and what it gives access to, in whole sentences.
    pub about: &'a str,
    /// The URL to continue with.
    pub next_url: &'a str,
}

impl SecretPanel<'_> {
    /// The panel.
    pub fn view(&self) -> Markup {
        html! {
            (notice(Icon::Attention, "Copy it now: it is not shown again", html! {
                p { (self.about) }
                p { "If it is lost, make another." }
            }))
            div.secret {
                code { (self.value) }
                (copy_button(self.value, self.name))
            }
            div.actions { (link_button(ButtonStyle::Primary, "I have copied it", self.next_url)) }
        }
    }
}
