//! The extractors of the setup pages. They authenticate a browser that redeemed a link; every handler but those
//! of the link itself uses one.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web};
use base::secret::Digest;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use maud::{Markup, html};
use model::{
    branding::Branding, environment::Environment, organization::Organization, setup_link::SetupLink,
};

use super::{cookie, error::ExtractError, layout::SetupLayout};
use crate::{
    app::{self, Error, State, authorization_server::issuers, principal::Principal, setup::sessions},
    web::kit::{layout, request::device},
};

/// The hidden field with the CSRF token, which is bound to the session.
pub(super) const FORM_TOKEN: &str = "form_token";

/// The purpose that separates this token from others of the same key.
const FORM_PURPOSE: &str = "setup form";

/// An authenticated setup session, with all that its pages show.
pub struct SetupContext {
    /// The application state.
    pub state: web::Data<State>,
    /// The link.
    pub link: SetupLink,
    /// The principal for use cases.
    pub principal: Principal,
    /// The organization.
    pub organization: Organization,
    /// Its environment.
    pub environment: Environment,
    /// The vendor's branding.
    pub branding: Branding,
    /// The first page of the organization's administration, if whoever made the link for themselves came from there.
    pub administration: Option<String>,
    pub(super) form_token: String,
    /// The request.
    pub request: HttpRequest,
}

impl SetupContext {
    pub(super) async fn of(request: &HttpRequest) -> Result<Self, ExtractError> {
        let state = application_state(request)?.clone();
        let Some(BrowserSession { link, organization, environment, value }) =
            current_session(&state, request).await?
        else {
            return Err(ExtractError::NoSession);
        };
        let branding = app::environments::branding::of_environment(&state, link.environment_id).await?;
        let principal = sessions::actor_of(&link).at(device(request).address);
        // For the record of a refusal.
        request.extensions_mut().insert(principal);
        Ok(Self {
            administration: administration(&state, &link, &organization, &environment),
            principal,
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
            administration: self.administration.as_deref(),
            banner: self.state.settings.test_idp.then_some(layout::TEST_SETUP_BANNER),
        }
    }
}

/// Where an organization's own administrator came from, who made a link for themselves.
fn administration(
    state: &State,
    link: &SetupLink,
    organization: &Organization,
    environment: &Environment,
) -> Option<String> {
    link.is_own().then(|| {
        let alias = organization.public_alias.as_ref().map(|alias| alias.as_str());
        let segment = issuers::organization_segment(environment.id, organization.id, alias);
        state.links.administration(environment.slug.as_str(), &segment).into()
    })
}

/// A valid session of a browser.
pub struct BrowserSession {
    /// The link that it began with.
    pub link: SetupLink,
    organization: Organization,
    environment: Environment,
    /// Its cookie.
    pub value: String,
}

/// The valid session of a request, by the cookie that is accepted at the requested host.
pub async fn current_session(state: &State, request: &HttpRequest) -> app::Result<Option<BrowserSession>> {
    for presented in cookie::read(request) {
        let address = device(request).address;
        let Some(link) = sessions::authenticate(state, &presented.value, address).await? else { continue };
        let (organization, environment) = sessions::load_context(state, &link).await?;
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

pub(super) fn application_state(request: &HttpRequest) -> Result<&web::Data<State>, ExtractError> {
    let state = request.app_data::<web::Data<State>>();
    state.ok_or_else(|| ExtractError::Internal(Error::internal("the server was built without its state")))
}
