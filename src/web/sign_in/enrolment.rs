//! The pages on which somebody sets something up while they sign in: an authenticator app, and a passkey if they want one.

use maud::{Markup, html};

use super::{
    pages::{CODE, REQUEST, SignInPage},
    passkey::PasskeyForm,
};
use crate::{
    app::authorization_server::sign_in::enrolment::NewApp,
    web::kit::{
        assets,
        components::{ButtonStyle, Icon, button, copy_button, notice},
        qr_code::{grouped, qr},
    },
};

/// The field with the sealed secret of an authenticator app.
pub const SECRET: &str = "secret";

impl SignInPage<'_> {
    /// Sets an authenticator app up.
    pub fn authenticator(&self, app: &NewApp) -> Markup {
        let view = self.view();
        let before = html! {
            p { "Your organization asks for a second proof beside the password: a code of an app on your phone. Set it up once, now." }
            ol {
                li { "Open an authenticator app. Any will do: the one of your phone, of your password manager, or another." }
                li { "Scan this picture with it, or type the key." }
                li { "Type the six digits that the app shows." }
            }
            @if let Some(drawn) = qr(&app.uri, "QR code with the key for the authenticator app") { (drawn) }
            p { "Key: " code { (grouped(&app.secret)) } " " (copy_button(&app.secret, "key")) }
        };
        let fields = html! {
            input type="hidden" name=(SECRET) value=(app.sealed);
            (view.text(CODE, "Code").autocomplete("one-time-code").hint("The six digits that the app shows now."))
        };
        let after = html! { (self.begin_anew()) script src=(assets::COPY.href()) defer {} };
        self.render("Set up an authenticator app", before, "Continue", fields, after)
    }

    /// The recovery codes of a new authenticator app, shown once.
    pub fn recovery_codes(&self, codes: &[String]) -> Markup {
        self.layout.render(
            "Your recovery codes",
            None,
            html! {
                section.card {
                    h1 { "Your recovery codes" }
                    p { "The app is set up. If you ever lose it, one of these codes lets you in instead. Each is good once." }
                    (notice(Icon::Attention, "Keep them now: they are not shown again", html! {
                        p { "Print them, or put them into your password manager. Not on the phone with the app." }
                    }))
                    ul.codes { @for code in codes { li { code { (code) } } } }
                    p { (copy_button(&codes.join("\n"), "recovery codes")) }
                    form method="post" action=(self.action) {
                        input type="hidden" name=(REQUEST) value=(self.request);
                        div.actions { (button(ButtonStyle::Primary, "I have kept them")) }
                    }
                    script src=(assets::COPY.href()) defer {}
                }
            },
        )
    }

    /// Asks once whether somebody wants a passkey.
    pub fn offer_passkey(&self, form: &PasskeyForm<'_>) -> Markup {
        self.layout.render(
            "Sign in faster next time?",
            self.reason(),
            html! {
                section.card {
                    h1 { "Sign in faster next time?" }
                    (self.alert())
                    p { "With a passkey you sign in by your fingerprint, your face or the PIN of your device, without a password. It cannot be guessed, and works on no false page." }
                    (form.create())
                    form method="post" action=(self.action) {
                        input type="hidden" name=(REQUEST) value=(self.request);
                        div.actions { (button(ButtonStyle::Plain, "Not now")) }
                    }
                }
            },
        )
    }

    /// Nothing else is asked for.
    pub fn go_on(&self) -> Markup {
        self.render(
            "You are signed in",
            html! { p { "Go on to " (self.layout.application) "." } },
            "Continue",
            html! {},
            html! {},
        )
    }
}
