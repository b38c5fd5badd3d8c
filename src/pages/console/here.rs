//! Extractors of the console's handlers: the administrator, the environment and the request. They require
//! a session, and `EnvironmentContext` also a role in the environment.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use maud::{Markup, html};

use super::{
    flash::Flash,
    shell::{Frame, Named, Section, Shell},
    visitor::{Rejection, Visitor},
};
use crate::{
    app::{Error, State, actor::Actor},
    links::{self, console},
    model::{
        environment::Environment,
        id::{Id, Kind},
        time::Timestamp,
    },
    pages::{
        components::{Shape, Weight, link_button, notice},
        error::Failure,
        layout,
        list::Place,
    },
};

/// How many environments the switcher lists.
const NEARBY: usize = 10;

/// The context of a page outside any environment.
pub struct Lobby {
    /// The application's state.
    pub state: web::Data<State>,
    /// The signed-in administrator.
    pub visitor: Visitor,
    /// What the shell shows around the page.
    pub frame: Frame,
    request: HttpRequest,
}

/// The context of a page of an environment in which the administrator has a role.
pub struct Here {
    /// The application's state.
    pub state: web::Data<State>,
    /// The signed-in administrator.
    pub visitor: Visitor,
    /// The environment.
    pub environment: Environment,
    /// The administrator as an actor in this environment.
    pub actor: Actor,
    /// What the shell shows around the page.
    pub frame: Frame,
    request: HttpRequest,
}

/// An environment's display name, or its slug if it has none.
pub fn name_of(environment: &Environment) -> &str {
    match environment.display_name.trim() {
        "" => environment.slug.as_str(),
        _ => &environment.display_name,
    }
}

impl Lobby {
    async fn of(request: HttpRequest) -> Result<Self, actix_web::Error> {
        let visitor = Visitor::extract(&request).await?;
        let state = request.app_data::<web::Data<State>>().cloned();
        let state = state.ok_or_else(|| Rejection::Failed(Error::internal("a server without its state")))?;
        let frame = Frame {
            email: visitor.administrator.email.to_string(),
            csrf: visitor.csrf_field(),
            environment: None,
            others: Vec::new(),
            flash: Flash::read(&state.links, &request),
            banner: state.settings.test_idp.then_some(layout::TEST_SET_UP),
        };
        Ok(Self { state, visitor, frame, request })
    }

    /// The shell of a page outside any environment.
    pub fn shell<'a>(&'a self, title: &'a str) -> Shell<'a> {
        Shell::outside(&self.frame, title)
    }

    /// The hidden field with the CSRF token.
    pub fn csrf(&self) -> Markup {
        self.visitor.csrf_field()
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

impl Here {
    async fn of(request: HttpRequest) -> Result<Self, actix_web::Error> {
        let Lobby { state, visitor, mut frame, request } = Lobby::of(request).await?;
        let id = request.match_info().get("environment").unwrap_or_default();
        let (environment, actor) = visitor.enter(&state, id).await.map_err(Failure)?;
        let named = |one: &Environment| Named { id: one.id, name: name_of(one).to_owned() };
        let role = visitor.grants.role_in(environment.id).map_or("", |(role, _)| role.as_str());
        frame.others = visitor.nearby(&state, NEARBY).await.map_err(Failure)?.iter().map(named).collect();
        frame.environment = Some((named(&environment), role));
        Ok(Self { state, visitor, environment, actor, frame, request })
    }

    /// The shell of a page in a section of the environment.
    pub fn shell<'a>(&'a self, section: Section, title: &'a str) -> Shell<'a> {
        Shell::new(&self.frame, section, title)
    }

    /// The hidden field with the CSRF token.
    pub fn csrf(&self) -> Markup {
        self.visitor.csrf_field()
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.state.now()
    }

    /// A notice, above a form, that the action needs a recent authentication, with a link that returns here;
    /// `None` if the last one is recent. `what` names the action: "invite somebody".
    pub fn confirm_first(&self, what: &str) -> Option<Markup> {
        if self.visitor.proved_lately {
            return None;
        }
        let way = links::with_next(console::ACCOUNT, self.request.path());
        Some(notice(
            Shape::Attention,
            "Confirm first that it is you",
            html! {
                p { "You last proved it more than ten minutes ago. Do so again before you " (what) "." }
                p { (link_button(Weight::Plain, "Confirm that it is you", &way)) }
            },
        ))
    }

    /// A path in this environment: a pattern of `links::console` and its segments after the environment.
    pub fn href(&self, pattern: &str, segments: &[&dyn std::fmt::Display]) -> String {
        let mut all: Vec<&dyn std::fmt::Display> = vec![&self.environment.id];
        all.extend(segments);
        links::to(pattern, &all)
    }

    /// The id in a path segment. A malformed id is answered as not found.
    pub fn id<K: Kind>(&self, segment: &str) -> Result<Id<K>, Failure> {
        let text = self.segment(segment);
        text.parse().map_err(|_| Failure(Error::not_found(K::NOUN, text)))
    }

    /// A path segment by name; empty if the route has none.
    pub fn segment(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// The page of a list and its filters, from the path and query.
    pub fn place(&self, filters: &[&str]) -> Place {
        Place::read(self.request.path(), self.request.query_string(), filters)
    }

    /// Whether the administrator may change what is in the environment.
    pub fn may_manage(&self) -> bool {
        self.actor.managed_environment().is_ok()
    }

    /// Whether the administrator may change the environment itself.
    pub fn may_own(&self) -> bool {
        self.actor.owned_environment().is_ok()
    }

    /// Returns an error unless the administrator may change what is in the environment. For pages with a form.
    pub fn manage(&self) -> Result<(), Failure> {
        self.actor.managed_environment().map(drop).map_err(Failure)
    }

    /// Returns an error unless the administrator may change the environment itself.
    pub fn own(&self) -> Result<(), Failure> {
        self.actor.owned_environment().map(drop).map_err(Failure)
    }

    /// The request.
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }
}

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, actix_web::Error>>>>;

impl FromRequest for Lobby {
    type Error = actix_web::Error;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::of(request.clone()))
    }
}

impl FromRequest for Here {
    type Error = actix_web::Error;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::of(request.clone()))
    }
}
