//! A new flow of a login.

use base::{id::LoginFlowId, time::Timestamp};
use model::{
    connection::Connection,
    login_flow::{Attributes, FlowOrigin, FlowStatus, LoginFlow, OauthRequest},
};

use crate::store::{any_login_connections::AnyLoginConnection, login_connections::LoginConnection};

/// A new flow of a connection of whatever protocol, not stored yet.
pub fn new_flow_of(
    target: &AnyLoginConnection,
    origin: FlowOrigin,
    app_state: Option<String>,
    oauth: Option<OauthRequest>,
    force_authn: bool,
    id: LoginFlowId,
    now: Timestamp,
) -> LoginFlow {
    match target {
        AnyLoginConnection::Saml(target) => new_flow(target, origin, app_state, oauth, force_authn, id, now),
        AnyLoginConnection::Oidc(target) => new_flow(target, origin, app_state, oauth, force_authn, id, now),
    }
}

/// A new flow of the connection, not stored yet.
pub fn new_flow<C: Connection>(
    target: &LoginConnection<C>,
    origin: FlowOrigin,
    app_state: Option<String>,
    oauth: Option<OauthRequest>,
    force_authn: bool,
    id: LoginFlowId,
    now: Timestamp,
) -> LoginFlow {
    LoginFlow {
        id,
        environment_id: target.environment.id,
        organization_id: target.organization.id,
        protocol: C::PROTOCOL,
        connection_id: Some(target.connection.connection_id()),
        user_id: None,
        application_id: None,
        amr: Vec::new(),
        origin,
        status: FlowStatus::InProgress,
        refusal: None,
        state: app_state,
        email: None,
        claimed_email: None,
        attributes: Attributes::new(),
        sealed_attributes: None,
        request: None,
        oauth,
        force_authn: force_authn || target.connection.forces_authn(),
        authenticated_at: None,
        answered_at: None,
        redeemed_at: None,
        created_at: now,
        updated_at: now,
    }
}
