//! Login flows as support reads them: what happened, check by check.

use super::{Error, Result, State, sign_in};
use crate::{
    model::{
        id::{EnvironmentId, SamlFlowId},
        saml_flow::{FlowStep, SamlFlow},
    },
    store::saml_flows,
};

/// A login with its timeline.
#[derive(Debug)]
pub struct Flow {
    /// The login.
    pub flow: SamlFlow,
    /// What happened, the oldest first; documents are open, as far as they are still kept.
    pub steps: Vec<FlowStep>,
}

/// The flow that somebody quotes.
pub async fn show(state: &State, id: SamlFlowId) -> Result<Flow> {
    let mut conn = state.db.read().await?;
    let flow =
        saml_flows::find_quoted(&mut conn, id).await?.ok_or_else(|| Error::not_found("login flow", id))?;
    let mut steps = saml_flows::list_steps(&mut conn, id).await?;
    let place = sign_in::document_place(id);
    for step in &mut steps {
        if let Some(sealed) = step.document.take() {
            let xml = state.master_key.open(&place, &sealed).map_err(Error::internal)?;
            step.document = Some(String::from_utf8(xml).map_err(Error::internal)?);
        }
    }
    Ok(Flow { flow, steps })
}

/// The latest logins of an environment, the newest first; only refused ones when `failed`.
pub async fn list(
    state: &State,
    environment: EnvironmentId,
    failed: bool,
    most: u32,
) -> Result<Vec<SamlFlow>> {
    let mut conn = state.db.read().await?;
    Ok(saml_flows::list_latest(&mut conn, environment, failed, i64::from(most.min(100))).await?)
}
