//! Proving once more who one is.

use maud::{Markup, html};

use super::{
    frame::{AccountFrame, errors_of, wrong},
    wanted::Wanted,
};
use crate::{
    app::accounts::self_service::confirmation::Methods,
    links::path,
    web::kit::{
        assets,
        components::{ButtonStyle, button},
        forms::{Form, FormErrors, FormValues, FormView},
    },
};

/// The field with the section to come back to.
pub const NEXT: &str = "next";
/// The field with the password.
pub const PASSWORD: &str = "password";
/// The field with the code.
pub const CODE: &str = "code";
/// The field with the sealed challenge of a passkey.
pub const CHALLENGE: &str = "challenge";
/// The field with what a passkey answers.
pub const ANSWER: &str = "answer";
/// The field that says that somebody signs in again.
pub const AGAIN: &str = "again";

/// The page that asks for the proof.
pub struct ConfirmPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// Where the user comes back to.
    pub next: &'a Wanted,
    /// By what it can be proven.
    pub methods: &'a Methods,
    /// What the user signs in with, for password managers.
    pub name: &'a str,
    /// What is wrong with what was typed.
    pub errors: &'a FormErrors,
}

impl ConfirmPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let typed = FormValues::new();
        // What is wrong with a passkey is told above the form, what is wrong with the form in it.
        let own = if self.methods.password { &[PASSWORD, CODE][..] } else { &[] };
        let errors = errors_of(self.errors, own);
        let view = FormView::new(&typed, &errors);
        let action = self.frame.path(path::WORKSPACE_ACCOUNT_CONFIRM);
        let back = self.frame.path(path::WORKSPACE_ACCOUNT);
        let hidden = html! { input type="hidden" name=(NEXT) value=(self.next.name()); };
        let form = Form::new(&action, "Confirm", hidden).cancel(&back);
        let fields = html! {
            // Password managers find the password by it.
            input.visually-hidden type="text" name="username" value=(self.name) autocomplete="username" readonly tabindex="-1" aria-hidden="true";
            (view.password(PASSWORD, "Your password").autocomplete("current-password"))
            @if self.methods.code {
                (view.text(CODE, "Code").autocomplete("one-time-code")
                    .hint("The six digits that your authenticator app shows. If you do not have it: one of your recovery codes."))
            }
        };
        self.frame.page(
            "Confirm that it is you",
            self.errors,
            &[&assets::PASSKEYS],
            html! {
                (wrong(self.errors, own))
                section.card {
                    p.soft { "Before you change how you sign in, or take away what is kept about you, prove once more that it is you: somebody else may sit at an open browser. It holds for ten minutes." }
                    @if self.methods.password { (view.render(&form, fields)) }
                    @if let Some(challenge) = &self.methods.passkey {
                        form.passkey method="post" action=(action) hidden data-passkey="get" data-options=(challenge.options) {
                            input type="hidden" name=(NEXT) value=(self.next.name());
                            input type="hidden" name=(CHALLENGE) value=(challenge.sealed);
                            input type="hidden" name=(ANSWER);
                            p.error role="status" data-passkey-said hidden {}
                            div.actions { button.button type="button" hidden data-passkey-button { "Confirm by passkey" } }
                        }
                        noscript { p { "Passkeys need JavaScript." } }
                    }
                    @if !self.methods.password {
                        p { @if self.methods.passkey.is_some() { "Or sign in again." } @else { "Sign in again to go on." } }
                        form.form method="post" action=(self.frame.path(path::WORKSPACE_ACCOUNT_SIGN_OUT)) {
                            input type="hidden" name=(AGAIN) value="yes";
                            input type="hidden" name=(NEXT) value=(self.next.name());
                            div.actions { (button(ButtonStyle::Primary, "Sign in again")) a.quiet href=(back) { "Cancel" } }
                        }
                    }
                }
            },
        )
    }
}
