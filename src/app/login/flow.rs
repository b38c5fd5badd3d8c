//! A new flow of a login.

use base::{id::LoginFlowId, time::Timestamp};
use model::login_flow::{Attributes, FlowOrigin, FlowStatus, LoginFlow, LoginProtocol, OauthRequest};

use crate::store::login_connections::LoginConnection;

/// A new flow of the connection, not stored yet.
pub fn new_flow(
    target: &LoginConnection,
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
        protocol: LoginProtocol::Saml,
        connection_id: Some(target.connection.id),
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
        force_authn: force_authn || target.connection.force_authn,
        authenticated_at: None,
        answered_at: None,
        redeemed_at: None,
        created_at: now,
        updated_at: now,
    }
}
