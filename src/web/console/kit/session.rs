//! Extractors that authenticate an administrator and check the CSRF token of posted forms. Every handler
//! of the console uses one of them.

use std::{fmt, future::Future, ops::Deref, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError,
    dev::Payload,
    http::{Method, StatusCode, header},
    web,
};
use maud::{Markup, html};

use super::cookies;
use crate::{
    app::{
        Error, Result, State,
        actor::{Actor, Principal},
        administrators::{Device, SignedIn, sessions},
    },
    links::{self, console},
    model::{client_address::ClientAddress, environment::Environment, id::EnvironmentId},
    web::kit::{
        message::Message,
        posted::{PostedForm, PostedFormError, allow_large_body},
        response::{PagePolicy, page},
    },
};

/// The hidden field with the CSRF token: an HMAC of the session's id.
const FORM_TOKEN: &str = "form_token";

/// The client's address and user agent.
pub fn device(request: &HttpRequest) -> Device {
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Device {
        address: request.extensions().get::<ClientAddress>().map(|client| client.0),
        user_agent: user_agent.unwrap_or_default().to_owned(),
    }
}

/// A signed-in administrator. Without an active session, GET and HEAD redirect to sign-in and return
/// afterwards; other methods answer 401.
#[derive(Debug, Clone)]
pub struct CurrentAdministrator {
    signed_in: SignedIn,
    device: Device,
    form_token: String,
}

impl Deref for CurrentAdministrator {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl CurrentAdministrator {
    /// The administrator as an actor in an environment; not found if they have no role in it.
    pub fn actor(&self, environment_id: EnvironmentId) -> Result<Actor> {
        self.signed_in.actor(environment_id, self.device.address)
    }

    /// The environment with this id, and the administrator as an actor in it.
    pub async fn authorize_in(&self, state: &State, environment: &str) -> Result<(Environment, Actor)> {
        self.signed_in.authorize_in(state, environment, self.device.address).await
    }

    /// The administrator as the principal of changes outside a single environment.
    pub fn principal(&self) -> Principal {
        self.signed_in.principal(self.device.address)
    }

    /// The environments in which the administrator has a role.
    pub async fn environments(&self, state: &State) -> Result<Vec<Environment>> {
        self.signed_in.environments(state).await
    }

    /// The administrator's browser.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The hidden field with the CSRF token, for every form of the console.
    pub fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name=(FORM_TOKEN) value=(self.form_token); }
    }

    /// The administrator of this request. Cached in the request's extensions: one lookup a request.
    async fn of(request: &HttpRequest) -> Result<Self, ExtractError> {
        if let Some(known) = request.extensions().get::<Self>() {
            return Ok(known.clone());
        }
        let state = application_state(request)?;
        let device = device(request);
        for value in cookies::read(&state.links, request) {
            if let Some(signed_in) = sessions::find(state, &value, &device).await? {
                let form_token = sessions::csrf_token(state, signed_in.session.id);
                let admin = Self { signed_in, device, form_token };
                request.extensions_mut().insert(admin.clone());
                return Ok(admin);
            }
        }
        Err(match *request.method() {
            Method::GET | Method::HEAD => ExtractError::NotSignedIn { next: requested_path(request) },
            _ => ExtractError::SessionEnded,
        })
    }
}

/// The path and query of this request, to return to after sign-in.
fn requested_path(request: &HttpRequest) -> String {
    request.uri().path_and_query().map_or_else(String::new, |path| path.as_str().to_owned())
}

/// The path to redirect to after sign-in: `next` if it is a path of the console, else the console's first
/// page. Prevents open redirects.
pub fn safe_next(next: &str) -> &str {
    let inside = next
        .strip_prefix(console::HOME)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('?'));
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // Sign-in and sign-out as targets would loop.
    let leads_on =
        ![console::SIGN_IN, console::SIGN_OUT, console::JOIN].iter().any(|own| next.starts_with(own));
    let upwards = next.split(['/', '?']).any(|segment| segment == "..");
    if inside && plain && leads_on && !upwards && next.len() <= 2000 { next } else { console::HOME }
}

impl FromRequest for CurrentAdministrator {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

/// The body of a POST by a signed-in administrator. Its CSRF token is checked against their session.
#[derive(Debug)]
pub struct ConsoleForm(PostedForm);

impl Deref for ConsoleForm {
    type Target = PostedForm;

    fn deref(&self) -> &PostedForm {
        &self.0
    }
}

impl FromRequest for ConsoleForm {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            // Authenticate first: the body of an unauthenticated request is not read.
            let admin = CurrentAdministrator::of(&request).await?;
            allow_large_body(&request);
            let state = application_state(&request)?;
            let posted = PostedForm::read(&request, &mut payload, &state.links.origin()).await?;
            if !sessions::is_csrf_token(state, admin.session.id, posted.text(FORM_TOKEN)) {
                return Err(PostedFormError::CsrfCheckFailed.into());
            }
            Ok(Self(posted))
        })
    }
}

/// The body of a POST before sign-in. `Origin` is checked; there is no session for a CSRF token.
#[derive(Debug)]
pub struct AnonymousForm(PostedForm);

impl Deref for AnonymousForm {
    type Target = PostedForm;

    fn deref(&self) -> &PostedForm {
        &self.0
    }
}

impl FromRequest for AnonymousForm {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = application_state(&request)?;
            Ok(Self(PostedForm::read(&request, &mut payload, &state.links.origin()).await?))
        })
    }
}

fn application_state(request: &HttpRequest) -> Result<&web::Data<State>, ExtractError> {
    let state = request.app_data::<web::Data<State>>();
    state.ok_or_else(|| ExtractError::Internal(Error::internal("the server was built without its state")))
}

/// Why an extractor rejects a request.
#[derive(Debug)]
pub enum ExtractError {
    /// Not signed in; redirects to sign-in.
    NotSignedIn {
        /// The path to return to.
        next: String,
    },
    /// A POST without an active session.
    SessionEnded,
    /// The body could not be read, or came from another site.
    Form(PostedFormError),
    /// An internal error.
    Internal(Error),
}

impl From<PostedFormError> for ExtractError {
    fn from(error: PostedFormError) -> Self {
        Self::Form(error)
    }
}

impl From<Error> for ExtractError {
    fn from(error: Error) -> Self {
        Self::Internal(error)
    }
}

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn { .. } | Self::SessionEnded => f.write_str("not signed in"),
            Self::Form(error) => error.fmt(f),
            Self::Internal(error) => error.fmt(f),
        }
    }
}

impl ResponseError for ExtractError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotSignedIn { .. } => StatusCode::SEE_OTHER,
            Self::SessionEnded => StatusCode::UNAUTHORIZED,
            Self::Form(error) => error.status_code(),
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::NotSignedIn { next } => HttpResponse::SeeOther()
                .insert_header((header::LOCATION, links::console_sign_in(safe_next(next))))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .finish(),
            Self::SessionEnded => {
                let message = Message {
                    reason: Some("session_ended"),
                    next_link: Some(("Sign in", console::SIGN_IN)),
                    ..Message::new(
                        "You are signed out",
                        "Your session ended before this was sent. Nothing was changed.",
                        "Sign in, then send it again: the page you came from still holds what you typed.",
                    )
                };
                page(self.status_code(), PagePolicy::SameOriginForms, message.view())
            }
            Self::Form(error) => error.error_response(),
            Self::Internal(error) => {
                if let Error::Internal(source) = error {
                    tracing::error!(
                        cause = crate::telemetry::error_chain(&**source),
                        "request failed on our side"
                    );
                }
                page(self.status_code(), PagePolicy::SameOriginForms, Message::internal().view())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_console_are_gone_on_to() {
        for good in
            ["/console", "/console/", "/console/env_1/organizations?search=a%20b&page=2", "/console?x"]
        {
            assert_eq!(safe_next(good), good);
        }
        for bad in [
            "",
            "/",
            "console",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/console",
            "/console\\@evil.example",
            "/consoles",
            "/console@evil.example",
            "/console.evil.example",
            "javascript:alert(1)",
            "/console/../v1/oauth/authorize",
            "/console/..",
            "/console/\r\nX: y",
            "/console/ä",
            "/console/sign-in",
            "/console/sign-in?next=/console",
            "/console/sign-out",
            "/console/join?token=x",
            "/\t/evil.example",
            "/console/\u{0}",
        ] {
            assert_eq!(safe_next(bad), "/console", "{bad:?}");
        }
        assert_eq!(safe_next(&format!("/console/{}", "x".repeat(2000))), "/console");
    }
}
