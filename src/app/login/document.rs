//! The documents in a flow's timeline, which are stored encrypted.

use base::{id::LoginFlowId, time::Timestamp};

use crate::{app::State, store::sealed_columns::LOGIN_DOCUMENT};

/// A document for the flow's timeline: encrypted for this flow, with the time until which it is stored.
pub(super) fn seal(state: &State, flow: LoginFlowId, text: &str, now: Timestamp) -> (String, Timestamp) {
    let sealed = state.seal(&LOGIN_DOCUMENT, &[&flow], text.as_bytes());
    (sealed, now + state.settings.document_retention)
}
