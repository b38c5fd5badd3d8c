//! A request of a user to their own account: the organization by the path, the user by the session.

use std::{fmt, future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError, dev::Payload, http::StatusCode,
};
use maud::Markup;

use crate::{
    app::{
        Error, State,
        accounts::self_service::{self, SignedIn},
        authorization_server::sign_in::appearance::Appearance,
    },
    http::sign_in::place::{Place, PlaceError},
    links::path,
    web::{
        account::{
            frame::{AccountFrame, Done, Section},
            wanted::Wanted,
        },
        kit::{
            error::PageError,
            forms::FormErrors,
            message::Message,
            response::{PagePolicy, page, see_other},
            routing::MatchedRoute,
        },
        sign_in::cookies::{self, Purpose},
    },
};

/// A request of somebody who is signed in.
pub(super) struct AccountCall {
    /// The organization, and what was called.
    pub place: Place,
    /// The user with their session.
    pub signed_in: SignedIn,
}

/// Why a request to an account is not done.
#[derive(Debug)]
pub(in crate::http) enum AccountError {
    /// The place is not there, or the form cannot be taken.
    Place(PlaceError),
    /// Somebody must sign in, or prove once more who they are, at this path.
    Elsewhere(String),
    /// What it is about is not there any more, or not theirs.
    Gone,
}

impl From<Error> for AccountError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound { .. } => Self::Gone,
            error => Self::Place(PlaceError::App(error)),
        }
    }
}

impl From<PlaceError> for AccountError {
    fn from(error: PlaceError) -> Self {
        Self::Place(error)
    }
}

impl From<PageError> for AccountError {
    fn from(PageError(error): PageError) -> Self {
        Self::from(error)
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(error) => error.fmt(f),
            Self::Elsewhere(_) => f.write_str("the person must sign in"),
            Self::Gone => f.write_str("not there any more"),
        }
    }
}

impl ResponseError for AccountError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Place(error) => error.status_code(),
            Self::Elsewhere(_) => StatusCode::SEE_OTHER,
            Self::Gone => StatusCode::NOT_FOUND,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Place(error) => error.error_response(),
            Self::Elsewhere(path) => see_other(path),
            Self::Gone => {
                let message = Message::new(
                    "That is not there any more",
                    "It was removed or has ended in the meantime. Nothing was changed.",
                    "Go back to your account and look again.",
                );
                let message = Message { reason: Some("not_found"), ..message };
                page(StatusCode::NOT_FOUND, PagePolicy::SameOriginForms, message.view())
            }
        }
    }
}

/// The result of a handler.
pub(super) type Reply = Result<HttpResponse, AccountError>;

impl FromRequest for AccountCall {
    type Error = AccountError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AccountError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let place = Place::from_request(request, payload);
        Box::pin(async move {
            let place = place.await?;
            let found = self_service::find(&place.state, &place.issuer, &place.visitor()).await;
            match found.map_err(PlaceError::App)? {
                Some(signed_in) => Ok(Self { place, signed_in }),
                None => {
                    let route = place.request.extensions().get::<MatchedRoute>().cloned();
                    let section = route.map_or(Section::Account, |route| Section::of_route(&route.pattern));
                    Err(AccountError::Elsewhere(place.sign_in_for(&Wanted::Account(section))))
                }
            }
        })
    }
}

impl AccountCall {
    /// The state.
    pub(super) fn state(&self) -> &State {
        &self.place.state
    }

    /// Sends the browser to where the user proves once more who they are, unless they have done so recently.
    pub(super) fn require_recent(&self, section: Section) -> Result<(), AccountError> {
        if self.signed_in.is_recent(self.state().now()) {
            return Ok(());
        }
        let path = self.place.path(path::WORKSPACE_ACCOUNT_CONFIRM);
        Err(AccountError::Elsewhere(format!("{path}?next={}", section.name())))
    }

    /// What the pages show of vendor and organization.
    pub(super) async fn appearance(&self) -> Result<Appearance, AccountError> {
        Ok(self.place.appearance().await?)
    }

    fn done(&self) -> Option<Done> {
        let links = &self.state().links;
        let found = cookies::read(links, &self.place.request, self.place.organization, Purpose::Done);
        found.iter().find_map(|code| Done::of(code))
    }

    /// A page of the account. What was done before is said once.
    pub(super) async fn page(
        &self,
        errors: &FormErrors,
        view: impl FnOnce(&AccountFrame<'_>) -> Markup,
    ) -> Reply {
        let (appearance, done) = (self.appearance().await?, self.done());
        let workspace = self.place.issuer.workspace();
        let frame = AccountFrame {
            layout: self.place.layout(&appearance),
            tenant: &self.place.issuer.tenant.name,
            workspace: &workspace,
            done: done.filter(|_| errors.is_empty()),
            recent: self.signed_in.is_recent(self.state().now()),
            now: self.state().now(),
        };
        let mut response = page(errors.status(), PagePolicy::SameOriginForms, view(&frame));
        if done.is_some() {
            cookies::clear(&self.state().links, &mut response, self.place.organization, Purpose::Done);
        }
        Ok(response)
    }

    /// Sends the browser to a page that says what was done.
    pub(super) fn done_at(&self, pattern: &str, done: Done) -> HttpResponse {
        self.done_there(&self.place.path(pattern), done)
    }

    /// [`Self::done_at`] the page that was wanted; those of the administration say nothing of it.
    pub(super) fn done_at_wanted(&self, wanted: &Wanted, done: Done) -> HttpResponse {
        let path = self.place.path_of(wanted);
        match wanted {
            Wanted::Account(_) => self.done_there(&path, done),
            Wanted::Admin { .. } => see_other(&path),
        }
    }

    fn done_there(&self, path: &str, done: Done) -> HttpResponse {
        let mut response = see_other(path);
        let links = &self.state().links;
        cookies::set(links, &mut response, self.place.organization, Purpose::Done, done.code());
        response
    }
}
