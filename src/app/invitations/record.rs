//! What is recorded of invitations: in the audit log and in the feed of events, in the transaction of the change.

use base::id::{EnvironmentId, OrganizationId};
use model::{event::EventKind, organization_invitation::OrganizationInvitation};
use serde_json::json;

use super::InvitationObject;
use crate::{
    app::{
        Result, State,
        audit::{self, Entry},
        events::{self, NewEvent},
        principal::Principal,
    },
    store::Transaction,
};

/// Something that happened to an invitation.
pub(super) struct Happened<'a> {
    /// What.
    pub kind: EventKind,
    /// To which.
    pub invitation: &'a OrganizationInvitation,
}

impl<'a> Happened<'a> {
    pub(super) fn new(kind: EventKind, invitation: &'a OrganizationInvitation) -> Self {
        Self { kind, invitation }
    }
}

/// Records what happened to invitations of one organization. The counter of events stays locked until the transaction ends: call it
/// last.
pub(super) async fn record(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    happened: &[Happened<'_>],
) -> Result<()> {
    let now = state.now();
    let places: Vec<(EnvironmentId, OrganizationId)> = happened
        .iter()
        .map(|Happened { invitation, .. }| (invitation.environment_id, invitation.organization_id))
        .collect();
    let mut new = Vec::with_capacity(happened.len());
    for (Happened { kind, invitation }, (environment, organization)) in happened.iter().zip(&places) {
        let done = kind.as_str().rsplit('.').next().unwrap_or_default();
        let entry =
            Entry::of(*invitation, done).with_values(model::audit::Audited::audit_fields(*invitation));
        audit::record(tx, state, Some(*environment), principal, entry).await?;
        new.push(NewEvent {
            environment,
            organization,
            directory: None,
            kind: *kind,
            resource: invitation.id.to_string(),
            data: json!({ "invitation": InvitationObject::at(now, invitation) }),
        });
    }
    events::record_all(tx, now, new).await
}
