//! What a login does differently by each protocol, before the identity provider has answered.

use std::time::Duration;

use base::{
    id::{EnvironmentKind, Id, LoginFlowId},
    time::Timestamp,
};
use model::{connection::Connection, login_flow::LoginFlow};
use saml::binding::PostForm;
use url::Url;

use crate::{
    app::{Result, State},
    links::Links,
    store::{self, Conn, login_connections::LoginConnection, table::Table},
};

/// How the browser transports our request to the identity provider.
#[derive(Debug)]
pub enum IdpRedirect {
    /// Follow this URL (SAML 2.0 Bindings §3.4).
    Redirect(String),
    /// Post this form (SAML 2.0 Bindings §3.5).
    Post(PostForm),
}

/// A connection by which logins begin.
pub trait Protocol: Connection + Table<Scope = EnvironmentKind> + Sync {
    /// A new ID of a request, unrelated to the flow's id.
    fn new_request_id(state: &State) -> String;

    /// How long the identity provider may take for its answer.
    fn request_lifetime(state: &State) -> Duration {
        state.settings.login_lifetime
    }

    /// The link that begins the login which `link_state` names.
    fn init_url(&self, links: &Links, link_state: &str) -> Url;

    /// The page of the setup pages with the result of a test; `None` where these have none for the protocol.
    fn setup_test_url(&self, links: &Links, flow: LoginFlowId) -> Option<Url>;

    /// The connection named in a URL path by a browser. Not scoped: the id is the scope.
    fn find_for_login(
        conn: &mut Conn,
        id: Id<Self::Kind>,
    ) -> impl Future<Output = store::Result<Option<LoginConnection<Self>>>>
    where
        Self: Sized;

    /// The request of `flow`, which waits for the answer to it: what support may read of it, and how it gets to the identity
    /// provider.
    fn request(
        state: &State,
        target: &LoginConnection<Self>,
        flow: &LoginFlow,
        now: Timestamp,
    ) -> impl Future<Output = Result<(Option<String>, IdpRedirect)>>
    where
        Self: Sized;
}
