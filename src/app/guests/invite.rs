//! Invitations made.

use std::{collections::BTreeSet, time::Duration};

use base::{
    id::{
        EnvironmentId, Id, IdKind as _, OrganizationId, OrganizationKind, RoleId, UserGroupId, UserGroupKind,
    },
    secret::GuestInvitationCode,
};
use model::{
    event::EventKind,
    guest_invitation::GuestInvitation,
    letter::{Asker, LetterKind},
    organization::Organization,
    user::{User, UserIdentifier},
    user_group::UserGroup,
};
use serde_json::json;

use super::error::GuestError;
use crate::{
    app::{
        Error, Result, State,
        accounts::{associations, user_credentials::usual_address, users},
        audit,
        authorization_server::issuers,
        events::{self, NewEvent},
        mail::outbox::{self, Link, NewLetter},
        permissions::Action,
        principal::{On, Principal, Subject},
        retry::retry_deadlocks,
        roles,
    },
    store::{
        self, Conn, Transaction, guest_invitations, identity_pools, table, tenants, user_addresses,
        user_associations, user_identifiers,
    },
};

/// How long an invitation is good.
const LIFETIME: Duration = Duration::from_secs(72 * 3600);

/// How many people one call invites at most.
pub const MAX_INVITED: usize = 100;

/// How many roles, and how many groups, an invitation gives at most.
pub const MAX_GRANTS: usize = 100;

/// How many invitations of an organization are open at most.
const MAX_OPEN: i64 = 1000;

/// How many pools of the organization above are looked through.
const MAX_POOLS: i64 = 100;

/// The maximum length of a name that is looked for, in bytes.
const MAX_NAME: usize = 2000;

/// Whom an organization invites, and what they get there.
#[derive(Debug, Clone, Default)]
pub struct NewInvitations {
    /// Their names above the organization: what they sign in with.
    pub user_names: Vec<String>,
    /// The roles that they get, by their ids in the organization.
    pub roles: BTreeSet<RoleId>,
    /// The groups that they come into.
    pub groups: BTreeSet<UserGroupId>,
    /// Whether the confirmation codes are for the caller, who hands them over; else they go by letter.
    pub hand_over: bool,
}

/// What became of one of them.
#[derive(Debug)]
pub struct Invited {
    /// The name, as it was given.
    pub user_name: String,
    /// The confirmation code, where no letter brings it; or why they are not invited.
    pub result: Result<Option<GuestInvitationCode>, GuestError>,
}

/// Invites users of the organization above into an organization: each by a transaction of their own. An error is that of all.
pub async fn invite(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    new: &NewInvitations,
) -> Result<Vec<Invited>, GuestError> {
    let environment_id = principal.authorize(Action::GuestsManage, On::Organization(organization_id))?;
    if new.user_names.is_empty() || new.user_names.len() > MAX_INVITED {
        return Err(Error::invalid("usernames", format!("must be one to {MAX_INVITED} names")).into());
    }
    for (name, count) in [("roles", new.roles.len()), ("groups", new.groups.len())] {
        if count > MAX_GRANTS {
            return Err(Error::invalid(name, format!("must be at most {MAX_GRANTS}")).into());
        }
    }
    let place = (environment_id, organization_id);
    check_grants(&mut state.db.read().await?, principal, place, new).await?;
    let mut all = Vec::new();
    for user_name in &new.user_names {
        let invited =
            retry_deadlocks(async || invite_one(state, principal, place, new, user_name).await).await;
        let result = match invited {
            Err(GuestError::Other(error)) => return Err(error.into()),
            result => result,
        };
        all.push(Invited { user_name: user_name.clone(), result });
    }
    Ok(all)
}

/// That there are the roles and groups, and that the caller may give what they permit.
async fn check_grants(
    conn: &mut Conn,
    principal: &Principal,
    place: (EnvironmentId, OrganizationId),
    new: &NewInvitations,
) -> Result<(), GuestError> {
    for id in &new.roles {
        roles::find_givable(conn, principal, place, *id).await.map_err(GuestError::of_grant)?;
    }
    // Images are in the first pool, and so are the groups that they can come into.
    let pool = identity_pools::find_first(conn, place.0, place.1).await?.map(|pool| pool.id);
    for id in &new.groups {
        let group: Option<UserGroup> = table::find(conn, place.0, *id).await?;
        if group.is_none_or(|group| group.organization_id != place.1 || Some(group.pool_id) != pool) {
            return Err(GuestError::of_grant(Error::not_found(UserGroupKind::NOUN, id)));
        }
        roles::require_givable_group(conn, principal, place, *id).await.map_err(GuestError::of_grant)?;
    }
    Ok(())
}

async fn invite_one(
    state: &State,
    principal: &Principal,
    place: (EnvironmentId, OrganizationId),
    new: &NewInvitations,
    user_name: &str,
) -> Result<Option<GuestInvitationCode>, GuestError> {
    let (environment_id, organization_id) = place;
    let now = state.now();
    let mut tx = state.db.write().await?;
    let organization = in_use(&mut tx, place).await?;
    let user = find_above(&mut tx, &organization, user_name).await?.ok_or(GuestError::UnknownUser)?;
    let by_letter = !new.hand_over && outbox::is_set_up(state);
    let addresses = user_addresses::list(&mut tx, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    let identifiers = user_identifiers::list(&mut tx, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    if is_member(&mut tx, &organization, &user, &identifiers).await? {
        return Err(GuestError::IsMember);
    }
    let recipient = usual_address(&addresses, &identifiers);
    if by_letter && recipient.is_none() {
        return Err(GuestError::NoAddress);
    }
    if guest_invitations::count_open(&mut tx, organization_id, now, MAX_OPEN).await? >= MAX_OPEN {
        return Err(GuestError::NoRoom);
    }
    if by_letter && !outbox::has_room(&mut tx, state, user.id.into(), Asker::Administrator).await? {
        return Err(GuestError::NoRoom);
    }
    let invitation = GuestInvitation {
        id: Id::new(now, &*state.random),
        environment_id,
        organization_id,
        user_id: user.id,
        resident_organization_id: user.organization_id,
        roles: new.roles.clone(),
        groups: new.groups.clone(),
        invited_by: match principal.subject {
            Subject::User(id) => Some(id),
            _ => None,
        },
        created_at: now,
        expires_at: now + LIFETIME,
    };
    let code = GuestInvitationCode::new(&*state.random);
    guest_invitations::remove_expired_of(&mut tx, organization_id, user.id, now).await?;
    guest_invitations::insert(&mut tx, &invitation, &code).await.map_err(|error| match error {
        store::Error::Duplicate => GuestError::IsInvited,
        error => GuestError::Other(error.into()),
    })?;
    if by_letter {
        let link = link(&mut tx, state, &user, &code).await?;
        let letter = NewLetter {
            environment_id,
            organization_id,
            account: Some(user.id.into()),
            kind: LetterKind::GuestInvitation,
            asked_by: Some(Asker::Administrator),
            not_sent: None,
            recipient: recipient.as_ref(),
            code: None,
            link: Link::To(&link),
        };
        outbox::put(&mut tx, state, &letter).await?;
    }
    audit::created(&mut tx, state, principal, &invitation).await?;
    let data = json!({ "userId": user.id, "expiresAt": invitation.expires_at });
    record(&mut tx, state, &invitation, EventKind::GuestInvited, data).await?;
    tx.commit().await?;
    Ok((!by_letter).then_some(code))
}

/// Locks an organization that is in use, and reads it.
pub(super) async fn in_use(
    tx: &mut Transaction,
    (environment_id, id): (EnvironmentId, OrganizationId),
) -> Result<Organization, GuestError> {
    if !identity_pools::lock_organization(tx, environment_id, id).await? {
        return Err(Error::not_found(OrganizationKind::NOUN, id).into());
    }
    let found: Option<Organization> = table::find(tx, environment_id, id).await?;
    let found = found.ok_or_else(|| Error::not_found(OrganizationKind::NOUN, id))?;
    match found.template || found.is_disabled() {
        true => Err(GuestError::Unavailable),
        false => Ok(found),
    }
}

/// The user of the organization above who has this name; of an image there, whose it is.
async fn find_above(conn: &mut Conn, organization: &Organization, name: &str) -> Result<Option<User>> {
    if name.len() > MAX_NAME {
        return Ok(None);
    }
    let (environment_id, parent) = (organization.environment_id, organization.parent_id);
    for pool in identity_pools::list_by_organization(conn, environment_id, parent, MAX_POOLS).await? {
        if let Some(user) = users::find_by_typed(conn, &pool, name).await? {
            if !user.status.is_active() {
                return Ok(None);
            }
            let resident = associations::resident_of(conn, &user).await?;
            return Ok(Some(resident).filter(User::may_sign_in));
        }
    }
    Ok(None)
}

/// Whether a user is in an organization already, or could not get an image as somebody there has their name.
async fn is_member(
    conn: &mut Conn,
    organization: &Organization,
    user: &User,
    identifiers: &[UserIdentifier],
) -> Result<bool> {
    let (environment_id, id) = (user.environment_id, organization.id);
    if user.organization_id == id
        || user_associations::find(conn, environment_id, id, user.id).await?.is_some()
    {
        return Ok(true);
    }
    let Some(name) = associations::user_name(identifiers) else { return Ok(false) };
    let pool = identity_pools::find_first(conn, environment_id, id).await?;
    let Some(pool) = pool else { return Ok(false) };
    Ok(users::find_by_typed(conn, &pool, name.text.as_str()).await?.is_some())
}

/// Where somebody accepts: at the organization where they have their account.
async fn link(
    tx: &mut Transaction,
    state: &State,
    user: &User,
    code: &GuestInvitationCode,
) -> Result<url::Url> {
    let environment_id = user.environment_id;
    let tenant = tenants::find(tx, environment_id).await?;
    let tenant = tenant.ok_or_else(|| Error::not_found("environment", environment_id))?;
    let home: Option<Organization> = table::find(tx, environment_id, user.organization_id).await?;
    let alias = home.as_ref().and_then(|home| home.public_alias.as_ref()).map(|alias| alias.as_str());
    let segment = issuers::organization_segment(environment_id, user.organization_id, alias);
    Ok(state.links.guest_invitation(&tenant.name, &segment, &code.reveal()))
}

/// Records an event of an invitation: last, as the counter of events stays locked.
pub(super) async fn record(
    tx: &mut Transaction,
    state: &State,
    invitation: &GuestInvitation,
    kind: EventKind,
    data: serde_json::Value,
) -> Result<()> {
    let event = NewEvent {
        environment: &invitation.environment_id,
        organization: &invitation.organization_id,
        directory: None,
        kind,
        resource: invitation.id.to_string(),
        data,
    };
    events::record(tx, state.now(), event).await.map(drop)
}
