//! `/console/sign-in`: by e-mail address and password, by passkey, or through single sign-on. The password
//! form works without JavaScript.

use actix_web::{
    FromRequest as _, HttpRequest,
    http::{StatusCode, header},
    web,
};
use maud::{Markup, html};

use crate::{
    app::{
        Error, State,
        administrators::{
            passkeys::{self, Challenge},
            roles,
            sessions::{self, NewSession},
            sign_in,
        },
    },
    links::console,
    web::{
        console::kit::{
            cookies,
            form::{AnonymousForm, ConsoleForm},
            redirect::{query, safe_next},
            session::CurrentAdministrator,
        },
        kit::{
            assets,
            components::{ButtonStyle, Icon, button, code_block, link_button, notice},
            error::{PageError, PageResult},
            forms::{self, FormErrors, FormValues, FormView},
            layout::{Layout, Masthead},
            message,
            request::device,
            response::{PagePolicy, page, see_other},
        },
    },
};

/// What the page shows.
#[derive(Debug, Default)]
pub struct SignInPage {
    /// The path to redirect to after sign-in.
    pub next: String,
    /// The e-mail address that was entered.
    pub email: String,
    /// Why sign-in failed.
    pub error: Option<String>,
    /// Whether the installation has no administrator yet.
    pub no_administrator: bool,
    /// Whether passwords are enabled.
    pub passwords: bool,
    /// The WebAuthn challenge, if passkeys are enabled.
    pub passkey: Option<Challenge>,
    /// Whether a SAML connection is configured.
    pub saml: bool,
    /// Whether an OpenID provider is configured.
    pub oidc: bool,
    /// A banner that this is a test installation.
    pub banner: Option<&'static str>,
}

/// `GET /console/sign-in`
pub async fn show(state: web::Data<State>, request: HttpRequest) -> PageResult {
    let next = query(&request, "next").unwrap_or_default();
    if CurrentAdministrator::extract(&request).await.is_ok() {
        return Ok(see_other(safe_next(&next)));
    }
    respond(&state, SignInPage { next, ..SignInPage::default() }, StatusCode::OK).await
}

/// `POST /console/sign-in`
pub async fn with_password(state: web::Data<State>, request: HttpRequest, form: AnonymousForm) -> PageResult {
    let (email, next) = (form.text("email"), form.text("next"));
    let begun = sign_in::with_password(&state, email, form.text("password"), &device(&request)).await;
    match begun {
        Ok(begun) => start_session(&state, &request, &begun, next).await,
        Err(error) => respond_with_error(&state, error, email, next).await,
    }
}

/// `POST /console/sign-in/passkey`
pub async fn with_passkey(state: web::Data<State>, request: HttpRequest, form: AnonymousForm) -> PageResult {
    let next = form.text("next");
    let begun =
        passkeys::sign_in(&state, form.text("challenge"), form.text("answer"), &device(&request)).await;
    match begun {
        Ok(begun) => start_session(&state, &request, &begun, next).await,
        Err(error) => respond_with_error(&state, error, "", next).await,
    }
}

/// `POST /console/sign-out`
pub async fn sign_out(
    state: web::Data<State>,
    admin: CurrentAdministrator,
    _form: ConsoleForm,
) -> PageResult {
    sessions::sign_out(&state, &admin, admin.device()).await?;
    let mut response = see_other(console::SIGN_IN);
    cookies::clear(&state.links, &mut response);
    Ok(response)
}

/// Completes a sign-in: ends the session of any cookie in the request, sets the new cookie, and redirects.
pub(in crate::web::console) async fn start_session(
    state: &State,
    request: &HttpRequest,
    begun: &NewSession,
    next: &str,
) -> PageResult {
    for old in cookies::read(&state.links, request) {
        sessions::revoke_by_token(state, &old).await?;
    }
    let mut response = see_other(safe_next(next));
    cookies::set(&state.links, &mut response, &begun.token.reveal());
    Ok(response)
}

/// The sign-in page with the error, or the error page for other errors.
pub(in crate::web::console) async fn respond_with_error(
    state: &State,
    error: Error,
    email: &str,
    next: &str,
) -> PageResult {
    let (status, text) = match &error {
        Error::Unauthenticated(text) => (StatusCode::UNAUTHORIZED, text.to_string()),
        Error::Forbidden(text) | Error::FailedPrecondition(text) => {
            (StatusCode::FORBIDDEN, forms::sentence(text))
        }
        Error::Limited { retry_after } => {
            let mut response = page(
                StatusCode::TOO_MANY_REQUESTS,
                PagePolicy::SameOriginForms,
                message::too_many_requests(*retry_after, None),
            );
            let seconds = header::HeaderValue::from(retry_after.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            return Ok(response);
        }
        _ => return Err(PageError(error)),
    };
    let view = SignInPage {
        next: next.to_owned(),
        email: email.to_owned(),
        error: Some(text),
        ..SignInPage::default()
    };
    respond(state, view, status).await
}

async fn respond(state: &State, view: SignInPage, status: StatusCode) -> PageResult {
    let settings = &state.settings.console;
    let passkey = match settings.allows_passkeys() && passkeys::are_supported(state) {
        true => Some(passkeys::begin_authentication(state)?),
        false => None,
    };
    let view = SignInPage {
        no_administrator: !roles::any_exists(state).await?,
        passwords: settings.allows_passwords(),
        passkey,
        saml: settings.saml_connection.is_some(),
        oidc: settings.oidc.is_some(),
        banner: state.settings.test_idp.then_some(crate::web::kit::layout::TEST_SETUP_BANNER),
        ..view
    };
    Ok(page(status, PagePolicy::SameOriginForms, view.view()))
}

impl SignInPage {
    /// The page.
    pub fn view(&self) -> Markup {
        let layout =
            Layout { masthead: Some(Masthead { links: &[] }), ..Layout::narrow("Sign in · Ostiary") };
        layout.banner(self.banner).scripts(&[&assets::PASSKEYS, &assets::COPY]).render(html! {
            h1 { "Sign in to the console" }
            @if let Some(error) = &self.error {
                div role="alert" { (notice(Icon::Bad, "That did not work", html! { p { (error) } })) }
            }
            @if self.no_administrator { (first_administrator()) } @else { (self.methods()) }
        })
    }

    fn methods(&self) -> Markup {
        html! {
            @if self.saml || self.oidc {
                section.card {
                    h2 { "Single sign-on" }
                    div.actions.stacked {
                        @if self.saml { (link_button(self.sso_weight(), "Continue with your company’s sign-in", &self.with_next(console::SIGN_IN_SAML))) }
                        @if self.oidc { (link_button(self.sso_weight(), "Continue with OpenID Connect", &self.with_next(console::SIGN_IN_OIDC))) }
                    }
                }
            }
            @if self.passwords { (self.password()) }
            @if let Some(challenge) = &self.passkey {
                section.card {
                    h2 { "Passkey" }
                    p.soft { "Your fingerprint, face, device PIN or security key." }
                    form method="post" action=(console::SIGN_IN_PASSKEY) hidden data-passkey="get" data-options=(challenge.options) {
                        input type="hidden" name="challenge" value=(challenge.sealed);
                        input type="hidden" name="answer";
                        input type="hidden" name="next" value=(self.next);
                        p.error role="status" data-passkey-said hidden {}
                        button.button.primary[!self.passwords] type="button" hidden data-passkey-button { "Sign in with a passkey" }
                    }
                    noscript { p { "Passkeys need JavaScript." } }
                    @if !self.passwords { (recovery_hint()) }
                }
            }
        }
    }

    fn sso_weight(&self) -> ButtonStyle {
        if self.passwords { ButtonStyle::Plain } else { ButtonStyle::Primary }
    }

    fn password(&self) -> Markup {
        let typed = FormValues::new().with("email", &self.email);
        let errors = FormErrors::none();
        let view = FormView::new(&typed, &errors);
        html! {
            form.card.form method="post" action=(console::SIGN_IN) {
                input type="hidden" name="next" value=(self.next);
                (view.email("email", "E-mail address").autocomplete("username webauthn"))
                (view.password("password", "Password").autocomplete("current-password"))
                div.actions { (button(ButtonStyle::Primary, "Sign in")) }
                (recovery_hint())
            }
        }
    }

    fn with_next(&self, path: &str) -> String {
        match safe_next(&self.next) {
            next if next == console::HOME => path.to_owned(),
            next => crate::links::with_next(path, next),
        }
    }
}

/// A hint for people who lost their password and passkeys.
fn recovery_hint() -> Markup {
    html! {
        p.small.soft { "Cannot sign in? Another owner of everything, or whoever runs this server, can make a new link for you." }
    }
}

/// How to create the first administrator.
fn first_administrator() -> Markup {
    html! {
        section.card {
            h2 { "There is no administrator yet" }
            p { "Run this where the gateway runs, with the same settings. It prints a link that makes you the first one: an owner of everything." }
            (code_block("On the server", "ostiary admin invite"))
        }
    }
}
