//! The pages of those who cannot sign in yet, or not any more: a letter asked for, a password set, an address confirmed, an account
//! made.

use maud::{Markup, html};

use super::{
    layout::SignInLayout,
    pages::{CODE, IDENTIFIER, PASSWORD},
};
use crate::web::kit::{
    components::{ButtonStyle, button},
    forms::{Form, FormErrors, FormValues, FormView},
};

/// The hidden fields of a form.
type Hidden<'a> = &'a [(&'static str, String)];

fn hidden(fields: Hidden<'_>) -> Markup {
    html! { @for (name, value) in fields { input type="hidden" name=(name) value=(value); } }
}

fn reason(errors: &FormErrors) -> Option<&'static str> {
    (!errors.is_empty()).then_some("not_done")
}

/// The page on which somebody asks for a letter.
pub struct ForgottenPage<'a> {
    /// The document around it.
    pub layout: SignInLayout<'a>,
    /// Where the form is posted.
    pub action: &'a str,
    /// Where somebody goes who knows it again.
    pub back: &'a str,
    /// Where the letter leads on.
    pub onward: Hidden<'a>,
    /// What was typed.
    pub values: &'a FormValues,
    /// What is wrong with it.
    pub errors: &'a FormErrors,
}

impl ForgottenPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let view = FormView::new(self.values, self.errors);
        let form = Form::new(self.action, "Send me a letter", hidden(self.onward));
        let fields = html! { (view.text(IDENTIFIER, "E-mail address").autocomplete("username")) };
        self.layout.render(
            "Get a new password",
            reason(self.errors),
            html! {
                section.card {
                    h1 { "Get a new password" }
                    p { "You get a letter by e-mail, with a link by which you set one." }
                    (view.render(&form, fields))
                    p.small { a href=(self.back) { "Back to sign-in" } }
                }
            },
        )
    }
}

/// Why a password is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewPasswordFor {
    /// An account that is new.
    Activation,
    /// An account whose password was forgotten.
    Reset,
}

/// The page on which somebody who followed a letter's link sets a password.
pub struct NewPasswordPage<'a> {
    /// The document around it.
    pub layout: SignInLayout<'a>,
    /// Where the form is posted.
    pub action: &'a str,
    /// Why.
    pub purpose: NewPasswordFor,
    /// The code of the link.
    pub code: &'a str,
    /// Where it leads on.
    pub onward: Hidden<'a>,
    /// What is asked of the password.
    pub rules: &'a str,
    /// What is wrong with what was typed.
    pub errors: &'a FormErrors,
}

impl NewPasswordPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let (title, text, label) = match self.purpose {
            NewPasswordFor::Activation => (
                "Set your password",
                "It is what you sign in with from now on. A few words that belong together only for you are a good one.",
                "Password",
            ),
            NewPasswordFor::Reset => (
                "Set a new password",
                "It takes the place of the one that you had. You are signed out everywhere else.",
                "New password",
            ),
        };
        let values = FormValues::new();
        let view = FormView::new(&values, self.errors);
        let fields = html! {
            input type="hidden" name=(CODE) value=(self.code);
            (hidden(self.onward))
        };
        let form = Form::new(self.action, "Set the password", fields);
        let password = view.password(PASSWORD, label).autocomplete("new-password").hint(self.rules);
        self.layout.render(
            title,
            reason(self.errors),
            html! {
                section.card {
                    h1 { (title) }
                    p { (text) }
                    (view.render(&form, html! { (password) }))
                }
            },
        )
    }
}

/// The page on which somebody who followed a letter's link confirms their address.
pub struct VerifyPage<'a> {
    /// The document around it.
    pub layout: SignInLayout<'a>,
    /// Where the form is posted.
    pub action: &'a str,
    /// The code of the link.
    pub code: &'a str,
    /// The address.
    pub address: &'a str,
}

impl VerifyPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let title = "Confirm your e-mail address";
        self.layout.render(
            title,
            None,
            html! {
                section.card {
                    h1 { (title) }
                    p { strong { (self.address) } " becomes an address of your account, to which letters go." }
                    form method="post" action=(self.action) {
                        input type="hidden" name=(CODE) value=(self.code);
                        div.actions { (button(ButtonStyle::Primary, "Confirm the address")) }
                    }
                    p.small { "If you did not ask for this, close the page: nothing is confirmed." }
                }
            },
        )
    }
}

/// A member of the profile that people are asked for.
pub struct RegisterField {
    /// The field of the form.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Whether it must be given.
    pub required: bool,
}

/// The page on which people make themselves an account.
pub struct RegisterPage<'a> {
    /// The document around it.
    pub layout: SignInLayout<'a>,
    /// Where the form is posted.
    pub action: &'a str,
    /// Where somebody goes who has one.
    pub back: &'a str,
    /// Where the letter leads on.
    pub onward: Hidden<'a>,
    /// What is asked beside the address.
    pub fields: &'a [RegisterField],
    /// What was typed.
    pub values: &'a FormValues,
    /// What is wrong with it.
    pub errors: &'a FormErrors,
}

impl RegisterPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let view = FormView::new(self.values, self.errors);
        let form = Form::new(self.action, "Create the account", hidden(self.onward));
        let fields = html! {
            (view.email(IDENTIFIER, "E-mail address").autocomplete("username"))
            @for field in self.fields {
                @let control = view.text(&field.name, &field.label).autocomplete(autocomplete(&field.name));
                @if field.required { (control) } @else { (control.optional()) }
            }
        };
        self.layout.render(
            "Create an account",
            reason(self.errors),
            html! {
                section.card {
                    h1 { "Create an account" }
                    p { "You get a letter by e-mail. With the link in it you set your password." }
                    (view.render(&form, fields))
                    p.small { "You have an account? " a href=(self.back) { "Sign in" } }
                }
            },
        )
    }
}

/// What a browser fills into a member of a profile by itself (HTML §4.10.18.7, OpenID Connect Core 1.0 §5.1).
fn autocomplete(field: &str) -> &'static str {
    match field.rsplit('/').next().unwrap_or_default() {
        "name" => "name",
        "given_name" => "given-name",
        "middle_name" => "additional-name",
        "family_name" => "family-name",
        "nickname" => "nickname",
        "website" => "url",
        _ => "off",
    }
}
