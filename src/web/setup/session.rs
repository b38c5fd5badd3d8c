//! The extractors of the setup pages. They authenticate a browser that redeemed a link; every handler but those
//! of the link itself uses one.

use std::{fmt, future::Future, ops::Deref, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError, dev::Payload, http::StatusCode,
    web,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use maud::{Markup, html};

use super::{cookie, layout::SetupLayout};
use crate::{
    app::{self, Error, State, actor::Actor, setup::links},
    model::{
        branding::Branding, client_address::ClientAddress, environment::Environment,
        organization::Organization, secret::Digest, setup_link::SetupLink,
    },
    web::kit::{
        message::Message,
        posted::{PostedForm, PostedFormError, allow_large_body},
        response::{PagePolicy, page},
    },
};

/// The hidden field with the CSRF token, which is bound to the session.
const FORM_TOKEN: &str = "form_token";

/// The purpose that separates this token from others of the same key.
const FORM_PURPOSE: &str = "setup form";

/// An authenticated setup session, with all that its pages show.
pub struct SetupContext {
    /// The application state.
    pub state: web::Data<State>,
    /// The link.
    pub link: SetupLink,
    /// The actor for use cases.
    pub actor: Actor,
    /// The organization.
    pub organization: Organization,
    /// Its environment.
    pub environment: Environment,
    /// The vendor's branding.
    pub branding: Branding,
    form_token: String,
    /// The request.
    pub request: HttpRequest,
}

impl SetupContext {
    async fn of(request: &HttpRequest) -> Result<Self, ExtractError> {
        let state = application_state(request)?.clone();
        let Some(BrowserSession { link, organization, environment, value }) =
            current_session(&state, request).await?
        else {
            return Err(ExtractError::NoSession);
        };
        let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
        let branding = app::environments::branding::of_environment(&state, link.environment_id).await?;
        Ok(Self {
            actor: links::actor_of(&link).at(address),
            form_token: BASE64.encode(state.master_key.compute_tag(FORM_PURPOSE, &session_name(&value))),
            organization,
            environment,
            branding,
            link,
            state,
            request: request.clone(),
        })
    }

    /// A query parameter of the page.
    pub fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.request.query_string().as_bytes())
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The application's name.
    pub fn application(&self) -> &str {
        let name = self.branding.application_name.as_deref().unwrap_or(&self.environment.display_name);
        if name.trim().is_empty() { self.environment.slug.as_str() } else { name }
    }

    /// The hidden field with the CSRF token, for every form.
    pub fn csrf(&self) -> Markup {
        csrf_field(&self.form_token)
    }

    /// The document around its pages.
    pub fn layout(&self) -> SetupLayout<'_> {
        SetupLayout {
            branding: &self.branding,
            application: self.application(),
            organization: Some(self.organization.display_name.as_str()).filter(|name| !name.is_empty()),
            leave: Some(self.csrf()),
            banner: self.state.settings.test_idp.then_some(crate::web::kit::layout::TEST_SETUP_BANNER),
        }
    }
}

/// A valid session of a browser.
pub struct BrowserSession {
    link: SetupLink,
    organization: Organization,
    environment: Environment,
    /// Its cookie.
    pub value: String,
}

/// The valid session of a request, by the cookie that is accepted at the requested host.
pub async fn current_session(state: &State, request: &HttpRequest) -> app::Result<Option<BrowserSession>> {
    for presented in cookie::read(request) {
        let Some(session) = links::authenticate(state, &presented.value).await? else { continue };
        let link = session.link;
        let (organization, environment) = links::load_context(state, &link).await?;
        if presented.is_accepted_at(&cookie::links_for_host(state, &environment, request)) {
            return Ok(Some(BrowserSession { link, organization, environment, value: presented.value }));
        }
    }
    Ok(None)
}

fn csrf_field(token: &str) -> Markup {
    html! { input type="hidden" name=(FORM_TOKEN) value=(token); }
}

/// The session in the input of the CSRF token: a digest, not its secret.
fn session_name(cookie: &str) -> String {
    Digest::of(cookie).to_hex()
}

impl FromRequest for SetupContext {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

/// A posted form whose CSRF token belongs to this session.
pub struct SetupForm {
    /// The session.
    pub context: SetupContext,
    form: PostedForm,
}

impl Deref for SetupForm {
    type Target = PostedForm;

    fn deref(&self) -> &PostedForm {
        &self.form
    }
}

impl FromRequest for SetupForm {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            // Authentication comes first: the body of an unauthenticated request is never read.
            let context = SetupContext::of(&request).await?;
            allow_large_body(&request);
            let form = PostedForm::read(&request, &mut payload, &context.state.links.origin()).await?;
            if form.text(FORM_TOKEN) != context.form_token {
                return Err(PostedFormError::CsrfCheckFailed.into());
            }
            Ok(Self { context, form })
        })
    }
}

/// The posted form of a link's page, where there is no session yet.
pub struct AnonymousForm(pub PostedForm);

impl FromRequest for AnonymousForm {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let origin = application_state(&request)?.links.origin();
            Ok(Self(PostedForm::read(&request, &mut payload, &origin).await?))
        })
    }
}

fn application_state(request: &HttpRequest) -> Result<&web::Data<State>, ExtractError> {
    let state = request.app_data::<web::Data<State>>();
    state.ok_or_else(|| ExtractError::Internal(Error::internal("the server was built without its state")))
}

/// Why a request does not reach its handler.
#[derive(Debug)]
pub enum ExtractError {
    /// No link was redeemed in this browser, or the session expired.
    NoSession,
    /// The posted form was rejected.
    Form(PostedFormError),
    /// An internal error, or an organization that was deleted.
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
            Self::NoSession => f.write_str("no setup link was redeemed here"),
            Self::Form(error) => error.fmt(f),
            Self::Internal(error) => error.fmt(f),
        }
    }
}

impl ResponseError for ExtractError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoSession => StatusCode::UNAUTHORIZED,
            Self::Form(error) => error.status_code(),
            Self::Internal(Error::NotFound { .. }) => StatusCode::NOT_FOUND,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let message = match self {
            Self::NoSession | Self::Internal(Error::NotFound { .. }) => Message {
                reason: Some("setup_not_open"),
                ..Message::new(
                    "These setup pages are not open here",
                    "They open with the link that the application’s team sent you, in the browser in which you first \
                     opened it, until it expires.",
                    "Open the link in the browser that you used before, or ask whoever sent it for a new one.",
                )
            },
            Self::Form(error) => return error.error_response(),
            Self::Internal(error) => {
                crate::web::kit::error::log_internal_error(error);
                Message::internal()
            }
        };
        page(self.status_code(), PagePolicy::SameOriginForms, message.view())
    }
}
