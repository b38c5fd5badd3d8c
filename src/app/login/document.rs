//! The documents in a flow's timeline, which are stored encrypted.

use base::{id::LoginFlowId, time::Timestamp};

use crate::app::State;

/// A document for the flow's timeline: encrypted for this flow, with the time until which it is stored.
pub(super) fn seal(state: &State, flow: LoginFlowId, xml: &str, now: Timestamp) -> (String, Timestamp) {
    let sealed = state.master_key.seal(&context(flow), xml.as_bytes(), &*state.random);
    (sealed, now + state.settings.document_retention)
}

/// The place for which the documents of a flow are sealed. It has the former name of the table: documents can be opened only
/// with the name that they were sealed with.
pub(in crate::app) fn context(flow: LoginFlowId) -> String {
    format!("saml_flow_steps/document/{flow}")
}
