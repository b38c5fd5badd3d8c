//! Invitations that are taken back.

use base::id::{OrganizationId, OrganizationInvitationId};
use model::event::EventKind;

use super::{
    error::InvitationError,
    lists::authorize,
    record::{Happened, record},
};
use crate::{
    app::{Error, Result, State, principal::Principal, retry::retry_deadlocks},
    store::organization_invitations,
};

/// Takes a pending invitation back: its link opens nothing any more.
pub async fn revoke(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    id: OrganizationInvitationId,
) -> Result<()> {
    let environment_id = authorize(principal, organization_id)?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let found = organization_invitations::find(&mut tx, environment_id, organization_id, id).await?;
        let mut invitation = found.ok_or_else(|| Error::not_found("invitation", id))?;
        let now = state.now();
        if !organization_invitations::revoke(&mut tx, id, now).await? {
            return Err(InvitationError::NotPending.into());
        }
        invitation.revoked_at = Some(now);
        record(&mut tx, state, principal, &[Happened::new(EventKind::InvitationRevoked, &invitation)])
            .await?;
        Ok(tx.commit().await?)
    })
    .await
}
