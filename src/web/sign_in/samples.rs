//! The sign-in pages with realistic data.

use base::id::Id;
use maud::Markup;
use model::branding::Branding;
use serde_json::json;

use super::{
    invitation::{InvitationPage, NAME, Step},
    layout::SignInLayout,
    pages::{CODE, IDENTIFIER, PASSWORD, SignInPage, Told, WaysIn, sign_out},
    passkey::PasskeyForm,
    self_service::{ForgottenPage, NewPasswordFor, NewPasswordPage, RegisterField, RegisterPage, VerifyPage},
};
use crate::app::{accounts::passkeys::Challenge, authorization_server::sign_in::enrolment::NewApp};
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
        company: Some("/prod/acme/sign-in/company"),
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
        passkey: None,
        reference: (!errors.is_empty()).then_some("login_flow_12vqjrnxk9xeov6o4f05pan0g"),
    })
}

fn challenge() -> Challenge {
    Challenge {
        options: json!({ "publicKey": { "challenge": "AAAA", "rpId": "sso.northwind.example" } }),
        sealed: "sealed.text".into(),
    }
}

fn passkey<'a>(action: &'a str, challenge: &'a Challenge) -> PasskeyForm<'a> {
    PasskeyForm { action, request: "request_x", challenge }
}

fn with_passkey<'a>(page: &SignInPage<'a>, form: PasskeyForm<'a>) -> SignInPage<'a> {
    let SignInPage {
        layout,
        action,
        company,
        restart,
        request,
        values,
        errors,
        bare,
        done,
        ways_in,
        reference,
        ..
    } = *page;
    SignInPage {
        layout,
        action,
        company,
        restart,
        request,
        values,
        errors,
        bare,
        done,
        ways_in,
        reference,
        passkey: Some(form),
    }
}

#[test]
fn passkeys_and_second_factors_samples() {
    let (nothing, none) = (FormValues::new(), FormErrors::none());
    let challenge = challenge();
    let form = || passkey("/prod/acme/sign-in/passkey", &challenge);
    let refused =
        FormErrors::one("", "This passkey is not accepted here. Take another one, or sign in another way.");
    page(
        "sign-in-identifier-passkey",
        sign_in(&nothing, &none, |page| with_passkey(page, form()).identifier()),
    );
    page(
        "sign-in-passkey-refused",
        sign_in(&nothing, &refused, |page| with_passkey(page, form()).identifier()),
    );
    page("sign-in-password-passkey", sign_in(&nothing, &none, |page| with_passkey(page, form()).password()));
    let new = passkey("/prod/acme/sign-in/passkey/new", &challenge);
    page("sign-in-offer-passkey", sign_in(&nothing, &none, |page| page.offer_passkey(&new)));
    let not_made = FormErrors::one("", "No passkey was made. Try again, or go on without one.");
    page("sign-in-offer-passkey-again", sign_in(&nothing, &not_made, |page| page.offer_passkey(&new)));
    let app = NewApp {
        secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into(),
        uri: "otpauth://totp/Portal:dana%40acme.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Portal"
            .into(),
        sealed: "sealed.secret".into(),
    };
    let wrong = FormErrors::one(CODE, "This code is wrong, was used, or has expired.");
    page("sign-in-authenticator", sign_in(&nothing, &wrong, |page| page.authenticator(&app)));
    let codes = ["abcd-efgh-ijkl-mnop".to_owned(), "qrst-uvwx-yz23-4567".to_owned()];
    page("sign-in-recovery-codes", sign_in(&nothing, &none, |page| page.recovery_codes(&codes)));
    page("sign-in-go-on", sign_in(&nothing, &none, |page| page.go_on()));
}

#[test]
fn sign_in_samples() {
    let typed = FormValues::new().with(IDENTIFIER, "dana\"@acme.com");
    let (nothing, none) = (FormValues::new(), FormErrors::none());
    document("sign-in-identifier", sign_in(&typed, &none, |page| page.identifier()));
    page("sign-in-company-only", sign_in(&nothing, &none, |page| page.company_only()));
    let choices = [("Acme Corporation & Sons <b>", "org_1"), ("Globex", "org_2")];
    page("sign-in-choose", sign_in(&typed, &none, |page| page.choose(&choices)));
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
    let wrong = FormErrors::one("payload/employeeNumber", "Is required.")
        .and(IDENTIFIER, "Enter your e-mail address.");
    let register = RegisterPage {
        layout: layout(&branding),
        action: "/prod/acme/sign-in/register",
        back: "/prod/acme/sign-in?request=request_x",
        onward: &onward,
        fields: &[
            field("payload/name", "Full name", false),
            field("payload/employeeNumber", "Employee number <b>", true),
        ],
        values: &typed,
        errors: &wrong,
    };
    page("sign-in-register-wrong", register.view());
    let done = SignInPage {
        layout: SignInLayout { organization: "", ..layout(&branding) },
        action: "/prod/acme/sign-in",
        company: None,
        restart: "/prod/acme/sign-in?request=request_x&again=yes",
        request: "request_x",
        values: &FormValues::new(),
        errors: &none,
        bare: true,
        done: Some("Your password is set. Sign in with it."),
        ways_in: &WaysIn::default(),
        passkey: None,
        reference: None,
    };
    page("sign-in-identifier-done", done.identifier());
}

#[test]
fn invitation_samples() {
    let (branding, none) = (branding(), FormErrors::none());
    let layout = SignInLayout { organization: "Acme <Corporation>", ..layout(&branding) };
    let page_of = |email, step| {
        InvitationPage {
            layout,
            name: "Acme <Corporation>",
            administers: true,
            email,
            token: "invitation_12vqjrnxk9xeov6o4f05pan0g.AAAA",
            step,
        }
        .view()
    };
    let email = "dana@acme.com";
    page(
        "invitation-join",
        page_of(email, Step::Join { action: "/prod/root/join", account: "/prod/root/account" }),
    );
    let another = Step::Another {
        account_name: "eve@globex.example",
        action: "/prod/root/out",
        account: "/prod/root/account",
    };
    page("invitation-another-account", page_of("d***@acme.com", another));
    page(
        "invitation-unconfirmed",
        page_of(email, Step::Unconfirmed { addresses: "/prod/root/account/addresses" }),
    );
    page("invitation-sign-in", page_of(email, Step::SignIn { href: "/prod/root/sign-in?next=invitation" }));
    let values = FormValues::new();
    let rules = "At least 12 characters.";
    let new = |values, errors| Step::New { action: "/prod/root/new", rules, values, errors };
    page("invitation-new", page_of(email, new(&values, &none)));
    let typed = FormValues::new().with(NAME, "Dana \"D\" Doe");
    let short = FormErrors::one(PASSWORD, "must be at least 12 characters long");
    page("invitation-new-refused", page_of(email, new(&typed, &short)));
    let prove = |sent| Step::Prove { href: "/prod/root/sign-in", action: "/prod/root/send", sent };
    page("invitation-prove", page_of("d***@acme.com", prove(false)));
    page("invitation-prove-sent", page_of("d***@acme.com", prove(true)));
}
