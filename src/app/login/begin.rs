//! The request: creates a flow and a request to the identity provider, and redirects the browser there.

use base::{
    id::{Id, LoginFlowId},
    time::Timestamp,
};
use model::login_flow::{FlowOrigin, LoginFlow, PendingRequest, StepKind};
use url::{Position, Url};

use super::{
    attempt::{BrowserBinding, LoginAttempt},
    browser_id::BrowserId,
    document,
    error::Error,
    flow::new_flow,
    link::{LINK_LIFETIME, login_link, parse_link_state, response_url},
    protocol::{IdpRedirect, Protocol},
    refuse::RefusedLogin,
};
use crate::{
    app::{self, Result, State},
    store::{
        Transaction,
        any_login_connections::AnyLoginConnection,
        login_connections::LoginConnection,
        login_flow_steps::{self, NewStep},
        login_flows,
    },
};

/// A login that has begun: its flow and what the browser does next.
#[derive(Debug)]
pub struct BegunLogin {
    /// The flow.
    pub flow: LoginFlowId,
    /// The redirect to the identity provider.
    pub redirect: IdpRedirect,
    /// The browser that the flow is bound to; the caller must set its cookie.
    pub browser: BrowserId,
}

/// What became of a login that was to begin.
#[derive(Debug)]
pub enum BeginOutcome {
    /// It has begun.
    Begun(BegunLogin),
    /// It is refused.
    Refused(RefusedLogin),
}

/// Begins `flow`, which is not stored yet, and stores it with its request. `host` is the host of the browser's
/// current page. The cookie that binds the browser must be set on the host of the ACS URL, so on another host the
/// browser is redirected there first.
pub async fn begin<C: Protocol>(
    state: &State,
    target: &LoginConnection<C>,
    flow: LoginFlow,
    browser: Option<BrowserId>,
    host: &str,
) -> Result<BegunLogin> {
    if !host_of(&response_url(&target.connection)?).eq_ignore_ascii_case(host) {
        let browser = browser.unwrap_or_else(|| BrowserId::new(&*state.random));
        let mut tx = state.db.write().await?;
        login_flows::insert(&mut tx, &flow).await?;
        tx.commit().await?;
        let redirect = IdpRedirect::Redirect(login_link(state, &target.connection, flow.id)?);
        return Ok(BegunLogin { flow: flow.id, redirect, browser });
    }
    begin_in_browser(state, target, flow, browser).await
}

/// Begins `flow`, which is not stored yet, in this browser only: without an intermediate link.
async fn begin_in_browser<C: Protocol>(
    state: &State,
    target: &LoginConnection<C>,
    mut flow: LoginFlow,
    browser: Option<BrowserId>,
) -> Result<BegunLogin> {
    let browser = browser.unwrap_or_else(|| BrowserId::new(&*state.random));
    flow.request = Some(new_request::<C>(state, &browser, flow.created_at));
    let (document, redirect) = C::request(state, target, &flow, flow.created_at).await?;
    let mut tx = state.db.write().await?;
    login_flows::insert(&mut tx, &flow).await?;
    record_request(state, &mut tx, flow.id, document, flow.created_at).await?;
    tx.commit().await?;
    Ok(BegunLogin { flow: flow.id, redirect, browser })
}

/// Begins `flow` like [`begin`], or stores it as refused if the connection is not ready for logins.
pub async fn begin_or_refuse<C: Protocol>(
    state: &State,
    target: &LoginConnection<C>,
    flow: LoginFlow,
    browser: Option<BrowserId>,
    host: &str,
) -> Result<BeginOutcome> {
    if let Some(refused) = refuse_unless_ready(state, target, &flow, BrowserBinding::New).await? {
        return Ok(BeginOutcome::Refused(refused));
    }
    Ok(BeginOutcome::Begun(begin(state, target, flow, browser, host).await?))
}

/// [`begin_or_refuse`] through a connection of whatever protocol.
pub async fn begin_or_refuse_through(
    state: &State,
    target: &AnyLoginConnection,
    flow: LoginFlow,
    browser: Option<BrowserId>,
    host: &str,
) -> Result<BeginOutcome> {
    match target {
        AnyLoginConnection::Saml(target) => begin_or_refuse(state, target, flow, browser, host).await,
        AnyLoginConnection::Oidc(target) => begin_or_refuse(state, target, flow, browser, host).await,
    }
}

/// Whether a login through this connection may begin.
pub fn is_usable(state: &State, target: &AnyLoginConnection) -> bool {
    match target {
        AnyLoginConnection::Saml(target) => LoginAttempt::new(state, target).check_begin(),
        AnyLoginConnection::Oidc(target) => LoginAttempt::new(state, target).check_begin(),
    }
    .is_ok()
}

/// Refuses `flow` if the connection is not ready for logins.
async fn refuse_unless_ready<C: Protocol>(
    state: &State,
    target: &LoginConnection<C>,
    flow: &LoginFlow,
    binding: BrowserBinding,
) -> Result<Option<RefusedLogin>> {
    let mut attempt = LoginAttempt::to_begin(state, target, flow.clone(), binding);
    match attempt.check_begin() {
        Ok(()) => Ok(None),
        Err(error) => Ok(Some(attempt.refuse(error).await?)),
    }
}

/// Begins the sign-in of an administrator, which ends in a console session: only in the browser that made the
/// request, without a link that another person could open (SAML 2.0 Profiles §4.1.4.3). The browser's cookie must
/// reach both the ACS and the console, so both must be on one host (RFC 6265 §8.5: cookies ignore ports).
pub async fn begin_administrator(
    state: &State,
    target: &LoginConnection,
    browser: Option<BrowserId>,
    force_authn: bool,
) -> Result<BeginOutcome> {
    let (acs, console) = (response_url(&target.connection)?, state.links.console());
    if acs.host() != console.host() {
        let name = |url: &Url| url.host_str().unwrap_or_default().to_owned();
        return Err(app::Error::FailedPrecondition(
            format!(
                "responses of this connection come to {}, and the console is at {}: for the console, make a \
                 connection whose ACS URL is on the console's host",
                name(&acs),
                name(&console)
            )
            .into(),
        ));
    }
    let now = state.now();
    let id = LoginFlowId::new(now, &*state.random);
    let flow = new_flow(target, FlowOrigin::Administrator, None, None, force_authn, id, now);
    if let Some(refused) = refuse_unless_ready(state, target, &flow, BrowserBinding::New).await? {
        return Ok(BeginOutcome::Refused(refused));
    }
    Ok(BeginOutcome::Begun(begin_in_browser(state, target, flow, browser).await?))
}

/// Host and port as a browser writes them into its `Host` header.
fn host_of(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// Begins the login of a link from [`create_link`](super::create_link). The link can be opened again until its login is finished; the
/// flow is bound to the browser that opened it last. This is safe only where the app creates the session, so no
/// link begins the sign-in of an administrator.
pub async fn begin_from_link<C: Protocol>(
    state: &State,
    connection: Id<C::Kind>,
    link_state: &str,
    browser: Option<BrowserId>,
) -> Result<BeginOutcome> {
    let now = state.now();
    let mut conn = state.db.read().await?;
    let target = C::find_for_login(&mut conn, connection)
        .await?
        .ok_or_else(|| app::Error::not_found(C::NOUN, connection))?;
    let flow = match parse_link_state(state, link_state) {
        Some(id) => login_flows::find(&mut conn, target.connection.connection_id(), id).await?,
        None => None,
    };
    drop(conn);
    let is_open =
        |flow: &LoginFlow| flow.origin != FlowOrigin::Administrator && flow.created_at + LINK_LIFETIME > now;
    let Some(mut flow) = flow.filter(is_open) else {
        return Ok(BeginOutcome::Refused(RefusedLogin::not_stored(state, Error::LinkExpired)));
    };
    if let Some(refused) = refuse_unless_ready(state, &target, &flow, BrowserBinding::Beginning).await? {
        return Ok(BeginOutcome::Refused(refused));
    }
    let browser = browser.unwrap_or_else(|| BrowserId::new(&*state.random));
    let request = match flow.request.take() {
        Some(request) if request.browser == browser.digest() && request.expires_at > now => request,
        _ => new_request::<C>(state, &browser, now),
    };
    flow.request = Some(request.clone());
    let (document, redirect) = C::request(state, &target, &flow, now).await?;
    let mut tx = state.db.write().await?;
    if !login_flows::update_request(&mut tx, flow.id, &request, now).await? {
        drop(tx);
        return Ok(BeginOutcome::Refused(RefusedLogin::not_stored(state, Error::RequestAlreadyUsed)));
    }
    record_request(state, &mut tx, flow.id, document, now).await?;
    tx.commit().await?;
    Ok(BeginOutcome::Begun(BegunLogin { flow: flow.id, redirect, browser }))
}

/// A request with a new ID, unrelated to the flow's id.
fn new_request<C: Protocol>(state: &State, browser: &BrowserId, now: Timestamp) -> PendingRequest {
    PendingRequest {
        id: C::new_request_id(state),
        browser: browser.digest(),
        expires_at: now + C::request_lifetime(state),
    }
}

/// Adds the request to the flow's timeline.
async fn record_request(
    state: &State,
    tx: &mut Transaction,
    flow: LoginFlowId,
    document: Option<String>,
    now: Timestamp,
) -> Result<()> {
    let document = document.map(|text| document::seal(state, flow, &text, now));
    let step = NewStep { at: now, kind: StepKind::Requested, checks: &[], document };
    Ok(login_flow_steps::insert(tx, flow, step).await?)
}
