//! The invitations of an organization, for those who may say who its members are.

use base::id::{EnvironmentId, OrganizationId, OrganizationInvitationId};
use model::organization_invitation::{InvitationStatus, OrganizationInvitation};

use crate::{
    app::{
        Error, Result, State,
        pagination::{List, Page, PageRequest},
        permissions::Action,
        principal::{On, Principal},
    },
    store::{organization_invitations, organizations},
};

/// Which invitations are listed, as the caller says it.
#[derive(Debug, Clone, Default)]
pub struct InvitationsQuery {
    /// `pending`, `accepted`, `revoked` or `expired`; all without it.
    pub status: Option<String>,
    /// Where the list goes on.
    pub cursor: Option<String>,
    /// How many at most.
    pub limit: i64,
}

/// One page of the invitations of an organization, in the order of creation.
pub async fn list(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    query: &InvitationsQuery,
) -> Result<Page<OrganizationInvitation>> {
    let environment_id = authorize(principal, organization_id)?;
    let status = query.status.as_deref().map(|name| {
        let unknown = |_| Error::invalid("status", "must be pending, accepted, revoked or expired");
        name.parse::<InvitationStatus>().map_err(unknown)
    });
    let status = status.transpose()?;
    let name = status.map_or("", InvitationStatus::as_str);
    let list = List::of(environment_id, format_args!("organization_invitations/{organization_id}/{name}"));
    let wanted = PageRequest::sized(state, &list, ("cursor", query.cursor.as_deref()), query.limit)?;
    let mut conn = state.db.read().await?;
    if !organizations::exists(&mut conn, environment_id, organization_id).await? {
        return Err(Error::not_found("organization", organization_id));
    }
    let (from, limit) = (wanted.from, wanted.limit());
    let found =
        organization_invitations::list(&mut conn, organization_id, status, state.now(), from, limit).await?;
    Ok(wanted.page_of(state, &list, found, |invitation| invitation.id))
}

/// An invitation of an organization.
pub async fn find(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    id: OrganizationInvitationId,
) -> Result<OrganizationInvitation> {
    let environment_id = authorize(principal, organization_id)?;
    let mut conn = state.db.read().await?;
    let found = organization_invitations::find(&mut conn, environment_id, organization_id, id).await?;
    found.ok_or_else(|| Error::not_found("invitation", id))
}

/// The environment of a caller who may say who the members of an organization are.
pub(super) fn authorize(principal: &Principal, organization_id: OrganizationId) -> Result<EnvironmentId> {
    principal.authorize(Action::MembersManage, On::Organization(organization_id))
}
