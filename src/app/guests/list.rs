//! Invitations listed and taken back.

use std::collections::BTreeMap;

use base::id::{
    GuestInvitationId, GuestInvitationKind, IdKind as _, OrganizationId, RoleId, UserGroupId, UserId,
};
use model::{event::EventKind, guest_invitation::GuestInvitation, user_group::UserGroup};
use serde_json::json;

use super::invite::record;
use crate::{
    app::{
        Error, Result, State,
        accounts::{associations, user_credentials::usual_address},
        audit,
        permissions::Action,
        principal::{On, Principal},
        roles::{self, VisibleRole},
    },
    store::{guest_invitations, table, user_addresses, user_identifiers},
};

/// How many invitations are listed at most.
pub const MAX_LISTED: i64 = 1000;

/// An invitation as it is shown.
#[derive(Debug, Clone)]
pub struct GuestView {
    /// The invitation.
    pub invitation: GuestInvitation,
    /// The name of who is invited; may be empty.
    pub user_name: String,
    /// Where letters reach them.
    pub email: Option<String>,
    /// Those of the roles that are there.
    pub roles: Vec<VisibleRole>,
    /// Those of the groups that are there, with their names.
    pub groups: Vec<(UserGroupId, String)>,
}

/// The newest invitations of an organization: all, those that have expired, or those that have not.
pub async fn list(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    expired: Option<bool>,
) -> Result<Vec<GuestView>> {
    let environment_id = principal.authorize(Action::GuestsView, On::Organization(organization_id))?;
    let mut conn = state.db.read().await?;
    let when = (expired, state.now());
    let found = guest_invitations::list(&mut conn, environment_id, organization_id, when, MAX_LISTED).await?;
    let users: Vec<UserId> = found.iter().map(|invitation| invitation.user_id).collect();
    let addresses = user_addresses::list(&mut conn, &users).await?;
    let identifiers = user_identifiers::list(&mut conn, &users).await?;
    let mut known_roles: BTreeMap<RoleId, Option<VisibleRole>> = BTreeMap::new();
    for id in found.iter().flat_map(|invitation| &invitation.roles) {
        if !known_roles.contains_key(id) {
            let role = roles::find_there(&mut conn, environment_id, organization_id, *id).await?;
            known_roles.insert(*id, role);
        }
    }
    let mut known_groups: BTreeMap<UserGroupId, Option<String>> = BTreeMap::new();
    for id in found.iter().flat_map(|invitation| &invitation.groups) {
        if !known_groups.contains_key(id) {
            let group: Option<UserGroup> = table::find(&mut conn, environment_id, *id).await?;
            let group = group.filter(|group| group.organization_id == organization_id);
            known_groups.insert(*id, group.map(|group| group.name));
        }
    }
    let view = |invitation: GuestInvitation| {
        let own = identifiers.get(&invitation.user_id).map(Vec::as_slice).unwrap_or_default();
        let addresses = addresses.get(&invitation.user_id).map(Vec::as_slice).unwrap_or_default();
        let name = associations::user_name(own).map(|name| name.text.as_str().to_owned());
        let roles = invitation.roles.iter().filter_map(|id| known_roles.get(id).cloned().flatten());
        let named = |id: &UserGroupId| Some((*id, known_groups.get(id).cloned().flatten()?));
        GuestView {
            user_name: name.unwrap_or_default(),
            email: usual_address(addresses, own).map(|email| email.as_str().to_owned()),
            roles: roles.collect(),
            groups: invitation.groups.iter().filter_map(named).collect(),
            invitation,
        }
    };
    Ok(found.into_iter().map(view).collect())
}

/// Takes an invitation back, expired or not. [`Error::NotFound`]: there is none with this id.
pub async fn remove(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    id: GuestInvitationId,
) -> Result<()> {
    let environment_id = principal.authorize(Action::GuestsManage, On::Organization(organization_id))?;
    let mut tx = state.db.write().await?;
    let not_found = || Error::not_found(GuestInvitationKind::NOUN, id);
    let found = guest_invitations::find(&mut tx, environment_id, organization_id, id).await?;
    let invitation = found.ok_or_else(not_found)?;
    if !guest_invitations::remove(&mut tx, id).await? {
        return Err(not_found());
    }
    audit::deleted(&mut tx, state, principal, &invitation).await?;
    let data = json!({ "userId": invitation.user_id });
    record(&mut tx, state, &invitation, EventKind::GuestInvitationDeleted, data).await?;
    Ok(tx.commit().await?)
}
