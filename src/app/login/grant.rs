//! What an accepted login gives: a grant, and the code that the app fetches it with.

use std::time::Duration;

use base::{id::GrantId, secret::AccessCode, time::Timestamp};
use model::{
    authorization_grant::{AuthorizationCode, AuthorizationGrant, CodeKind},
    email::Email,
    login_flow::{FlowOrigin, LoginFlow},
};

use crate::{
    app::{Error, Result, State},
    store::{Transaction, authorization_codes, authorization_grants},
};

/// How long the code of this login is good.
pub(in crate::app) fn code_lifetime(state: &State, flow: &LoginFlow) -> Duration {
    match flow.oauth {
        Some(_) => oauth::token::CODE_LIFETIME,
        None => state.settings.access_code_lifetime,
    }
}

/// Issues `code` for `flow`, which was accepted for the person with this address; `subject` is their `sub` for an OAuth client. It is good only where the login began.
pub async fn issue_code(
    state: &State,
    tx: &mut Transaction,
    flow: &LoginFlow,
    email: &Email,
    subject: Option<String>,
    code: &AccessCode,
    now: Timestamp,
) -> Result<()> {
    let kind = match (&flow.oauth, flow.origin) {
        (Some(_), _) => CodeKind::Authorization,
        (None, FlowOrigin::Administrator) => CodeKind::Administrator,
        (None, _) => CodeKind::Access,
    };
    let connection_id =
        flow.connection_id.ok_or_else(|| Error::internal("a login without a connection has no such code"))?;
    let code_expires_at = now + code_lifetime(state, flow);
    let grant = AuthorizationGrant {
        id: GrantId::new(now, &*state.random),
        environment_id: flow.environment_id,
        organization_id: flow.organization_id,
        client_id: flow.oauth.as_ref().map(|request| request.client_id),
        flow_id: flow.id,
        connection_id,
        subject: subject.filter(|_| flow.oauth.is_some()),
        email: email.clone(),
        attributes: flow.attributes.clone(),
        scope: flow.oauth.as_ref().and_then(|request| request.scope.clone()),
        authenticated_at: flow.authenticated_at,
        created_at: now,
        expires_at: match flow.oauth {
            Some(_) => code_expires_at + oauth::token::ACCESS_TOKEN_LIFETIME,
            None => code_expires_at,
        },
    };
    authorization_grants::insert(tx, &grant).await?;
    let code = AuthorizationCode {
        digest: code.digest(),
        kind,
        request: flow.oauth.clone(),
        expires_at: code_expires_at,
    };
    Ok(authorization_codes::insert(tx, grant.id, &code).await?)
}
