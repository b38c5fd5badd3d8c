//! Proving once more who one is.

use maud::{Markup, html};

use super::frame::{AccountFrame, Section};
use crate::{
    app::accounts::self_service::confirmation::Methods,
    links::path,
    web::kit::{
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
/// The field that says that somebody signs in again.
pub const AGAIN: &str = "again";

/// The page that asks for the proof.
pub struct ConfirmPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// Where the user comes back to.
    pub next: Section,
    /// By what it can be proven.
    pub methods: Methods,
    /// What the user signs in with, for password managers.
    pub name: &'a str,
    /// What is wrong with what was typed.
    pub errors: &'a FormErrors,
}

impl ConfirmPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let typed = FormValues::new();
        let view = FormView::new(&typed, self.errors);
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
            &[],
            html! {
                section.card {
                    p.soft { "You last proved it more than ten minutes ago. Do so again before you change how you sign in: somebody else may sit at an open browser." }
                    @if self.methods.password { (view.render(&form, fields)) }
                    @else {
                        p { "Sign in again to go on." }
                        form.form method="post" action=(self.frame.path(path::WORKSPACE_ACCOUNT_SIGN_OUT)) {
                            input type="hidden" name=(AGAIN) value="yes";
                            div.actions { (button(ButtonStyle::Primary, "Sign in again")) a.quiet href=(back) { "Cancel" } }
                        }
                    }
                }
            },
        )
    }
}
