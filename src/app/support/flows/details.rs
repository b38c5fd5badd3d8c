//! One login with its timeline.

use base::id::{EnvironmentId, LoginFlowId};
use model::login_flow::{FlowStep, LoginFlow};

use crate::{
    app::{
        Error, Result, State,
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

/// One login with its timeline.
pub async fn find(state: &State, principal: &Principal, id: LoginFlowId) -> Result<FlowDetails> {
    let mut conn = state.db.read().await?;
    let flow = load(&mut conn, principal, id).await?;
    let steps = open_steps(state, &mut conn, id).await?;
    Ok(FlowDetails { flow, steps })
}

pub(super) async fn load(conn: &mut Conn, principal: &Principal, id: LoginFlowId) -> Result<LoginFlow> {
    let environment = principal.authorize(Action::LoginFlowsView, On::Environment)?;
    let flow = login_flows::find_in_environment(conn, environment, id).await?;
    flow.ok_or_else(|| Error::not_found("login flow", id))
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
