//! The link that an app sends a browser to: it begins a stored flow.

use std::time::Duration;

use base::id::LoginFlowId;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::login_flow::FlowOrigin;
use url::Url;

use super::{flow::new_flow, protocol::Protocol};
use crate::{
    app::{self, Result, State},
    store::{any_login_connections::AnyLoginConnection, login_connections::LoginConnection, login_flows},
    telemetry,
};

/// How long a login link is valid.
pub(super) const LINK_LIFETIME: Duration = Duration::from_secs(3600);

/// The MAC purpose of the link's `state`.
const LINK_PURPOSE: &str = "login link";

/// Stores a flow that begins when its link is opened, and returns that link.
pub async fn create_link<C: Protocol>(
    state: &State,
    target: &LoginConnection<C>,
    app_state: Option<String>,
) -> Result<String> {
    let now = state.now();
    let id = LoginFlowId::new(now, &*state.random);
    telemetry::request_is_of_login(id);
    let flow = new_flow(target, FlowOrigin::Api, app_state, None, false, id, now);
    let mut tx = state.db.write().await?;
    login_flows::insert(&mut tx, &flow).await?;
    tx.commit().await?;
    login_link(state, &target.connection, id)
}

/// [`create_link`] for a connection of whatever protocol.
pub async fn create_link_through(
    state: &State,
    target: &AnyLoginConnection,
    app_state: Option<String>,
) -> Result<String> {
    match target {
        AnyLoginConnection::Saml(target) => create_link(state, target, app_state).await,
        AnyLoginConnection::Oidc(target) => create_link(state, target, app_state).await,
    }
}

/// The link that begins a stored flow, on the origin to which the response comes. That address is the stored one, not derived
/// from today's public URL.
pub(super) fn login_link<C: Protocol>(state: &State, connection: &C, flow: LoginFlowId) -> Result<String> {
    let tag = BASE64.encode(state.master_key.compute_tag(LINK_PURPOSE, &flow.to_string()));
    let mut origin = response_url(connection)?;
    origin.set_path("/");
    origin.set_query(None);
    Ok(connection.init_url(&state.links.for_auth_url(Some(&origin)), &format!("{flow}.{tag}")).into())
}

/// Where the identity provider sends the browser with its answers to our requests.
pub(super) fn response_url<C: Protocol>(connection: &C) -> Result<Url> {
    let text =
        connection.response_url().ok_or_else(|| app::Error::internal("a connection without an ACS URL"))?;
    Url::parse(text).map_err(app::Error::internal)
}

/// The flow id in a link's `state`, if its MAC is valid.
pub(super) fn parse_link_state(state: &State, link_state: &str) -> Option<LoginFlowId> {
    let (id, tag) = link_state.split_once('.')?;
    let tag = BASE64.decode(tag).ok()?;
    if !state.master_key.verify_tag(LINK_PURPOSE, id, &tag) {
        return None;
    }
    id.parse().ok()
}
