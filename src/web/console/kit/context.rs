//! Extractors of the console's handlers: the administrator, the environment and the request. They require
//! a session, and `EnvironmentContext` also a role in the environment.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web};
use base::{
    id::{Id, IdKind, OrganizationId, OrganizationKind},
    time::Timestamp,
};
use maud::{Markup, html};
use model::{environment::Environment, organization::Organization};

use super::{
    caller::Caller,
    delegate::CurrentDelegate,
    error::ExtractError,
    flash::Flash,
    session::{CurrentAdministrator, application_state},
    shell::{EnvironmentLink, PageFrame, Section, Shell},
};
use crate::{
    app::{
        Error, State,
        authorization_server::sign_in::appearance,
        environments,
        permissions::Action,
        principal::{On, Principal},
        resource,
    },
    links::{self, console},
    web::kit::{
        components::{ButtonStyle, Icon, link_button, notice},
        error::PageError,
        layout,
        list::ListUrl,
    },
};

/// How many environments the switcher lists.
const SWITCHER_SIZE: usize = 10;

/// The context of a page outside any environment.
pub struct ConsoleContext {
    /// The application's state.
    pub state: web::Data<State>,
    /// The signed-in administrator.
    pub admin: CurrentAdministrator,
    /// What the shell shows around the page.
    pub frame: PageFrame,
    request: HttpRequest,
}

/// The context of a page of an environment in which the administrator has a role.
pub struct EnvironmentContext {
    /// The application's state.
    pub state: web::Data<State>,
    /// Who uses the page.
    pub caller: Caller,
    /// The environment.
    pub environment: Environment,
    /// The caller as a principal in this environment; an organization's own administrator as one of that organization.
    pub principal: Principal,
    /// What the shell shows around the page.
    pub frame: PageFrame,
    request: HttpRequest,
}

/// An environment's display name, or its slug if it has none.
pub fn environment_name(environment: &Environment) -> &str {
    match environment.display_name.trim() {
        "" => environment.slug.as_str(),
        _ => &environment.display_name,
    }
}

impl ConsoleContext {
    async fn extract_from(request: HttpRequest) -> Result<Self, actix_web::Error> {
        let admin = CurrentAdministrator::extract(&request).await?;
        let state = request.app_data::<web::Data<State>>().cloned();
        let state =
            state.ok_or_else(|| ExtractError::Internal(Error::internal("a server without its state")))?;
        let frame = PageFrame {
            email: admin.administrator.email.to_string(),
            csrf: admin.csrf_field(),
            environment: None,
            others: Vec::new(),
            flash: Flash::read(&state.links, &request),
            banner: state.settings.test_idp.then_some(layout::TEST_SETUP_BANNER),
            delegated: None,
        };
        Ok(Self { state, admin, frame, request })
    }

    /// The shell of a page outside any environment.
    pub fn shell<'a>(&'a self, title: &'a str) -> Shell<'a> {
        Shell::without_environment(&self.frame, title)
    }

    /// The hidden field with the CSRF token.
    pub fn csrf(&self) -> Markup {
        self.admin.csrf_field()
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.state.now()
    }

    /// The request.
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }
}

impl EnvironmentContext {
    async fn extract_from(request: HttpRequest) -> Result<Self, actix_web::Error> {
        if CurrentDelegate::is_called(&request) {
            return Self::of_delegate(request).await;
        }
        let ConsoleContext { state, admin, mut frame, request } =
            ConsoleContext::extract_from(request).await?;
        let id = request.match_info().get("environment").unwrap_or_default();
        let (environment, principal) = admin.authorize_in(&state, id).await.map_err(PageError)?;
        request.extensions_mut().insert(principal);
        let named =
            |one: &Environment| EnvironmentLink { id: one.id, name: environment_name(one).to_owned() };
        let role = admin.grants.role_in(environment.id).map_or("", |(role, _)| role.as_str());
        frame.others = admin
            .first_environments(&state, SWITCHER_SIZE)
            .await
            .map_err(PageError)?
            .iter()
            .map(named)
            .collect();
        frame.environment = Some((named(&environment), role));
        Ok(Self {
            state,
            caller: Caller::Administrator(Box::new(admin)),
            environment,
            principal,
            frame,
            request,
        })
    }

    async fn of_delegate(request: HttpRequest) -> Result<Self, actix_web::Error> {
        let current = CurrentDelegate::of(&request).await?;
        let state = application_state(&request)?.clone();
        let principal = current.delegate.principal;
        let id = current.issuer.tenant.environment_id.to_string();
        let environment = environments::find(&state, &id).await.map_err(PageError)?;
        let appearance = appearance::of_issuer(&state, &current.issuer).await.map_err(PageError)?;
        let frame = PageFrame {
            email: current.delegate.signed_in.user().display_name().to_owned(),
            csrf: current.csrf_field(),
            environment: None,
            others: Vec::new(),
            flash: Flash::read(&state.links, &request),
            banner: state.settings.test_idp.then_some(layout::TEST_SETUP_BANNER),
            delegated: Some(current.frame(appearance, request.path())),
        };
        let caller = Caller::Delegate(Box::new(current));
        Ok(Self { state, caller, environment, principal, frame, request })
    }

    /// The organization's own administrator who uses the page; `None`: it is one of the vendor.
    pub fn delegate(&self) -> Option<&CurrentDelegate> {
        match &self.caller {
            Caller::Administrator(_) => None,
            Caller::Delegate(delegate) => Some(delegate),
        }
    }

    /// The organization with this id: any of the environment, for its own administrator theirs alone.
    pub async fn organization(&self, id: OrganizationId) -> Result<Organization, PageError> {
        let Some(current) = self.delegate() else {
            return Ok(resource::find(&self.state, &self.principal, id).await?);
        };
        let own = &current.delegate.organization;
        let not_found = || PageError(Error::not_found(OrganizationKind::NOUN, id));
        (own.id == id).then(|| own.clone()).ok_or_else(not_found)
    }

    /// The administrator of the vendor who uses the page.
    pub fn administrator(&self) -> Option<&CurrentAdministrator> {
        match &self.caller {
            Caller::Administrator(administrator) => Some(administrator),
            Caller::Delegate(_) => None,
        }
    }

    /// The shell of a page in a section of the environment.
    pub fn shell<'a>(&'a self, section: Section, title: &'a str) -> Shell<'a> {
        Shell::new(&self.frame, section, title)
    }

    /// The shell of a page of an organization's own administrator that is in no section.
    pub fn plain_shell<'a>(&'a self, title: &'a str) -> Shell<'a> {
        Shell::without_environment(&self.frame, title)
    }

    /// The hidden field with the CSRF token.
    pub fn csrf(&self) -> Markup {
        self.caller.csrf_field()
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.state.now()
    }

    /// A notice, above a form, that the action needs a recent authentication, with a link that returns here;
    /// `None` if the last one is recent. `what` names the action: "invite somebody".
    pub fn confirm_identity_notice(&self, what: &str) -> Option<Markup> {
        let way = match &self.caller {
            Caller::Administrator(administrator) if administrator.recently_authenticated => return None,
            Caller::Administrator(_) => links::with_next(console::ACCOUNT, self.request.path()),
            Caller::Delegate(current) if current.delegate.signed_in.is_recent(self.now()) => return None,
            Caller::Delegate(current) => current.confirm(&self.request),
        };
        Some(notice(
            Icon::Attention,
            "Confirm first that it is you",
            html! {
                p { "You last proved it more than ten minutes ago. Do so again before you " (what) "." }
                p { (link_button(ButtonStyle::Plain, "Confirm that it is you", &way)) }
            },
        ))
    }

    /// A path in this environment: a pattern of `links::console` and its segments after the environment.
    pub fn href(&self, pattern: &str, segments: &[&dyn std::fmt::Display]) -> String {
        if let Some(delegate) = self.delegate() {
            return delegate.href(pattern, segments);
        }
        let mut all: Vec<&dyn std::fmt::Display> = vec![&self.environment.id];
        all.extend(segments);
        links::expand(pattern, &all)
    }

    /// The id in a path segment. A malformed id is answered as not found.
    pub fn id<K: IdKind>(&self, segment: &str) -> Result<Id<K>, PageError> {
        let text = self.segment(segment);
        text.parse().map_err(|_| PageError(Error::not_found(K::NOUN, text)))
    }

    /// A path segment by name; empty if the route has none.
    pub fn segment(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// The page of a list and its filters, from the path and query.
    pub fn place(&self, filters: &[&str]) -> ListUrl {
        ListUrl::read(self.request.path(), self.request.query_string(), filters)
    }

    /// Whether the administrator may do this in the environment.
    pub fn may(&self, action: Action) -> bool {
        self.require(action).is_ok()
    }

    /// Returns an error unless the administrator may do this in the environment. For pages with a form.
    pub fn require(&self, action: Action) -> Result<(), PageError> {
        // Of what an organization's own administrator may do in it the use case asks again.
        self.principal.authorize(action, On::AnyOrganization).map(drop).map_err(PageError)
    }

    /// The request.
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }
}

type ExtractFuture<T> = Pin<Box<dyn Future<Output = Result<T, actix_web::Error>>>>;

impl FromRequest for ConsoleContext {
    type Error = actix_web::Error;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::extract_from(request.clone()))
    }
}

impl FromRequest for EnvironmentContext {
    type Error = actix_web::Error;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::extract_from(request.clone()))
    }
}
