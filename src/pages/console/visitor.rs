//! Who visits the console, and what they post. Every handler of the console begins with one of these two:
//! without them nothing is shown and nothing is changed.

use std::{fmt, future::Future, ops::Deref, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError,
    dev::Payload,
    http::{Method, StatusCode, header},
    web,
};
use maud::{Markup, html};

use super::cookie;
use crate::{
    app::{
        Error, Result, State,
        actor::{Actor, Author},
        administrators::{Device, SignedIn, sessions},
    },
    links::{self, console},
    model::{client_address::ClientAddress, environment::Environment, id::EnvironmentId},
    pages::{
        message::Message,
        posted::{Posted, Unreadable, allow_large_body},
        response::{Policy, page},
    },
};

/// The hidden field that proves that a form was made for the session that sends it.
const FORM_TOKEN: &str = "form_token";

/// The browser that calls.
pub fn device(request: &HttpRequest) -> Device {
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Device {
        address: request.extensions().get::<ClientAddress>().map(|client| client.0),
        user_agent: user_agent.unwrap_or_default().to_owned(),
    }
}

/// An administrator who is signed in, and asks for something. Without a living session a page asked for
/// by GET leads to sign-in and back, and everything else is refused.
#[derive(Debug, Clone)]
pub struct Visitor {
    signed_in: SignedIn,
    device: Device,
    form_token: String,
}

impl Deref for Visitor {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl Visitor {
    /// The visitor at work in an environment; one in which they have no role is not there for them.
    pub fn actor(&self, environment_id: EnvironmentId) -> Result<Actor> {
        self.signed_in.actor(environment_id, self.device.address)
    }

    /// The environment that a path names, and the visitor at work in it.
    pub async fn enter(&self, state: &State, environment: &str) -> Result<(Environment, Actor)> {
        self.signed_in.enter(state, environment, self.device.address).await
    }

    /// The visitor as the author of what concerns more than one environment, or only themselves.
    pub fn author(&self) -> Author {
        self.signed_in.author(self.device.address)
    }

    /// The environments in which the visitor has a role.
    pub async fn environments(&self, state: &State) -> Result<Vec<Environment>> {
        self.signed_in.environments(state).await
    }

    /// The visitor's browser.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The hidden field that every form of the console holds.
    pub fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name=(FORM_TOKEN) value=(self.form_token); }
    }

    /// The visitor of this request; looked up once, however many ask.
    async fn of(request: &HttpRequest) -> Result<Self, Rejection> {
        if let Some(known) = request.extensions().get::<Self>() {
            return Ok(known.clone());
        }
        let state = state_of(request)?;
        let device = device(request);
        for value in cookie::read(&state.links, request) {
            if let Some(signed_in) = sessions::find(state, &value, &device).await? {
                let form_token = sessions::form_token(state, signed_in.session.id);
                let visitor = Self { signed_in, device, form_token };
                request.extensions_mut().insert(visitor.clone());
                return Ok(visitor);
            }
        }
        Err(match *request.method() {
            Method::GET | Method::HEAD => Rejection::SignIn { next: next_of(request) },
            _ => Rejection::SessionEnded,
        })
    }
}

/// Where a visitor wanted to go: the path and query of this request.
fn next_of(request: &HttpRequest) -> String {
    request.uri().path_and_query().map_or_else(String::new, |path| path.as_str().to_owned())
}

/// A path within the console to go on to after signing in. Everything else, and every way to write
/// another site's address, is the console's first page.
pub fn local_path(next: &str) -> &str {
    let inside = next
        .strip_prefix(console::HOME)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('?'));
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // Back to sign-in or out would lead in a circle.
    let leads_on =
        ![console::SIGN_IN, console::SIGN_OUT, console::JOIN].iter().any(|own| next.starts_with(own));
    let upwards = next.split(['/', '?']).any(|segment| segment == "..");
    if inside && plain && leads_on && !upwards && next.len() <= 2000 { next } else { console::HOME }
}

impl FromRequest for Visitor {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

/// The body of a POST by a signed-in visitor, from a page that was made for this very session.
#[derive(Debug)]
pub struct Form(Posted);

impl Deref for Form {
    type Target = Posted;

    fn deref(&self) -> &Posted {
        &self.0
    }
}

impl FromRequest for Form {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            // Who posts comes first: a stranger's body is never read.
            let visitor = Visitor::of(&request).await?;
            allow_large_body(&request);
            let state = state_of(&request)?;
            let posted = Posted::read(&request, &mut payload, &state.links.origin()).await?;
            if !sessions::is_form_token(state, visitor.session.id, posted.text(FORM_TOKEN)) {
                return Err(Unreadable::Foreign.into());
            }
            Ok(Self(posted))
        })
    }
}

/// The body of a POST by somebody who is not signed in yet, from a page of ours.
#[derive(Debug)]
pub struct OpenForm(Posted);

impl Deref for OpenForm {
    type Target = Posted;

    fn deref(&self) -> &Posted {
        &self.0
    }
}

impl FromRequest for OpenForm {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = state_of(&request)?;
            Ok(Self(Posted::read(&request, &mut payload, &state.links.origin()).await?))
        })
    }
}

fn state_of(request: &HttpRequest) -> Result<&web::Data<State>, Rejection> {
    let state = request.app_data::<web::Data<State>>();
    state.ok_or_else(|| Rejection::Failed(Error::internal("the server was built without its state")))
}

/// Why a visitor does not get to a handler.
#[derive(Debug)]
pub enum Rejection {
    /// They must sign in first.
    SignIn {
        /// Where they wanted to go.
        next: String,
    },
    /// They were signed in when they opened the page that posts.
    SessionEnded,
    /// What they post is not taken.
    Form(Unreadable),
    /// Our own failure.
    Failed(Error),
}

impl From<Unreadable> for Rejection {
    fn from(unreadable: Unreadable) -> Self {
        Self::Form(unreadable)
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn { .. } | Self::SessionEnded => f.write_str("not signed in"),
            Self::Form(unreadable) => unreadable.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } => StatusCode::SEE_OTHER,
            Self::SessionEnded => StatusCode::UNAUTHORIZED,
            Self::Form(unreadable) => unreadable.status_code(),
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::SignIn { next } => HttpResponse::SeeOther()
                .insert_header((header::LOCATION, links::console_sign_in(local_path(next))))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .finish(),
            Self::SessionEnded => {
                let message = Message {
                    reason: Some("session_ended"),
                    onward: Some(("Sign in", console::SIGN_IN)),
                    ..Message::new(
                        "You are signed out",
                        "Your session ended before this was sent. Nothing was changed.",
                        "Sign in, then send it again: the page you came from still holds what you typed.",
                    )
                };
                page(self.status_code(), Policy::Own, message.view())
            }
            Self::Form(unreadable) => unreadable.error_response(),
            Self::Failed(error) => {
                if let Error::Internal(source) = error {
                    tracing::error!(
                        cause = crate::telemetry::causes(&**source),
                        "request failed on our side"
                    );
                }
                page(self.status_code(), Policy::Own, Message::internal().view())
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
            assert_eq!(local_path(good), good);
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
            assert_eq!(local_path(bad), "/console", "{bad:?}");
        }
        assert_eq!(local_path(&format!("/console/{}", "x".repeat(2000))), "/console");
    }
}
