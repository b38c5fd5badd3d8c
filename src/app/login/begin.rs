//! The request: creates a flow and an AuthnRequest and redirects the browser to the identity provider.

use base::{
    id::{LoginFlowId, SamlConnectionId},
    time::Timestamp,
};
use model::{
    login_flow::{FlowOrigin, LoginFlow, PendingRequest, StepKind},
    saml_connection::IdpBinding,
};
use saml::{
    authn_request::{AuthnRequest, request_id},
    binding::{PostForm, post_form, redirect_url},
};
use url::{Position, Url};

use super::{
    attempt::{BrowserBinding, LoginAttempt},
    browser_id::BrowserId,
    document,
    error::Error,
    flow::new_flow,
    link::{LINK_LIFETIME, acs_url, login_link, parse_link_state},
    refuse::RefusedLogin,
};
use crate::{
    app::{self, Result, State, connections::saml::sp_keys},
    store::{
        Transaction,
        login_connections::{self, LoginConnection},
        login_flow_steps::{self, NewStep},
        login_flows,
    },
};

/// How the browser transports an AuthnRequest to the identity provider.
#[derive(Debug)]
pub enum IdpRedirect {
    /// Follow this URL (SAML 2.0 Bindings §3.4).
    Redirect(String),
    /// Post this form (SAML 2.0 Bindings §3.5).
    Post(PostForm),
}

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
pub async fn begin(
    state: &State,
    target: &LoginConnection,
    flow: LoginFlow,
    browser: Option<BrowserId>,
    host: &str,
) -> Result<BegunLogin> {
    if !host_of(&acs_url(&target.connection)?).eq_ignore_ascii_case(host) {
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
async fn begin_in_browser(
    state: &State,
    target: &LoginConnection,
    mut flow: LoginFlow,
    browser: Option<BrowserId>,
) -> Result<BegunLogin> {
    let browser = browser.unwrap_or_else(|| BrowserId::new(&*state.random));
    flow.request = Some(new_request(state, &browser, flow.created_at));
    let (xml, redirect) = authn_request(state, target, &flow, flow.created_at).await?;
    let mut tx = state.db.write().await?;
    login_flows::insert(&mut tx, &flow).await?;
    record_request(state, &mut tx, flow.id, &xml, flow.created_at).await?;
    tx.commit().await?;
    Ok(BegunLogin { flow: flow.id, redirect, browser })
}

/// Begins `flow` like [`begin`], or stores it as refused if the connection is not ready for logins.
pub async fn begin_or_refuse(
    state: &State,
    target: &LoginConnection,
    flow: LoginFlow,
    browser: Option<BrowserId>,
    host: &str,
) -> Result<BeginOutcome> {
    if let Some(refused) = refuse_unless_ready(state, target, &flow, BrowserBinding::New).await? {
        return Ok(BeginOutcome::Refused(refused));
    }
    Ok(BeginOutcome::Begun(begin(state, target, flow, browser, host).await?))
}

/// Whether a login through this connection may begin.
pub fn is_usable(state: &State, target: &LoginConnection) -> bool {
    LoginAttempt::new(state, target).check_begin().is_ok()
}

/// Refuses `flow` if the connection is not ready for logins.
async fn refuse_unless_ready(
    state: &State,
    target: &LoginConnection,
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
    let (acs, console) = (acs_url(&target.connection)?, state.links.console());
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
pub async fn begin_from_link(
    state: &State,
    connection: SamlConnectionId,
    link_state: &str,
    browser: Option<BrowserId>,
) -> Result<BeginOutcome> {
    let now = state.now();
    let mut conn = state.db.read().await?;
    let target = login_connections::find_for_login(&mut conn, connection)
        .await?
        .ok_or_else(|| app::Error::not_found("SAML connection", connection))?;
    let flow = match parse_link_state(state, link_state) {
        Some(id) => login_flows::find(&mut conn, connection, id).await?,
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
        _ => new_request(state, &browser, now),
    };
    flow.request = Some(request.clone());
    let (xml, redirect) = authn_request(state, &target, &flow, now).await?;
    let mut tx = state.db.write().await?;
    if !login_flows::update_request(&mut tx, flow.id, &request, now).await? {
        drop(tx);
        return Ok(BeginOutcome::Refused(RefusedLogin::not_stored(state, Error::RequestAlreadyUsed)));
    }
    record_request(state, &mut tx, flow.id, &xml, now).await?;
    tx.commit().await?;
    Ok(BeginOutcome::Begun(BegunLogin { flow: flow.id, redirect, browser }))
}

/// A request with a new ID, unrelated to the flow's id.
fn new_request(state: &State, browser: &BrowserId, now: Timestamp) -> PendingRequest {
    PendingRequest {
        id: request_id(&*state.random),
        browser: browser.digest(),
        expires_at: now + state.settings.login_lifetime,
    }
}

/// The AuthnRequest of `flow` as XML, and its encoding for the connection's binding. RelayState is the flow's id:
/// short, opaque to the identity provider, and not secret.
async fn authn_request(
    state: &State,
    target: &LoginConnection,
    flow: &LoginFlow,
    now: Timestamp,
) -> Result<(String, IdpRedirect)> {
    let connection = &target.connection;
    let (Some(request), Some(destination)) = (&flow.request, &connection.idp_redirect_url) else {
        return Err(app::Error::internal("a login was begun without a request or a configured connection"));
    };
    let acs_url = connection.sp_acs_urls.first().map_or("", String::as_str);
    let authn_request = AuthnRequest {
        id: &request.id,
        issue_instant: now,
        issuer: &connection.sp_entity_id,
        destination: destination.as_str(),
        acs_url,
        force_authn: flow.force_authn,
    };
    let signing = match connection.sign_authn_requests {
        true => sp_keys::key_pairs(state, connection.environment_id).await?.into_iter().next(),
        false => None,
    };
    let relay_state = flow.id.to_string();
    let xml = match (&signing, connection.idp_binding) {
        (Some(keys), IdpBinding::Post) => {
            authn_request.to_signed_xml(&keys.key, &keys.certificate).map_err(app::Error::internal)?
        }
        _ => authn_request.to_xml(),
    };
    let redirect = match connection.idp_binding {
        IdpBinding::Redirect => {
            let destination =
                destination.to_url().ok_or_else(|| app::Error::internal("a stored URL cannot be read"))?;
            let key = signing.as_ref().map(|keys| &*keys.key);
            let url =
                redirect_url(&destination, &xml, Some(&relay_state), key).map_err(app::Error::internal)?;
            IdpRedirect::Redirect(url.into())
        }
        IdpBinding::Post => IdpRedirect::Post(post_form(destination.as_str(), &xml, Some(&relay_state))),
    };
    Ok((xml, redirect))
}

/// Adds the request to the flow's timeline.
async fn record_request(
    state: &State,
    tx: &mut Transaction,
    flow: LoginFlowId,
    xml: &str,
    now: Timestamp,
) -> Result<()> {
    let document = document::seal(state, flow, xml, now);
    let step = NewStep { at: now, kind: StepKind::Requested, checks: &[], document: Some(document) };
    Ok(login_flow_steps::insert(tx, flow, step).await?)
}
