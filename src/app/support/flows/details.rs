//! One login with its timeline.

use base::id::{EnvironmentId, LoginFlowId};
use model::{
    audit::AuditTarget,
    login_flow::{FlowStep, LoginFlow, StepKind},
};

use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        login::attributes,
        permissions::Action,
        principal::{On, Principal},
    },
    store::{Conn, login_flow_steps, login_flows, sealed_columns::LOGIN_DOCUMENT},
};

/// A login with its timeline.
#[derive(Debug)]
pub struct FlowDetails {
    /// The login.
    pub flow: LoginFlow,
    /// Its steps, oldest first, with their documents decrypted as far as these are still stored.
    pub steps: Vec<FlowStep>,
}

/// The environment of a flow, found by its id alone: for the operator.
pub async fn environment_of(state: &State, id: LoginFlowId) -> Result<EnvironmentId> {
    let mut conn = state.db.read().await?;
    let flow = login_flows::find_in_any_environment(&mut conn, id)
        .await?
        .ok_or_else(|| Error::not_found("login flow", id))?;
    Ok(flow.environment_id)
}

/// One login with its timeline. That its response was read is recorded, as it is personal data.
pub async fn find(state: &State, principal: &Principal, id: LoginFlowId) -> Result<FlowDetails> {
    let mut conn = state.db.read().await?;
    let flow = load(state, &mut conn, principal, id).await?;
    let steps = open_steps(state, &mut conn, id).await?;
    drop(conn);
    record_reading(state, principal, &flow, &steps).await?;
    Ok(FlowDetails { flow, steps })
}

/// The same without documents.
pub async fn find_without_documents(
    state: &State,
    principal: &Principal,
    id: LoginFlowId,
) -> Result<FlowDetails> {
    let mut conn = state.db.read().await?;
    let flow = load(state, &mut conn, principal, id).await?;
    let mut steps = login_flow_steps::list(&mut conn, id).await?;
    steps.iter_mut().for_each(|step| step.document = None);
    Ok(FlowDetails { flow, steps })
}

/// Records that the caller read the responses of a login, if any is still stored.
pub(super) async fn record_reading(
    state: &State,
    principal: &Principal,
    flow: &LoginFlow,
    steps: &[FlowStep],
) -> Result<()> {
    if !steps.iter().any(|step| step.kind != StepKind::Requested && step.document.is_some()) {
        return Ok(());
    }
    let target = AuditTarget {
        kind: "login_flow",
        id: flow.id.to_string(),
        organization_id: Some(flow.organization_id),
    };
    let entry = Entry {
        action: "login_flow.response_read".to_owned(),
        target,
        before: serde_json::Map::new(),
        after: serde_json::Map::new(),
    };
    audit::record_bounded(state, Some(flow.environment_id), principal, entry).await?;
    Ok(())
}

pub(super) async fn load(
    state: &State,
    conn: &mut Conn,
    principal: &Principal,
    id: LoginFlowId,
) -> Result<LoginFlow> {
    let environment = principal.authorize(Action::LoginFlowsView, On::Environment)?;
    let flow = login_flows::find_in_environment(conn, environment, id).await?;
    Ok(attributes::opened(state, flow.ok_or_else(|| Error::not_found("login flow", id))?))
}

/// The timeline with its documents decrypted.
pub(super) async fn open_steps(state: &State, conn: &mut Conn, id: LoginFlowId) -> Result<Vec<FlowStep>> {
    let mut steps = login_flow_steps::list(conn, id).await?;
    for step in &mut steps {
        if let Some(sealed) = step.document.take() {
            let xml = state.open(&LOGIN_DOCUMENT, &[&id], &sealed)?;
            step.document = Some(String::from_utf8(xml).map_err(Error::internal)?);
        }
    }
    Ok(steps)
}
