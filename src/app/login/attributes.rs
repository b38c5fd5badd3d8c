//! The attributes of a login, which are stored encrypted. Earlier releases stored them in clear; they are read as well.

use base::id::LoginFlowId;
use model::login_flow::{Attributes, LoginFlow};

use crate::{
    app::{Error, State},
    store::sealed_columns::LOGIN_ATTRIBUTES,
    telemetry,
};

/// The attributes of a flow as they are stored; `None` if there are none.
pub(super) fn seal(state: &State, flow: LoginFlowId, attributes: &Attributes) -> Option<String> {
    // Maps with text keys always serialise.
    let json = || serde_json::to_vec(attributes).unwrap_or_else(|_| b"{}".to_vec());
    (!attributes.is_empty()).then(|| state.seal(&LOGIN_ATTRIBUTES, &[&flow], &json()))
}

/// The flow with its attributes decrypted, for support. Those that cannot be opened are left out, and the log says why: the
/// rest of the login, and the other logins of a list, are needed all the more then.
pub(in crate::app) fn opened(state: &State, flow: LoginFlow) -> LoginFlow {
    let Some(sealed) = &flow.sealed_attributes else { return flow };
    let opened = state
        .open(&LOGIN_ATTRIBUTES, &[&flow.id], sealed)
        .and_then(|json| serde_json::from_slice(&json).map_err(Error::internal));
    match opened {
        Ok(attributes) => LoginFlow { attributes, ..flow },
        Err(error) => {
            let cause = telemetry::error_chain(&error);
            tracing::error!(flow = %flow.id, cause, "the attributes of a login cannot be read");
            flow
        }
    }
}
