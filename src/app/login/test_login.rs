//! Test logins: they check a connection without involving an app.

use base::{
    connection_id::ConnectionId,
    id::{LoginFlowId, SamlConnectionId},
};
use model::login_flow::{FlowOrigin, FlowStep, LoginFlow};

use super::{
    attributes,
    begin::{self, BeginOutcome},
    browser_id::BrowserId,
    flow::new_flow_of,
    test_result,
};
use crate::{
    app::{
        Error, Result, State,
        permissions::Action,
        principal::{On, Principal},
    },
    store::{
        any_login_connections,
        login_connections::{self, LoginConnection},
        login_flow_counts, login_flow_steps, login_flows,
    },
};

/// The maximum number of tests of a connection per hour.
const MAX_PER_HOUR: i64 = 100;

/// A test login with its current outcome.
#[derive(Debug)]
pub struct TestLogin {
    /// The login.
    pub flow: LoginFlow,
    /// Its steps without documents, the oldest first.
    pub steps: Vec<FlowStep>,
    /// Whether the requesting browser is the one of the login. The user and the attributes are shown to that
    /// browser only, because a link can start a test in somebody else's browser.
    pub own: bool,
}

/// Starts a test of a connection in `browser`. It ends on the page for `origin`.
pub async fn begin(
    state: &State,
    principal: &Principal,
    connection: ConnectionId,
    origin: FlowOrigin,
    browser: Option<BrowserId>,
    host: &str,
) -> Result<BeginOutcome> {
    debug_assert!(origin.is_test());
    let (view, manage) = match connection {
        ConnectionId::Saml(_) => (Action::SamlConnectionsView, Action::SamlConnectionsManage),
        ConnectionId::Oidc(_) => (Action::OidcConnectionsView, Action::OidcConnectionsManage),
    };
    let environment_id = principal.authorize(view, On::AnyOrganization)?;
    let target = {
        let mut conn = state.db.read().await?;
        any_login_connections::find_in_environment(&mut conn, environment_id, connection)
            .await?
            .ok_or_else(|| Error::not_found("connection", connection))?
    };
    principal.authorize(manage, On::Organization(target.organization().id))?;
    let now = state.now();
    let since = now - std::time::Duration::from_secs(3600);
    let begun = {
        let mut conn = state.db.read().await?;
        login_flow_counts::count_tests(&mut conn, connection, since, MAX_PER_HOUR).await?
    };
    if begun >= MAX_PER_HOUR {
        return Err(Error::Limited { retry_after: std::time::Duration::from_secs(600) });
    }
    let id = LoginFlowId::new(now, &*state.random);
    let flow = new_flow_of(&target, origin, None, None, false, id, now);
    begin::begin_or_refuse_through(state, &target, flow, browser, host).await
}

/// The outcome of a test, as `browser` may see it. `proof` is the query parameter [`TEST_PROOF`](test_result::TEST_PROOF), for browsers
/// that hold the cookie on another host.
pub async fn find(
    state: &State,
    principal: &Principal,
    connection: SamlConnectionId,
    flow: LoginFlowId,
    browser: Option<&BrowserId>,
    proof: Option<&str>,
) -> Result<TestLogin> {
    let target = load(state, principal, connection).await?;
    principal.authorize(Action::SamlConnectionsView, On::Organization(target.organization.id))?;
    let mut conn = state.db.read().await?;
    let found =
        login_flows::find(&mut conn, connection.into(), flow).await?.filter(|flow| flow.origin.is_test());
    let flow = found.ok_or_else(|| Error::not_found("test login", flow))?;
    let steps = login_flow_steps::list(&mut conn, flow.id).await?;
    let steps = steps.into_iter().map(|step| FlowStep { document: None, ..step }).collect();
    let carried_by = flow.request.as_ref().map(|request| request.browser);
    let own = carried_by.is_some() && carried_by == browser.map(BrowserId::digest)
        || proof.is_some_and(|proof| test_result::is_test_proof(state, &flow, proof));
    Ok(TestLogin { flow: attributes::opened(state, flow), steps, own })
}

/// The latest test of a connection that was started from the setup pages.
pub async fn latest(
    state: &State,
    principal: &Principal,
    connection: SamlConnectionId,
) -> Result<Option<LoginFlow>> {
    let target = load(state, principal, connection).await?;
    principal.authorize(Action::SamlConnectionsView, On::Organization(target.organization.id))?;
    let mut conn = state.db.read().await?;
    Ok(login_flows::find_latest_test(&mut conn, connection.into()).await?)
}

async fn load(state: &State, principal: &Principal, connection: SamlConnectionId) -> Result<LoginConnection> {
    let environment_id = principal.authorize(Action::SamlConnectionsView, On::AnyOrganization)?;
    let mut conn = state.db.read().await?;
    login_connections::find_in_environment(&mut conn, environment_id, connection)
        .await?
        .ok_or_else(|| Error::not_found("SAML connection", connection))
}
