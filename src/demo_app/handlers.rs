//! The sample app's routes.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration as CookieDuration},
    http::{StatusCode, header},
    web,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    app::DemoApp,
    gateway_client::GatewayError,
    mailbox,
    sessions::{PendingLogin, Protocol, SignedInUser},
    views,
};
use crate::{
    links::path,
    web::kit::{
        response::{PagePolicy, page},
        routing::Routes,
    },
};

const COOKIE: &str = "ostiary_demo";

type App = web::Data<DemoApp>;

/// Registers the sample app's routes.
pub fn configure(routes: &mut Routes<'_>) {
    routes
        .resource(path::DEMO, |resource| resource.get(home))
        .resource(path::DEMO_SIGN_IN, |resource| resource.post(sign_in))
        .resource(path::DEMO_CALLBACK, |resource| resource.get(saml_callback))
        .resource(path::DEMO_OAUTH_CALLBACK, |resource| resource.get(oauth_callback))
        .resource(path::DEMO_MAILBOX, |resource| resource.get(mailbox))
        .resource(path::DEMO_LETTER, |resource| resource.get(letter))
        .resource(path::DEMO_PEOPLE, |resource| resource.get(people))
        .resource(path::DEMO_SIGN_OUT, |resource| resource.post(sign_out));
}

/// `GET /demo`: the signed-in user, or the sign-in page.
async fn home(app: App, request: HttpRequest) -> HttpResponse {
    let now = app.clock.now();
    let person = browser(&request).and_then(|session| app.sessions.person(&session, now));
    let markup = match person {
        Some(person) => views::signed_in(&person, &app.organizations, now),
        None => {
            let example =
                app.organizations.first().map(|organization| format!("dana@{}", organization.domain));
            views::sign_in(&app.organizations, example.as_deref().unwrap_or_default(), None)
        }
    };
    page(StatusCode::OK, PagePolicy::AnyFormTarget, markup)
}

/// `GET /demo/mailbox`: the letters.
async fn mailbox(app: App) -> HttpResponse {
    let letters = app.letters();
    page(StatusCode::OK, PagePolicy::SameOriginForms, mailbox::view(&letters, app.clock.now()))
}

/// `GET /demo/mailbox/{letter}`: a letter as a mail program shows it.
async fn letter(app: App, id: web::Path<String>) -> HttpResponse {
    let letters = app.letters();
    match letters.into_iter().find(|letter| letter.id == *id) {
        Some(letter) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, mailbox::LETTER_POLICY))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(letter.html),
        None => message_page(StatusCode::NOT_FOUND, "This letter is not in the mailbox any more."),
    }
}

/// `GET /demo/people`: the users that the customers' identity providers provisioned.
async fn people(app: App) -> HttpResponse {
    let mut directories = Vec::new();
    for organization in &app.organizations {
        match app.gateway.people(organization).await {
            Ok((answer, exchange)) => directories.push((organization, answer, exchange)),
            Err(error) => return error_page(&error),
        }
    }
    page(StatusCode::OK, PagePolicy::SameOriginForms, views::people(&directories))
}

/// The form of `POST /demo/sign-in`.
#[derive(Deserialize)]
pub(super) struct SignIn {
    #[serde(default)]
    email: String,
    way: LoginMethod,
}

/// Its three buttons.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum LoginMethod {
    Saml,
    Oidc,
    Refused,
}

/// `POST /demo/sign-in`: begins a login.
async fn sign_in(app: App, request: HttpRequest, form: web::Form<SignIn>) -> HttpResponse {
    let email = form.email.trim();
    let organization = match form.way {
        LoginMethod::Refused => app.organizations.first(),
        LoginMethod::Saml | LoginMethod::Oidc => app.organization_of(email),
    };
    let Some(organization) = organization else {
        let error = "No customer of this sample app has addresses like that. Take one of the domains below.";
        let markup = views::sign_in(&app.organizations, email, Some(error));
        return page(StatusCode::UNPROCESSABLE_ENTITY, PagePolicy::AnyFormTarget, markup);
    };
    let browser = browser(&request).unwrap_or_else(|| app.token());
    let state = app.token();
    let started_at = app.clock.now();
    let (url, protocol, exchange) = match form.way {
        LoginMethod::Saml | LoginMethod::Refused => {
            match app.gateway.saml_redirect(organization, &state).await {
                Ok((url, exchange)) => (url, Protocol::Rest, exchange),
                Err(error) => return error_page(&error),
            }
        }
        LoginMethod::Oidc => {
            let nonce = app.token();
            // 43 characters at least (RFC 7636 §4.1).
            let code_verifier = app.token() + &app.token();
            let (url, exchange) = app.gateway.authorize(organization, email, &state, &nonce, &code_verifier);
            (url, Protocol::OpenIdConnect { nonce, code_verifier }, exchange)
        }
    };
    app.sessions.begin(
        state,
        PendingLogin { browser: browser.clone(), protocol, started_at, exchanges: vec![exchange] },
    );
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, url.as_str()))
        .cookie(cookie(&app, browser))
        .finish()
}

/// The query of `GET /demo/callback`.
#[derive(Deserialize)]
pub(super) struct SamlCallback {
    saml_access_code: Option<String>,
}

/// `GET /demo/callback`: the browser returns with an access code.
async fn saml_callback(app: App, request: HttpRequest, query: web::Query<SamlCallback>) -> HttpResponse {
    let Some(code) = &query.saml_access_code else {
        return message_page(StatusCode::BAD_REQUEST, "This address was opened without an access code.");
    };
    let (answer, exchange) = match app.gateway.redeem(code).await {
        Ok(redeemed) => redeemed,
        Err(error) => return error_page(&error),
    };
    let now = app.clock.now();
    let (way, mut exchanges) = match answer["state"].as_str() {
        // IdP-initiated: there is no state of ours to compare. The gateway has restarted it as a login of
        // this browser, which prevents login CSRF.
        None | Some("") => ("Begun at the identity provider", Vec::new()),
        Some(state) => {
            let browser = browser(&request).unwrap_or_default();
            match app.sessions.finish(state, &browser, now) {
                Some(PendingLogin { protocol: Protocol::Rest, exchanges, .. }) => {
                    ("SAML, through the REST API", exchanges)
                }
                _ => {
                    return message_page(
                        StatusCode::FORBIDDEN,
                        "This login was begun in another browser, or long ago.",
                    );
                }
            }
        }
    };
    exchanges.push(exchange);
    let person = SignedInUser {
        email: text(&answer, "email"),
        organization_external_id: text(&answer, "organizationExternalId"),
        organization_id: text(&answer, "organizationId"),
        attributes: attributes(&answer),
        way,
        exchanges,
        documents: Vec::new(),
        signed_in_at: now,
    };
    start_session(&app, &request, person)
}

/// The query of `GET /demo/oauth/callback` (RFC 6749 §4.1.2).
#[derive(Deserialize)]
pub(super) struct OauthCallback {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// `GET /demo/oauth/callback`: the browser returns with a code or an error.
async fn oauth_callback(app: App, request: HttpRequest, query: web::Query<OauthCallback>) -> HttpResponse {
    let now = app.clock.now();
    let browser = browser(&request).unwrap_or_default();
    let pending = query.state.as_ref().and_then(|state| app.sessions.finish(state, &browser, now));
    let Some(PendingLogin {
        protocol: Protocol::OpenIdConnect { nonce, code_verifier }, mut exchanges, ..
    }) = pending
    else {
        return message_page(StatusCode::FORBIDDEN, "This login was begun in another browser, or long ago.");
    };
    if let Some(error) = &query.error {
        let markup = views::refused(error, query.error_description.as_deref());
        return page(StatusCode::FORBIDDEN, PagePolicy::SameOriginForms, markup);
    }
    let Some(code) = &query.code else {
        return message_page(StatusCode::BAD_REQUEST, "This address was opened without a code.");
    };
    let (tokens, exchange) = match app.gateway.tokens(code, &code_verifier, &nonce, now).await {
        Ok(answer) => answer,
        Err(error) => return error_page(&error),
    };
    exchanges.push(exchange);
    let (userinfo, exchange) = match app.gateway.userinfo(&tokens.access_token).await {
        Ok(answer) => answer,
        Err(error) => return error_page(&error),
    };
    exchanges.push(exchange);
    if userinfo["sub"] != tokens.claims["sub"] {
        // OpenID Connect Core §5.3.2
        return message_page(
            StatusCode::BAD_GATEWAY,
            "The userinfo endpoint describes another user than the ID token.",
        );
    }
    let person = SignedInUser {
        email: text(&userinfo, "email"),
        organization_external_id: text(&tokens.claims, "organizationExternalId"),
        organization_id: text(&tokens.claims, "organizationId"),
        attributes: attributes(&tokens.claims),
        way: "OpenID Connect",
        exchanges,
        documents: vec![("ID token, decoded", tokens.claims)],
        signed_in_at: now,
    };
    start_session(&app, &request, person)
}

/// `POST /demo/sign-out`.
async fn sign_out(app: App, request: HttpRequest) -> HttpResponse {
    if let Some(session) = browser(&request) {
        app.sessions.sign_out(&session);
    }
    let mut gone = cookie(&app, String::new());
    gone.make_removal();
    HttpResponse::SeeOther().insert_header((header::LOCATION, path::DEMO)).cookie(gone).finish()
}

/// Signs a user in under a new session id, which prevents session fixation.
fn start_session(app: &DemoApp, request: &HttpRequest, person: SignedInUser) -> HttpResponse {
    if let Some(old) = browser(request) {
        app.sessions.sign_out(&old);
    }
    let session = app.token();
    app.sessions.sign_in(session.clone(), person);
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path::DEMO))
        .cookie(cookie(app, session))
        .finish()
}

fn error_page(error: &GatewayError) -> HttpResponse {
    let status = match error {
        GatewayError::Refused { status: 400..=499, .. } => StatusCode::BAD_REQUEST,
        _ => StatusCode::BAD_GATEWAY,
    };
    message_page(status, &error.to_string())
}

fn message_page(status: StatusCode, happened: &str) -> HttpResponse {
    page(status, PagePolicy::SameOriginForms, views::message(happened))
}

fn browser(request: &HttpRequest) -> Option<String> {
    request.cookie(COOKIE).map(|cookie| cookie.value().to_owned()).filter(|value| value.len() == 32)
}

fn cookie(app: &DemoApp, value: String) -> Cookie<'static> {
    Cookie::build(COOKIE, value)
        .path(path::DEMO)
        .http_only(true)
        .secure(app.links.origin().starts_with("https:"))
        .same_site(SameSite::Lax)
        .max_age(CookieDuration::hours(8))
        .finish()
}

/// All values of each attribute where the gateway returns them, else the one that SSOReady returns.
fn attributes(answer: &Value) -> Value {
    match &answer["attributeValues"] {
        Value::Null => answer["attributes"].clone(),
        values => values.clone(),
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
