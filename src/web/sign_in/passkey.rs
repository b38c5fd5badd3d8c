//! The forms with which a browser asks its authenticator: to sign in by passkey, and to make one. They work with the script only.

use maud::{Markup, html};

use super::fields::REQUEST;
use crate::{app::accounts::passkeys::Challenge, web::kit::assets};

/// The field with the sealed challenge.
pub const CHALLENGE: &str = "challenge";
/// The field with what the authenticator answers.
pub const ANSWER: &str = "answer";

/// What is asked of an authenticator on a page of a sign-in under way.
#[derive(Debug, Clone, Copy)]
pub struct PasskeyForm<'a> {
    /// Where the form is posted.
    pub action: &'a str,
    /// The name of the request.
    pub request: &'a str,
    /// The challenge.
    pub challenge: &'a Challenge,
}

impl PasskeyForm<'_> {
    /// To sign in: below another way to do so.
    pub fn sign_in(&self) -> Markup {
        html! {
            (self.form("get", "Sign in with a passkey", ""))
        }
    }

    /// To make a passkey.
    pub fn create(&self) -> Markup {
        html! {
            (self.form("create", "Add a passkey", "primary"))
            noscript { p { "Passkeys need JavaScript." } }
        }
    }

    fn form(&self, purpose: &str, label: &str, weight: &str) -> Markup {
        html! {
            form.passkey method="post" action=(self.action) hidden data-passkey=(purpose) data-options=(self.challenge.options) {
                input type="hidden" name=(REQUEST) value=(self.request);
                input type="hidden" name=(CHALLENGE) value=(self.challenge.sealed);
                input type="hidden" name=(ANSWER);
                p.error role="status" data-passkey-said hidden {}
                div.actions { button class=(format!("button {weight}")) type="button" hidden data-passkey-button { (label) } }
            }
            script src=(assets::PASSKEYS.href()) defer {}
        }
    }
}
