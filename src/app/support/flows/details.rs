//! One login with its timeline.

use base::id::{EnvironmentId, SamlFlowId};
use model::saml_flow::{FlowStep, SamlFlow};

use crate::{
    app::{Error, Result, State, actor::Actor, login},
    store::{Conn, saml_flow_steps, saml_flows},
};

/// A login with its timeline.
#[derive(Debug)]
pub struct FlowDetails {
    /// The login.
    pub flow: SamlFlow,
    /// Its steps, oldest first, with their documents decrypted as far as these are still stored.
    pub steps: Vec<FlowStep>,
}

/// The environment of a flow, found by its id alone: for the operator.
pub async fn environment_of(state: &State, id: SamlFlowId) -> Result<EnvironmentId> {
    let mut conn = state.db.read().await?;
    let flow = saml_flows::find_in_any_environment(&mut conn, id)
        .await?
        .ok_or_else(|| Error::not_found("login flow", id))?;
    Ok(flow.environment_id)
}

/// One login with its timeline.
pub async fn find(state: &State, actor: &Actor, id: SamlFlowId) -> Result<FlowDetails> {
    let mut conn = state.db.read().await?;
    let flow = load(&mut conn, actor, id).await?;
    let steps = open_steps(state, &mut conn, id).await?;
    Ok(FlowDetails { flow, steps })
}

pub(super) async fn load(conn: &mut Conn, actor: &Actor, id: SamlFlowId) -> Result<SamlFlow> {
    let environment = actor.authorize_view()?;
    let flow = saml_flows::find_in_environment(conn, environment, id).await?;
    flow.ok_or_else(|| Error::not_found("login flow", id))
}

/// The timeline with its documents decrypted.
pub(super) async fn open_steps(state: &State, conn: &mut Conn, id: SamlFlowId) -> Result<Vec<FlowStep>> {
    let mut steps = saml_flow_steps::list(conn, id).await?;
    let place = login::document::context(id);
    for step in &mut steps {
        if let Some(sealed) = step.document.take() {
            let xml = state.master_key.open(&place, &sealed).map_err(Error::internal)?;
            step.document = Some(String::from_utf8(xml).map_err(Error::internal)?);
        }
    }
    Ok(steps)
}
