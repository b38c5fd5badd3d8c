//! The attributes of a login, which are stored encrypted. Earlier releases stored them in clear; they are read as well.

use base::id::LoginFlowId;
use model::login_flow::{Attributes, LoginFlow};

use crate::{
    app::{Error, Result, State},
    store::sealed_columns::LOGIN_ATTRIBUTES,
};

/// The attributes of a flow as they are stored; `None` if there are none.
pub(super) fn seal(state: &State, flow: LoginFlowId, attributes: &Attributes) -> Option<String> {
    let json = || serde_json::json!(attributes).to_string();
    (!attributes.is_empty()).then(|| state.seal(&LOGIN_ATTRIBUTES, &[&flow], json().as_bytes()))
}

/// The flow with its attributes decrypted.
pub(in crate::app) fn opened(state: &State, flow: LoginFlow) -> Result<LoginFlow> {
    let Some(sealed) = &flow.sealed_attributes else { return Ok(flow) };
    let json = state.open(&LOGIN_ATTRIBUTES, &[&flow.id], sealed)?;
    let attributes = serde_json::from_slice(&json).map_err(Error::internal)?;
    Ok(LoginFlow { attributes, ..flow })
}
