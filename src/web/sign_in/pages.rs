//! The pages: who somebody is, their password, their second factor, another password, signing out.

use maud::{Markup, html};

pub use super::fields::REQUEST;
use super::{layout::SignInLayout, passkey::PasskeyForm};
use crate::web::kit::{
    components::{ButtonStyle, Icon, button, link_button, notice, shape},
    forms::{Form, FormErrors, FormValues, FormView, sentence, told},
};

/// The field with what somebody signs in with.
pub const IDENTIFIER: &str = "identifier";
/// The parameter with what was done before.
pub const DONE: &str = "done";
/// The field with the password.
pub const PASSWORD: &str = "password";
/// The field with a code.
pub const CODE: &str = "code";
/// The field that says that somebody wants to sign out.
pub const CONFIRM: &str = "confirm";

/// A page of a sign-in under way.
pub struct SignInPage<'a> {
    /// The document around it.
    pub layout: SignInLayout<'a>,
    /// Where the form is posted.
    pub action: &'a str,
    /// Where somebody goes on to the sign-in of their company, where that is offered.
    pub company: Option<&'a str>,
    /// Where somebody begins anew.
    pub restart: &'a str,
    /// The name of the request.
    pub request: &'a str,
    /// What was typed.
    pub values: &'a FormValues,
    /// What is wrong with it.
    pub errors: &'a FormErrors,
    /// Whether it is for no application.
    pub bare: bool,
    /// What was done before: "Your password is set."
    pub done: Option<&'static str>,
    /// Where other ways in are.
    pub ways_in: &'a WaysIn,
    /// How people sign in by passkey here, if they can.
    pub passkey: Option<PasskeyForm<'a>>,
    /// How what went wrong is quoted.
    pub reference: Option<&'a str>,
}

/// The links to other ways in; none where there is no such way.
#[derive(Debug, Clone, Default)]
pub struct WaysIn {
    /// A new password by a letter.
    pub forgotten: Option<String>,
    /// An account of one's own.
    pub register: Option<String>,
}

impl SignInPage<'_> {
    pub(super) fn hidden(&self) -> Markup {
        html! { input type="hidden" name=(REQUEST) value=(self.request); }
    }

    pub(super) fn view(&self) -> FormView<'_> {
        FormView::new(self.values, self.errors)
    }

    pub(super) fn reason(&self) -> Option<&'static str> {
        (!self.errors.is_empty()).then_some("not_signed_in")
    }

    pub(super) fn render(
        &self,
        title: &str,
        before: Markup,
        submit: &str,
        fields: Markup,
        after: Markup,
    ) -> Markup {
        let form = Form::new(self.action, submit, self.hidden());
        self.layout.render(
            title,
            self.reason(),
            html! {
                section.card {
                    h1 { (title) }
                    (before)
                    (self.view().render(&form, fields))
                    (after)
                    (reference(self.reference))
                }
            },
        )
    }

    /// Who somebody is.
    pub fn identifier(&self) -> Markup {
        let view = self.view();
        let field = view.text(IDENTIFIER, "E-mail address").autocomplete("username webauthn");
        let before = html! {
            @if let Some(done) = self.done { div role="status" { (notice(Icon::Good, done, html! {})) } }
            p.soft {
                @if self.bare { "to go on to your account" } @else { "to go on to " (self.layout.application) }
            }
        };
        let after = html! {
            (self.by_passkey())
            (self.company_button(ButtonStyle::Plain))
            @if let Some(href) = &self.ways_in.register { p.small { "New here? " a href=(href) { "Create an account" } } }
        };
        self.render("Sign in", before, "Continue", html! { (field) }, after)
    }

    /// Their password. The address stays, so that password managers see both; another one is typed on the page before, where it is
    /// looked at whose it is.
    pub fn password(&self) -> Markup {
        let view = self.view();
        let fields = html! {
            (view.text(IDENTIFIER, "E-mail address").autocomplete("username").fixed())
            (view.password(PASSWORD, "Password").autocomplete("current-password"))
        };
        let after = html! {
            (self.by_passkey())
            p.small { a href=(self.restart) { "Use another address" } }
            @if let Some(href) = &self.ways_in.forgotten { p.small { a href=(href) { "Forgot your password?" } } }
        };
        self.render("Enter your password", html! {}, "Sign in", fields, after)
    }

    fn by_passkey(&self) -> Markup {
        html! { @if let Some(form) = &self.passkey { (form.sign_in()) } }
    }

    /// What went wrong, on a page without a form of ours for it.
    pub(super) fn alert(&self) -> Markup {
        html! {
            @if let Some((field, reason)) = self.errors.all().next() {
                @let said = if field.is_empty() { sentence(reason) } else { told(field, reason) };
                div role="alert" { (notice(Icon::Bad, "That did not work", html! { p { (said) } })) }
            }
        }
    }

    /// A code of their authenticator app, or a recovery code.
    pub fn code(&self) -> Markup {
        let view = self.view();
        let fields = html! {
            (view.text(CODE, "Code").autocomplete("one-time-code")
                .hint("The six digits that your authenticator app shows. If you do not have it: one of your recovery codes."))
        };
        self.render("Confirm that it is you", html! {}, "Continue", fields, self.begin_anew())
    }

    /// Another password.
    pub fn change_password(&self) -> Markup {
        let view = self.view();
        let before = html! { p { "Your password has expired, or somebody asked that you change it. Choose another one to go on." } };
        let fields = html! { (view.password(PASSWORD, "New password").autocomplete("new-password")) };
        self.render("Choose another password", before, "Save and sign in", fields, self.begin_anew())
    }

    pub(super) fn begin_anew(&self) -> Markup {
        html! { p.small { a href=(self.restart) { "Sign in as somebody else" } } }
    }
}

/// The page that asks whether somebody wants to sign out.
pub fn sign_out(layout: &SignInLayout<'_>, action: &str, parameters: &[(&'static str, String)]) -> Markup {
    layout.render(
        "Sign out?",
        None,
        html! {
            section.card {
                h1 { "Sign out?" }
                p { "You are signed in to " (layout.application) ". Signing out ends that in this browser, for all of its applications." }
                form method="post" action=(action) {
                    @for (name, value) in parameters { input type="hidden" name=(name) value=(value); }
                    input type="hidden" name=(CONFIRM) value="yes";
                    div.actions { (button(ButtonStyle::Primary, "Sign out")) }
                }
            }
        },
    )
}

/// How what went wrong is quoted.
fn reference(reference: Option<&str>) -> Markup {
    html! { @if let Some(reference) = reference { p.small.soft { "Reference: " code { (reference) } } } }
}

/// What is said on a page with nothing to fill in.
pub struct Told<'a> {
    /// What happened, in a few words.
    pub title: &'a str,
    /// The same in a sentence.
    pub happened: &'a str,
    /// What to do now.
    pub remedy: &'a str,
    /// The code of what went wrong; `None`: nothing did.
    pub reason: Option<&'static str>,
    /// The link to continue with: label and URL.
    pub next: Option<(&'a str, &'a str)>,
}

impl Told<'_> {
    /// The page.
    pub fn view(&self, layout: &SignInLayout<'_>) -> Markup {
        self.render_with(layout, &[], None)
    }

    /// The page, with other links.
    pub fn view_with(&self, layout: &SignInLayout<'_>, others: &[(&str, &str)]) -> Markup {
        self.render_with(layout, others, None)
    }

    /// The page, with how it is quoted.
    pub fn view_quoted(&self, layout: &SignInLayout<'_>, quoted: Option<&str>) -> Markup {
        self.render_with(layout, &[], quoted)
    }

    fn render_with(
        &self,
        layout: &SignInLayout<'_>,
        others: &[(&str, &str)],
        quoted: Option<&str>,
    ) -> Markup {
        layout.render(
            self.title,
            self.reason,
            html! {
                section.card {
                    @if self.reason.is_some() {
                        p { span.mark.attention { (shape(Icon::Attention)) "Not done" } }
                    }
                    h1 { (self.title) }
                    p.lead { (self.happened) }
                    p { (self.remedy) }
                    @if let Some((label, href)) = self.next {
                        div.actions { (link_button(ButtonStyle::Primary, label, href)) }
                    }
                    @for (label, href) in others { p { a href=(href) { (label) } } }
                    (reference(quoted))
                }
            },
        )
    }
}
