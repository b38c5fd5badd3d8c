//! The sign-in pages with realistic data.

use base::id::Id;
use maud::Markup;
use model::branding::Branding;

use super::{
    layout::SignInLayout,
    pages::{CODE, IDENTIFIER, PASSWORD, SignInPage, Told, WaysIn, sign_out},
    self_service::{ForgottenPage, NewPasswordFor, NewPasswordPage, RegisterField, RegisterPage, VerifyPage},
};
use crate::web::{
    kit::forms::{FormErrors, FormValues},
    samples::{document, page},
};

fn branding() -> Branding {
    Branding {
        support_contact: Some("support@northwind.example".into()),
        ..Branding::empty(Id::from_bits(1))
    }
}

fn layout(branding: &Branding) -> SignInLayout<'_> {
    SignInLayout { branding, application: "Portal <b>", organization: "Acme Corporation", banner: None }
}

fn sign_in(values: &FormValues, errors: &FormErrors, view: impl Fn(&SignInPage<'_>) -> Markup) -> Markup {
    let branding = branding();
    view(&SignInPage {
        layout: layout(&branding),
        action: "/prod/acme/sign-in",
        restart: "/prod/acme/sign-in?request=request_x&again=yes",
        request: "request_x",
        values,
        errors,
        bare: false,
        done: None,
        ways_in: &WaysIn {
            forgotten: Some(
                "/prod/acme/sign-in/forgot?request=request_x&identifier=dana%22%40acme.com".into(),
            ),
            register: Some("/prod/acme/sign-in/register?request=request_x".into()),
        },
    })
}

#[test]
fn sign_in_samples() {
    let typed = FormValues::new().with(IDENTIFIER, "dana\"@acme.com");
    let (nothing, none) = (FormValues::new(), FormErrors::none());
    document("sign-in-identifier", sign_in(&typed, &none, |page| page.identifier()));
    let wrong = FormErrors::one("", "This address and this password do not belong together.");
    page("sign-in-password-wrong", sign_in(&typed, &wrong, |page| page.password()));
    let wrong = FormErrors::one(CODE, "This code is wrong, was used, or has expired.");
    page("sign-in-code-wrong", sign_in(&nothing, &wrong, |page| page.code()));
    let short = FormErrors::one(PASSWORD, "must be at least 12 characters long");
    page("sign-in-change-password", sign_in(&nothing, &short, |page| page.change_password()));
}

#[test]
fn other_sign_in_samples() {
    let branding = branding();
    let (onward, none) = ([("request", "request_x".to_owned())], FormErrors::none());
    let activation = NewPasswordPage {
        layout: layout(&branding),
        action: "/prod/acme/sign-in/activate",
        purpose: NewPasswordFor::Activation,
        code: "00000000000000000000000000000001.123456",
        onward: &onward,
        rules: "At least 12 characters, and not easy to guess.",
        errors: &none,
    };
    page("sign-in-activate", activation.view());
    let easy = FormErrors::one(PASSWORD, "is too easy to guess; a few words in a row are good");
    let reset = NewPasswordPage {
        action: "/prod/acme/sign-in/reset",
        purpose: NewPasswordFor::Reset,
        rules: "At least 14 characters, with 2 digits, and not easy to guess.",
        errors: &easy,
        ..activation
    };
    page("sign-in-reset", reset.view());
    let parameters = [("client_id", "app_x".to_owned())];
    page("sign-in-sign-out", sign_out(&layout(&branding), "/prod/acme/oidc/logout", &parameters));
    let told = Told {
        title: "You are signed out",
        happened: "Nobody is signed in here any more in this browser.",
        remedy: "Applications that keep a sign-in of their own may still know you: sign out of them too.",
        reason: None,
        next: Some(("Back to the app", "https://app.northwind.example/")),
    };
    page("sign-in-signed-out", told.view(&layout(&branding)));
}

#[test]
fn samples_of_self_service() {
    let branding = branding();
    let (onward, none) = ([("request", "request_x".to_owned())], FormErrors::none());
    let typed = FormValues::new().with(IDENTIFIER, "dana\"@acme.com").with("payload/name", "Dana <b>Doe</b>");
    let forgotten = ForgottenPage {
        layout: layout(&branding),
        action: "/prod/acme/sign-in/forgot",
        back: "/prod/acme/sign-in?request=request_x",
        onward: &onward,
        values: &typed,
        errors: &none,
    };
    page("sign-in-forgot", forgotten.view());
    let verify = VerifyPage {
        layout: layout(&branding),
        action: "/prod/acme/sign-in/verify",
        code: "00000000000000000000000000000001.123456",
        address: "wilhelmine.von-und-zu-hohenlohe-waldenburg+\"<b>\"@rheinisch-westfaelische.example",
    };
    page("sign-in-verify", verify.view());
    let field = |name: &str, label: &str, required| RegisterField {
        name: name.to_owned(),
        label: label.to_owned(),
        required,
    };
    let wrong = FormErrors::one("payload/employeeNumber", "Is required.").and(PASSWORD, "Choose a password.");
    let register = RegisterPage {
        layout: layout(&branding),
        action: "/prod/acme/sign-in/register",
        back: "/prod/acme/sign-in?request=request_x",
        onward: &onward,
        fields: &[
            field("payload/name", "Full name", false),
            field("payload/employeeNumber", "Employee number <b>", true),
        ],
        rules: "At least 12 characters, and not easy to guess.",
        values: &typed,
        errors: &wrong,
    };
    page("sign-in-register-wrong", register.view());
    let done = SignInPage {
        layout: SignInLayout { organization: "", ..layout(&branding) },
        action: "/prod/acme/sign-in",
        restart: "/prod/acme/sign-in?request=request_x&again=yes",
        request: "request_x",
        values: &FormValues::new(),
        errors: &none,
        bare: true,
        done: Some("Your password is set. Sign in with it."),
        ways_in: &WaysIn::default(),
    };
    page("sign-in-identifier-done", done.identifier());
}
