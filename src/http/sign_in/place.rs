//! The organization at which somebody signs in, by the path, with what its pages show.

use std::{fmt, future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError,
    dev::Payload,
    http::{StatusCode, header},
    web,
};
use base::id::OrganizationId;
use oauth::{Error as OauthError, authorize::response_url, sign_in_request::ResponseMode};

use crate::{
    app::{
        Error, State,
        authorization_server::{
            issuers::{Issuer, IssuerForm, sign_in_of},
            sign_in::{
                ClientAnswer, Visitor,
                appearance::{self, Appearance},
            },
        },
        login::BeginOutcome,
        mail::Onward,
    },
    http::{
        login_error::{refusal_response, wants_json},
        oauth::{body::error_body, issuers},
    },
    links::{expand, path},
    web::{
        account::wanted::Wanted,
        kit::{
            error::{self, Area},
            message::Message,
            posted::{PostedForm, PostedFormError},
            response::{PagePolicy, page},
        },
        login::{
            auto_post::{AutoPost, AutoPostPurpose},
            idp_redirect::{banner, see_other, send_to_idp},
        },
        sign_in::{
            cookies::{self, Purpose},
            layout::SignInLayout,
            pages::REQUEST,
            visitor,
        },
    },
};

/// An organization that has an issuer, and the request that came to it.
pub(in crate::http) struct Place {
    /// The state.
    pub state: web::Data<State>,
    /// The issuer at which people sign in.
    pub issuer: Issuer,
    /// By which of its names it was called.
    pub form: IssuerForm,
    /// The organization.
    pub organization: OrganizationId,
    /// What was called.
    pub request: HttpRequest,
}

/// Why a request to such a place is answered with a page.
#[derive(Debug)]
pub(in crate::http) enum PlaceError {
    /// An error of a use case.
    App(Error),
    /// The form cannot be taken.
    Form(PostedFormError),
}

impl From<Error> for PlaceError {
    fn from(error: Error) -> Self {
        Self::App(error)
    }
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(error) => error.fmt(f),
            Self::Form(error) => error.fmt(f),
        }
    }
}

impl ResponseError for PlaceError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::App(error) => error::status(error),
            Self::Form(error) => error.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::App(Error::NotFound { .. }) => {
                let message = Message::new(
                    "Nobody can sign in here",
                    "There is no such organization, or it is switched off at the moment.",
                    "Check the address. If a link or an app led you here, tell whoever runs it.",
                );
                let message = Message { reason: Some("organization_unavailable"), ..message };
                page(StatusCode::NOT_FOUND, PagePolicy::SameOriginForms, message.view())
            }
            Self::App(error) => {
                error::log_internal_error(error);
                error::respond(error, Area::Login, None)
            }
            Self::Form(error) => error.error_response(),
        }
    }
}

/// The result of a handler.
pub(in crate::http) type Reply = Result<HttpResponse, PlaceError>;

impl FromRequest for Place {
    type Error = PlaceError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PlaceError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let state = request.app_data::<web::Data<State>>().cloned();
            let state = state.ok_or_else(|| Error::internal("the server was built without its state"))?;
            let called = issuers::find(&request).await?;
            let form = called.form();
            let issuer = match called.is_tenant() {
                true => sign_in_of(&mut state.db.read().await.map_err(Error::from)?, called).await?,
                false => called,
            };
            let organization = issuer.organization().map(|organization| organization.id);
            let organization =
                organization.ok_or_else(|| Error::not_found("workspace", issuer.workspace()))?;
            Ok(Self { state, issuer, form, organization, request })
        })
    }
}

/// The body of a POST by one of the pages. That it comes from one of ours is checked.
pub(in crate::http) struct SignInForm(pub PostedForm);

/// The name of the sign-in from which a form comes, if it is one: among the extensions of the request, for the way back.
pub(in crate::http) struct SignInName(pub String);

impl FromRequest for SignInForm {
    type Error = PlaceError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PlaceError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = request.app_data::<web::Data<State>>().cloned();
            let state = state.ok_or_else(|| Error::internal("the server was built without its state"))?;
            let posted = PostedForm::read(&request, &mut payload, &state.links.origin()).await;
            let posted = posted.map_err(PlaceError::Form)?;
            let name = Onward::parse(posted.text(REQUEST), "").request().to_owned();
            request.extensions_mut().insert(SignInName(name));
            Ok(Self(posted))
        })
    }
}

impl Place {
    /// The browser of the request.
    pub(in crate::http) fn visitor(&self) -> Visitor {
        visitor::visitor(&self.state, &self.request, self.organization)
    }

    /// The path of one of the organization's pages, in its canonical form.
    pub(in crate::http) fn path(&self, pattern: &str) -> String {
        expand(pattern, &[&self.issuer.tenant.name, &self.issuer.workspace()])
    }

    /// Where somebody signs in who wants a page of their account.
    pub(in crate::http) fn sign_in_for(&self, wanted: &Wanted) -> String {
        let sign_in = self.path(path::WORKSPACE_SIGN_IN);
        match wanted.is_first() {
            true => sign_in,
            false => format!("{sign_in}?next={}", wanted.name()),
        }
    }

    /// The path of the page that somebody wants.
    pub(in crate::http) fn path_of(&self, wanted: &Wanted) -> String {
        wanted.path(&self.issuer.tenant.name, &self.issuer.workspace())
    }

    /// Sends the browser to its account: to the page for which somebody signed in, if there is one.
    pub(super) fn to_account(&self) -> HttpResponse {
        let links = &self.state.links;
        let wanted = cookies::read(links, &self.request, self.organization, Purpose::Next);
        let page = Wanted::of(wanted.first().map_or("", String::as_str));
        let mut response = see_other(&self.path_of(&page));
        if !wanted.is_empty() {
            cookies::clear(links, &mut response, self.organization, Purpose::Next);
        }
        response
    }

    /// What the pages show.
    pub(in crate::http) async fn appearance(&self) -> Result<Appearance, PlaceError> {
        Ok(appearance::of_issuer(&self.state, &self.issuer).await?)
    }

    /// What the pages show to somebody who comes by the link of a letter.
    pub(super) async fn appearance_for(&self, onward: &Onward) -> Result<Appearance, PlaceError> {
        Ok(appearance::of_link(&self.state, &self.issuer, onward).await?)
    }

    /// The document around a page from which people may be sent to an identity provider: it says where that is the one that
    /// lets anybody in.
    pub(super) fn layout_before_company<'a>(&self, appearance: &'a Appearance) -> SignInLayout<'a> {
        SignInLayout { banner: banner(&self.state), ..self.layout(appearance) }
    }

    /// The document around a page.
    pub(in crate::http) fn layout<'a>(&self, appearance: &'a Appearance) -> SignInLayout<'a> {
        SignInLayout {
            branding: &appearance.branding,
            application: &appearance.application,
            organization: &appearance.organization,
            banner: None,
        }
    }

    /// Sends the browser to the client with the answer.
    pub(in crate::http) fn to_client(&self, answer: &ClientAnswer) -> HttpResponse {
        let pairs: Vec<(&str, &str)> =
            answer.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        match answer.mode {
            ResponseMode::Query => see_other(&response_url(&answer.redirect_uri, &pairs)),
            ResponseMode::FormPost => {
                let view = AutoPost {
                    action: &answer.redirect_uri,
                    fields: &pairs,
                    purpose: AutoPostPurpose::Application,
                    banner: banner(&self.state),
                };
                page(StatusCode::OK, PagePolicy::AnyFormTarget, view.view())
            }
        }
    }

    /// Sends the browser to an identity provider.
    pub(super) fn to_identity_provider(&self, login: BeginOutcome) -> HttpResponse {
        match login {
            BeginOutcome::Begun(begun) => send_to_idp(&self.state, begun),
            BeginOutcome::Refused(refused) => refusal_response(&self.state, &refused, &self.request),
        }
    }

    /// An error that must not be sent to a redirect URI (RFC 6749 §4.1.2.1): a page for the application's developer, or JSON
    /// for clients that ask for it.
    pub(in crate::http) fn developer_error(&self, error: &OauthError) -> HttpResponse {
        if wants_json(&self.request) {
            return HttpResponse::BadRequest()
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .json(error_body(error));
        }
        let happened = error.description();
        let view = Message { reason: Some(error.code()), ..Message::bad_request(&happened) };
        page(StatusCode::BAD_REQUEST, PagePolicy::SameOriginForms, view.view())
    }
}
