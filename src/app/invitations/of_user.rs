//! The invitations of somebody who is signed in: for the addresses that they have proven, without their links.

use base::id::OrganizationInvitationId;
use model::{
    branding::plain_name,
    organization::{Organization, root_id},
    organization_invitation::OrganizationInvitation,
    user::User,
};

use super::accept::{Accepted, accept_pending, proven_keys};
use crate::{
    app::{Error, Result, State, accounts::self_service::SignedIn},
    store::{Conn, Transaction, organization_invitations, table},
};

/// How many are shown.
const MAX_SHOWN: i64 = 50;

/// An invitation that somebody can accept.
#[derive(Debug, Clone)]
pub struct PendingInvitation {
    /// The invitation.
    pub invitation: OrganizationInvitation,
    /// The organization's name, among other words.
    pub organization: String,
}

/// The invitations that a user of the root's pools can accept, the oldest first; nobody else is invited.
pub async fn pending_of(state: &State, signed_in: &SignedIn) -> Result<Vec<PendingInvitation>> {
    let mut conn = state.db.read().await?;
    list(&mut conn, state, signed_in).await
}

async fn list(conn: &mut Conn, state: &State, signed_in: &SignedIn) -> Result<Vec<PendingInvitation>> {
    let user = signed_in.user();
    let environment_id = user.environment_id;
    if user.organization_id != root_id(environment_id) {
        return Ok(Vec::new());
    }
    let keys = proven_keys(conn, user.id).await?;
    let found =
        organization_invitations::list_pending_of(conn, environment_id, &keys, state.now(), MAX_SHOWN)
            .await?;
    let mut pending = Vec::new();
    for invitation in found {
        let organization: Option<Organization> =
            table::find(conn, environment_id, invitation.organization_id).await?;
        let Some(organization) = organization.filter(|organization| !organization.is_disabled()) else {
            continue;
        };
        pending.push(PendingInvitation { invitation, organization: plain_name(organization.shown_name()) });
    }
    Ok(pending)
}

/// Every invitation, whatever became of it, that was for an address which a user has proven, or which they accepted.
pub(in crate::app) async fn all_of(
    conn: &mut Conn,
    user: &User,
    limit: i64,
) -> Result<Vec<OrganizationInvitation>> {
    let keys = match user.organization_id == root_id(user.environment_id) {
        true => proven_keys(conn, user.id).await?,
        false => Vec::new(),
    };
    Ok(organization_invitations::list_about(conn, user.environment_id, &keys, user.id, limit).await?)
}

/// Erases the invitations for the addresses of a user who is erased. Those that they accepted go with the user.
pub(in crate::app) async fn erase_of(tx: &mut Transaction, user: &User) -> Result<()> {
    if user.organization_id != root_id(user.environment_id) || user.shadow_of.is_some() {
        return Ok(());
    }
    let keys = proven_keys(tx, user.id).await?;
    Ok(organization_invitations::erase_addresses(tx, user.environment_id, &keys).await?)
}

/// Accepts one of them.
pub async fn accept_own(
    state: &State,
    signed_in: &SignedIn,
    id: OrganizationInvitationId,
) -> Result<Accepted> {
    let pending = pending_of(state, signed_in).await?;
    let found = pending.into_iter().find(|pending| pending.invitation.id == id);
    let found = found.ok_or_else(|| Error::not_found("invitation", id))?;
    let address = signed_in.device().address;
    accept_pending(state, signed_in.user().id, address, &found.invitation).await
}
