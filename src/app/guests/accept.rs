//! Invitations looked at and accepted.

use std::{collections::BTreeSet, net::IpAddr};

use base::{
    id::{EnvironmentId, OrganizationId, RoleId, UserId},
    secret::GuestInvitationCode,
    time::Timestamp,
};
use model::{
    audit::audit_fields,
    event::EventKind,
    guest_invitation::GuestInvitation,
    organization::Organization,
    user::{AssociationKind, User, UserAssociation},
    user_group::UserGroup,
};
use serde_json::json;

use super::{
    error::GuestError,
    invite::{in_use, record},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{associations, self_service::SignedIn},
        audit::{self, Entry},
        permissions::Action,
        principal::{On, Principal, Subject},
        retry::retry_deadlocks,
        roles,
    },
    store::{
        self, Conn, Transaction, guest_invitations, table, user_associations, user_groups, user_identifiers,
    },
};

/// Somebody who has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Their image.
    pub association: UserAssociation,
}

/// What somebody is offered who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// To join the organization with this name.
    Theirs {
        /// The name of the organization; may be empty.
        organization: String,
        /// Until when.
        expires_at: Timestamp,
    },
    /// The invitation is for somebody else.
    SomebodyElses,
    /// There is no such invitation, it has expired, or was used or taken back.
    Closed,
}

/// What an invitation is, for a caller in the organization that invites, or in that of the invited. A user of the latter learns it
/// of their own only. Returns the name that the invited has, too.
pub async fn introspect(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    code: &str,
) -> Result<(GuestInvitation, String), GuestError> {
    let environment_id = principal.authorize(Action::GuestsView, On::Organization(own))?;
    let mut conn = state.db.read().await?;
    let invitation = find(&mut conn, environment_id, code).await?;
    match principal.subject {
        _ if invitation.organization_id == own => {}
        _ if invitation.resident_organization_id != own => return Err(GuestError::Code),
        Subject::User(id) if id != invitation.user_id => return Err(GuestError::NotEntitled),
        _ => {}
    }
    let names = user_identifiers::list(&mut conn, &[invitation.user_id]).await?;
    let name = names.get(&invitation.user_id).and_then(|all| associations::user_name(all));
    let name = name.map(|name| name.text.as_str().to_owned()).unwrap_or_default();
    Ok((invitation, name))
}

/// What the confirmation code of an invitation offers to whoever is signed in.
pub async fn find_own(state: &State, signed_in: &SignedIn, code: &str) -> Result<Offer> {
    let user = signed_in.user();
    let mut conn = state.db.read().await?;
    let invitation = match find(&mut conn, user.environment_id, code).await {
        Ok(invitation) if invitation.is_open(state.now()) => invitation,
        Ok(_) | Err(GuestError::Code) => return Ok(Offer::Closed),
        Err(GuestError::Other(error)) => return Err(error),
        Err(_) => return Err(Error::internal("an invitation is looked for")),
    };
    if invitation.user_id != user.id {
        return Ok(Offer::SomebodyElses);
    }
    let organization: Option<Organization> =
        table::find(&mut conn, user.environment_id, invitation.organization_id).await?;
    Ok(match organization.filter(|organization| !organization.is_disabled()) {
        Some(organization) => Offer::Theirs {
            organization: organization.shown_name().to_owned(),
            expires_at: invitation.expires_at,
        },
        None => Offer::Closed,
    })
}

async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    code: &str,
) -> Result<GuestInvitation, GuestError> {
    let code: GuestInvitationCode = code.trim().parse().map_err(|_| GuestError::Code)?;
    guest_invitations::find_by_code(conn, environment_id, &code).await?.ok_or(GuestError::Code)
}

/// Accepts an invitation by its code: whoever is invited gets an image in the organization, the roles that are there and that
/// whoever invited may still give, and comes into the groups. Whose it must be, where somebody is signed in; `within`, the
/// organization that must be the one that invites, where a path names one. The code is good once.
pub async fn accept(
    state: &State,
    environment_id: EnvironmentId,
    code: &str,
    (whose, within): (Option<UserId>, Option<OrganizationId>),
    address: Option<IpAddr>,
) -> Result<Accepted, GuestError> {
    retry_deadlocks(async || {
        let now = state.now();
        let mut tx = state.db.write().await?;
        let invitation = find(&mut tx, environment_id, code).await?;
        if within.is_some_and(|within| within != invitation.organization_id) {
            return Err(GuestError::Code);
        }
        if whose.is_some_and(|user| user != invitation.user_id) {
            return Err(GuestError::NotEntitled);
        }
        if !invitation.is_open(now) {
            return Err(GuestError::Expired);
        }
        in_use(&mut tx, (environment_id, invitation.organization_id)).await?;
        let user: Option<User> = table::find_for_update(&mut tx, environment_id, invitation.user_id).await?;
        let user = user.filter(User::may_sign_in).ok_or(GuestError::NotEntitled)?;
        if !store::users::is_organization_in_use(&mut tx, environment_id, user.organization_id).await? {
            return Err(GuestError::NotEntitled);
        }
        if !guest_invitations::consume(&mut tx, invitation.id, now).await? {
            return Err(GuestError::Code);
        }
        let principal = Principal::user(user.id, environment_id).at(address);
        let association = join(&mut tx, state, &principal, &user, &invitation).await?;
        let entry = Entry::of(&invitation, "accepted");
        audit::record(&mut tx, state, Some(environment_id), &principal, entry).await?;
        let data = json!({ "userId": user.id, "memberId": association.user_id });
        record(&mut tx, state, &invitation, EventKind::GuestJoined, data).await?;
        tx.commit().await?;
        tracing::info!(invitation = %invitation.id, organization = %invitation.organization_id, "invitation accepted");
        Ok(Accepted { association })
    })
    .await
}

async fn join(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    user: &User,
    invitation: &GuestInvitation,
) -> Result<UserAssociation, GuestError> {
    let place = (invitation.environment_id, invitation.organization_id);
    if user_associations::find(tx, place.0, place.1, user.id).await?.is_some() {
        return Err(GuestError::IsMember);
    }
    let kind = AssociationKind::Invited;
    let made = associations::create(tx, state, principal, user, place.1, kind).await;
    let association = made.map_err(|error| match error {
        Error::Conflict { .. } => GuestError::IsMember,
        error => GuestError::Other(error),
    })?;
    let image: Option<User> = table::find(tx, place.0, association.user_id).await?;
    let image = image.ok_or_else(|| Error::internal("the image that was just made"))?;
    // What somebody may give is what they may give now.
    let giver = match invitation.invited_by {
        Some(id) => Principal::user(id, place.0),
        None => Principal::service(place.0),
    };
    for id in givable_roles(tx, &giver, invitation).await? {
        roles::assign_user(tx, state, &giver, place, image.id, id).await?;
    }
    for id in &invitation.groups {
        let group: Option<UserGroup> = table::find_for_update(tx, place.0, *id).await?;
        let Some(group) = group.filter(|group| group.pool_id == image.pool_id) else { continue };
        match roles::require_givable_group(tx, &giver, place, *id).await {
            Ok(()) => {}
            Err(Error::Invalid { .. }) => continue,
            Err(error) => return Err(error.into()),
        }
        if user_groups::add_member(tx, group.id, image.id, state.now()).await? {
            let values = audit_fields! { "userId": image.id.to_string() };
            let entry = Entry::of(&group, "member_added").with_values(values);
            audit::record(tx, state, Some(place.0), &giver, entry).await?;
        }
    }
    Ok(association)
}

/// The roles of an invitation that are there, and that whoever invited may give.
async fn givable_roles(
    conn: &mut Conn,
    giver: &Principal,
    invitation: &GuestInvitation,
) -> Result<BTreeSet<RoleId>> {
    let place = (invitation.environment_id, invitation.organization_id);
    let mut all = BTreeSet::new();
    for id in &invitation.roles {
        match roles::find_givable(conn, giver, place, *id).await {
            Ok(role) => {
                all.insert(role.id);
            }
            Err(Error::NotFound { .. } | Error::Invalid { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
