//! Where a page of the console is: who visits, in which environment, with what in the address. Handlers
//! begin with one of these two; nobody gets further without a session and a role.

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

/// How many environments the switcher offers; the list of all is one step further.
const NEARBY: usize = 10;

/// A page that is of no environment.
pub struct Lobby {
    /// The service.
    pub state: web::Data<State>,
    /// Who visits.
    pub visitor: Visitor,
    /// What stands around the page.
    pub frame: Frame,
    request: HttpRequest,
}

/// A page of an environment in which the visitor has a role.
pub struct Here {
    /// The service.
    pub state: web::Data<State>,
    /// Who visits.
    pub visitor: Visitor,
    /// The environment.
    pub environment: Environment,
    /// The visitor at work in it.
    pub actor: Actor,
    /// What stands around the page.
    pub frame: Frame,
    request: HttpRequest,
}

/// What an environment is called: its name, or its slug where it has none.
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

    /// A page around which nothing of an environment stands.
    pub fn shell<'a>(&'a self, title: &'a str) -> Shell<'a> {
        Shell::outside(&self.frame, title)
    }

    /// The hidden field of every form.
    pub fn csrf(&self) -> Markup {
        self.visitor.csrf_field()
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.state.now()
    }

    /// The request, for what stands in it besides.
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

    /// A page of one of the environment's sections.
    pub fn shell<'a>(&'a self, section: Section, title: &'a str) -> Shell<'a> {
        Shell::new(&self.frame, section, title)
    }

    /// The hidden field of every form.
    pub fn csrf(&self) -> Markup {
        self.visitor.csrf_field()
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.state.now()
    }

    /// Says before anything is typed that this takes a proof of who sits here, and leads to it and back; nothing where
    /// it was proved lately. `what` says what for: "invite somebody".
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

    /// An address in this environment: the other segments of one of `links::console`.
    pub fn href(&self, pattern: &str, segments: &[&dyn std::fmt::Display]) -> String {
        let mut all: Vec<&dyn std::fmt::Display> = vec![&self.environment.id];
        all.extend(segments);
        links::to(pattern, &all)
    }

    /// The id that a segment of the address holds. One that cannot be an id names nothing.
    pub fn id<K: Kind>(&self, segment: &str) -> Result<Id<K>, Failure> {
        let text = self.segment(segment);
        text.parse().map_err(|_| Failure(Error::not_found(K::NOUN, text)))
    }

    /// A segment of the address.
    pub fn segment(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// Which page of a list with these filters the address names.
    pub fn place(&self, filters: &[&str]) -> Place {
        Place::read(self.request.path(), self.request.query_string(), filters)
    }

    /// Whether the visitor may change what is in the environment.
    pub fn may_manage(&self) -> bool {
        self.actor.managed_environment().is_ok()
    }

    /// Whether the visitor may change the environment itself.
    pub fn may_own(&self) -> bool {
        self.actor.owned_environment().is_ok()
    }

    /// Refuses whoever may not change what is in the environment: before a form is shown.
    pub fn manage(&self) -> Result<(), Failure> {
        self.actor.managed_environment().map(drop).map_err(Failure)
    }

    /// Refuses whoever may not change the environment itself.
    pub fn own(&self) -> Result<(), Failure> {
        self.actor.owned_environment().map(drop).map_err(Failure)
    }

    /// The request, for what stands in it besides.
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
