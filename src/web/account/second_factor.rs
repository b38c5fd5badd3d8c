//! The authenticator app and the recovery codes.

use base::time::Timestamp;
use maud::{Markup, html};

use super::frame::{AccountFrame, Section, small_button, wrong};
use crate::{
    links::path,
    web::kit::{
        assets,
        components::{ButtonStyle, Icon, copy_button, link_button, notice, time},
        forms::{Form, FormErrors, FormValues, FormView},
        qr_code::{grouped, qr},
    },
};

/// The field with a code of the app.
pub const CODE: &str = "code";
/// The field with the sealed secret.
pub const SEALED: &str = "enrolment";

/// The page of the second factor.
pub struct SecondFactorPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// Whether apps are offered.
    pub offered: bool,
    /// Since when there is an app.
    pub app: Option<Timestamp>,
    /// How many recovery codes are not used.
    pub codes_left: i64,
    /// What is wrong.
    pub errors: &'a FormErrors,
}

impl SecondFactorPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let frame = self.frame;
        let set_up = frame.path(path::WORKSPACE_ACCOUNT_APP);
        frame.page(
            "Second factor",
            self.errors,
            &[],
            html! {
                (wrong(self.errors, &[]))
                section.card {
                    h2 { "Authenticator app" }
                    @match self.app {
                        Some(at) => p { "Set up " (time(at, frame.now)) ". You are asked for its code when you sign in with your password." },
                        None => p { "None. With one you are asked for a code of the app when you sign in with your password, so that nobody gets in who only knows that." },
                    }
                    @if !frame.recent {
                        (frame.confirm_first(Section::SecondFactor, "change it"))
                    } @else {
                        div.actions {
                            @if self.offered {
                                (link_button(if self.app.is_some() { ButtonStyle::Plain } else { ButtonStyle::Primary },
                                    if self.app.is_some() { "Set up another app" } else { "Set up an app" }, &set_up))
                            }
                            @if self.app.is_some() {
                                (small_button(&frame.path(path::WORKSPACE_ACCOUNT_SECOND_FACTOR), "Remove the app", "authenticator app", true, html! {}))
                            }
                        }
                        @if self.app.is_none() && !self.offered { p.soft { "Apps are not used here." } }
                    }
                }
                @if self.app.is_some() {
                    section.card {
                        h2 { "Recovery codes" }
                        p {
                            @match self.codes_left {
                                0 => "None is left.",
                                1 => "One is left.",
                                left => { (left) " are left." }
                            }
                            " Each signs you in once when you do not have your app."
                        }
                        @if frame.recent {
                            form.form method="post" action=(frame.path(path::WORKSPACE_ACCOUNT_RECOVERY_CODES)) {
                                div.actions { button.button type="submit" { "Make new recovery codes" } }
                            }
                            p.small.soft { "The earlier ones are good for nothing then." }
                        }
                    }
                }
            },
        )
    }
}

/// The page on which an app is set up.
pub struct AppPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// The secret in groups.
    pub secret: &'a str,
    /// What the QR code says.
    pub uri: &'a str,
    /// The secret sealed.
    pub sealed: &'a str,
    /// What is wrong with what was typed.
    pub errors: &'a FormErrors,
}

impl AppPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let typed = FormValues::new();
        let view = FormView::new(&typed, self.errors);
        let action = self.frame.path(path::WORKSPACE_ACCOUNT_APP);
        let back = self.frame.path(path::WORKSPACE_ACCOUNT_SECOND_FACTOR);
        let hidden = html! { input type="hidden" name=(SEALED) value=(self.sealed); };
        let form = Form::new(&action, "Set up the app", hidden).cancel(&back);
        let code = view
            .text(CODE, "Code")
            .autocomplete("one-time-code")
            .hint("The six digits that the app shows now.");
        self.frame.page(
            "Set up an authenticator app",
            self.errors,
            &[&assets::COPY],
            html! {
                section.card {
                    p { "Scan this with an authenticator app, such as the one of your password manager." }
                    @if let Some(drawn) = qr(self.uri, "QR code of the secret below") { (drawn) }
                    p { "Or type this secret into the app: " code { (grouped(self.secret)) } " " (copy_button(self.secret, "secret")) }
                    p.small { a href=(self.uri) { "Open in an app on this device" } }
                    (view.render(&form, html! { (code) }))
                }
            },
        )
    }
}

/// The page that shows new recovery codes, once.
pub fn recovery_codes(frame: &AccountFrame<'_>, codes: &[String], title: &str) -> Markup {
    let next = frame.path(path::WORKSPACE_ACCOUNT_SECOND_FACTOR);
    frame.page(
        title,
        &FormErrors::none(),
        &[&assets::COPY],
        html! {
            section.card {
                h2 { "Your recovery codes" }
                (notice(Icon::Attention, "Keep them now: they are not shown again", html! {
                    p { "Each signs you in once when you do not have your app. Print them, or keep them in a password manager." }
                }))
                ul.codes { @for code in codes { li { code { (code) } } } }
                p { (copy_button(&codes.join("\n"), "recovery codes")) }
                div.actions { (link_button(ButtonStyle::Primary, "I have kept them", &next)) }
            }
        },
    )
}
