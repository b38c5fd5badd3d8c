//! Another link for a pending invitation, and another letter.

use std::time::Duration;

use base::{
    id::{OrganizationId, OrganizationInvitationId},
    secret::OrganizationInvitationToken,
};
use model::{
    event::EventKind,
    organization_invitation::{InvitationStatus, OrganizationInvitation},
};

use super::{
    error::InvitationError,
    lists::authorize,
    record::{Happened, record},
    send::{Invited, letter_link, link, lock_organization, write_letter},
};
use crate::{
    app::{Error, Result, State, audit::actor_of, principal::Principal, retry::retry_deadlocks},
    store::{Transaction, organization_invitations},
};

/// How many links are made anew for an invitation within a day.
const MAX_RENEWED: i64 = 3;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Gives a pending invitation another link, which ends the one before, and sends it if so wanted.
pub async fn renew(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    id: OrganizationInvitationId,
    send_email: bool,
) -> Result<Invited> {
    let environment_id = authorize(principal, organization_id)?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let tenant = lock_organization(&mut tx, environment_id, organization_id).await?;
        let found = organization_invitations::find(&mut tx, environment_id, organization_id, id).await?;
        let mut invitation = found.ok_or_else(|| Error::not_found("invitation", id))?;
        if invitation.status(state.now()) != InvitationStatus::Pending {
            return Err(InvitationError::NotPending.into());
        }
        let token = OrganizationInvitationToken::new(&*state.random);
        renew_in(&mut tx, state, principal, &mut invitation, None, &token).await?;
        if send_email {
            let url = letter_link(state, &tenant, &invitation, &token);
            write_letter(&mut tx, state, &invitation, &url).await?;
        }
        record(&mut tx, state, principal, &[Happened::new(EventKind::InvitationResent, &invitation)]).await?;
        tx.commit().await?;
        Ok(Invited { accept_url: link(state, &tenant, &token.reveal()), invitation, renewed: true })
    })
    .await
}

/// Stores another token for a pending invitation, within the caller's transaction. [`Error::Limited`] after too many in a day.
pub(super) async fn renew_in(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    invitation: &mut OrganizationInvitation,
    lifetime: Option<Duration>,
    token: &OrganizationInvitationToken,
) -> Result<()> {
    let now = state.now();
    count_renewal(state, invitation)?;
    if let Some(lifetime) = lifetime {
        invitation.lifetime_ms = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
    }
    invitation.expires_at =
        now + Duration::from_millis(u64::try_from(invitation.lifetime_ms).unwrap_or_default());
    // Who gets to see this link is who vouches for the address, or does not.
    invitation.vouched = !principal.is_confined();
    invitation.invited_by = actor_of(principal.subject).id;
    match organization_invitations::renew(tx, invitation, token.digest()).await? {
        true => Ok(()),
        false => Err(InvitationError::NotPending.into()),
    }
}

/// Sends the letter of a pending invitation once more, with another token, for somebody who has its link: whoever made it stays who
/// they are, and nobody else sees this link.
pub(super) async fn send_anew(
    tx: &mut Transaction,
    state: &State,
    tenant: &str,
    mut invitation: OrganizationInvitation,
    token: &OrganizationInvitationToken,
) -> Result<()> {
    count_renewal(state, &mut invitation)?;
    invitation.vouched = false;
    if !organization_invitations::renew(tx, &invitation, token.digest()).await? {
        return Err(InvitationError::Ended.into());
    }
    write_letter(tx, state, &invitation, &letter_link(state, tenant, &invitation, token)).await?;
    let principal = Principal::service(invitation.environment_id);
    record(tx, state, &principal, &[Happened::new(EventKind::InvitationResent, &invitation)]).await
}

/// Counts another link of an invitation.
fn count_renewal(state: &State, invitation: &mut OrganizationInvitation) -> Result<()> {
    let now = state.now();
    let (since, count) = invitation.renewed;
    invitation.renewed = match since + DAY <= now {
        true => (now, 1),
        false if count < MAX_RENEWED => (since, count + 1),
        false => return Err(Error::Limited { retry_after: (since + DAY).since(now) }),
    };
    invitation.send_count += 1;
    invitation.last_sent_at = now;
    Ok(())
}
