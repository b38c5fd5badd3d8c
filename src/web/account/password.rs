//! The password: changed, or set where there is none.

use maud::{Markup, html};
use model::account::PasswordPolicy;

use super::frame::{AccountFrame, Section, wrong};
use crate::{
    links::path,
    web::kit::{
        forms::{Form, FormErrors, FormValues, FormView},
        password_hint::password_hint,
    },
};

/// The field with the present password.
pub const CURRENT: &str = "current";
/// The field with the new one.
pub const NEW: &str = "password";
/// The field with the new one once more.
pub const REPEATED: &str = "repeated";

/// The page of a password.
pub struct PasswordPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// Whether people sign in by password here.
    pub allowed: bool,
    /// Whether there is one.
    pub has_one: bool,
    /// What is asked of a new one.
    pub policy: PasswordPolicy,
    /// What is wrong with what was typed.
    pub errors: &'a FormErrors,
}

impl PasswordPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let title = if self.has_one { "Change your password" } else { "Set a password" };
        let typed = FormValues::new();
        let view = FormView::new(&typed, self.errors);
        let hint = password_hint(self.policy);
        let action = self.frame.path(path::WORKSPACE_ACCOUNT_PASSWORD);
        let back = self.frame.path(path::WORKSPACE_ACCOUNT);
        let fields = html! {
            @if self.has_one { (view.password(CURRENT, "Present password").autocomplete("current-password")) }
            (view.password(NEW, "New password").hint(&hint).autocomplete("new-password"))
            (view.password(REPEATED, "New password once more").autocomplete("new-password"))
        };
        let form = Form::new(&action, "Save the password", html! {}).cancel(&back);
        let is_open = self.allowed && (self.has_one || self.frame.recent);
        self.frame.page(
            title,
            self.errors,
            &[],
            html! {
                @if !is_open { (wrong(self.errors, &[])) }
                section.card {
                    @if !self.allowed {
                        p { "Nobody signs in by password here. If there is one, it is good for nothing." }
                    } @else if is_open {
                        p.soft { "A few words in a row that belong together only for you are a good one. It signs you out everywhere else." }
                        (view.render(&form, fields))
                    } @else {
                        (self.frame.confirm_first(Section::Password, "set a password"))
                    }
                }
            },
        )
    }
}
