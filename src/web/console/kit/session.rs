//! Extractors that authenticate an administrator and check the CSRF token of posted forms. Every handler
//! of the console uses one of them.

use std::{future::Future, ops::Deref, pin::Pin};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, http::Method, web};
use base::id::EnvironmentId;
use maud::{Markup, html};
use model::environment::Environment;

use super::{cookies, error::ExtractError, redirect::requested_path};
use crate::{
    app::{
        Error, Result, State,
        accounts::Device,
        administrators::{SignedIn, sessions},
        principal::Principal,
    },
    links::console,
    web::kit::request::device,
};

/// The hidden field with the CSRF token: an HMAC of the session's id.
pub(super) const FORM_TOKEN: &str = "form_token";

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
    /// The administrator as a principal in an environment; not found if they have no role in it.
    pub fn principal_in(&self, environment_id: EnvironmentId) -> Result<Principal> {
        self.signed_in.principal_in(environment_id, self.device.address)
    }

    /// The environment with this id, and the administrator as a principal in it.
    pub async fn authorize_in(&self, state: &State, environment: &str) -> Result<(Environment, Principal)> {
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
    pub(super) async fn of(request: &HttpRequest) -> Result<Self, ExtractError> {
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
                // For the record of a refusal. Another extractor may have inserted the one in the environment meanwhile.
                let is_known = request.extensions().contains::<Principal>();
                if !is_known {
                    request.extensions_mut().insert(admin.principal());
                }
                return Ok(admin);
            }
        }
        Err(match *request.method() {
            Method::GET | Method::HEAD => ExtractError::NotSignedIn { next: requested_path(request) },
            _ => ExtractError::SessionEnded { sign_in: console::SIGN_IN.to_owned() },
        })
    }
}

impl FromRequest for CurrentAdministrator {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

pub(super) fn application_state(request: &HttpRequest) -> Result<&web::Data<State>, ExtractError> {
    let state = request.app_data::<web::Data<State>>();
    state.ok_or_else(|| ExtractError::Internal(Error::internal("the server was built without its state")))
}
