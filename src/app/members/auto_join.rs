//! Users become members of an organization by a verified address of a domain that it has proved, where it has switched that on. Nobody
//! does whom the organization removed, or who left it, nor who is invited to another role: the invitation decides.
//!
//! It is done after a sign-in, or the proof of an address, was stored, in transactions of its own: what fails here keeps nobody out,
//! and is done with the next sign-in.

use std::collections::BTreeSet;

use base::id::{EnvironmentId, UserId};
use model::{
    email::Email,
    membership::{Membership, MembershipSource, Tier},
    organization::root_id,
    organization_domain::AutoJoinRole,
    organization_invitation::OrganizationInvitation,
    user::{AddressKind, User, UserAddress},
};

use super::change;
use crate::{
    app::{Result, State, principal::Principal, retry::retry_deadlocks},
    store::{self, Conn, auto_join::Joining, memberships, organization_invitations, table},
    telemetry,
};

/// How many organizations somebody joins at once at the most.
const MAX_JOINED: i64 = 20;

/// How many invitations of somebody are looked at.
const MAX_INVITATIONS: i64 = 200;

fn tier_of(role: AutoJoinRole) -> Tier {
    match role {
        AutoJoinRole::Member => Tier::Member,
        AutoJoinRole::Admin => Tier::Admin,
    }
}

/// Makes a user a member of the organizations whose domains say so. A user of an organization's own pool is a member of that alone.
pub(in crate::app) async fn join(state: &State, user: &User) {
    if user.organization_id != root_id(user.environment_id) {
        return;
    }
    if let Err(error) = join_all(state, user.environment_id, user.id).await {
        let cause = telemetry::error_chain(&error);
        tracing::warn!(cause, user = %user.id, "somebody could not join organizations by their domains");
    }
}

async fn join_all(state: &State, environment_id: EnvironmentId, id: UserId) -> Result<()> {
    let found = {
        let mut conn = state.db.read().await?;
        joining(&mut conn, state, environment_id, id).await?
    };
    let mut seen = BTreeSet::new();
    for one in found {
        if seen.insert(one.organization_id) {
            retry_deadlocks(async || join_one(state, (environment_id, id), &one).await).await?;
        }
    }
    Ok(())
}

/// The organizations that a user joins now.
async fn joining(
    conn: &mut Conn,
    state: &State,
    environment_id: EnvironmentId,
    id: UserId,
) -> Result<Vec<Joining>> {
    let addresses = store::user_addresses::list(conn, &[id]).await?.remove(&id).unwrap_or_default();
    let proven = addresses.iter().filter(|one| one.is_verified() && one.kind == AddressKind::Email);
    let emails = proven.filter_map(|one| Email::parse(&one.address));
    let domains: BTreeSet<_> = emails.map(|email| email.domain().clone()).collect();
    let domains: Vec<_> = domains.into_iter().collect();
    let mut found = store::auto_join::list(conn, environment_id, id, &domains, MAX_JOINED).await?;
    if found.is_empty() {
        return Ok(found);
    }
    // An invitation to another role decides what they become, once it is accepted.
    let proven = addresses.iter().filter(|one| one.is_verified());
    let keys: Vec<String> = proven.map(UserAddress::key).collect();
    let now = state.now();
    let invited =
        organization_invitations::list_pending_of(conn, environment_id, &keys, now, MAX_INVITATIONS).await?;
    found.retain(|one| {
        let other = |invitation: &OrganizationInvitation| {
            invitation.organization_id == one.organization_id && invitation.role != tier_of(one.role)
        };
        !invited.iter().any(other)
    });
    Ok(found)
}

/// Adds a user to an organization, if that is still right now.
async fn join_one(state: &State, (environment_id, id): (EnvironmentId, UserId), one: &Joining) -> Result<()> {
    let mut tx = state.db.write().await?;
    if !memberships::lock_organization(&mut tx, environment_id, one.organization_id).await? {
        return Ok(());
    }
    let user: Option<User> = table::find_for_update(&mut tx, environment_id, id).await?;
    let root = root_id(environment_id);
    if !user.is_some_and(|user| user.may_sign_in() && user.organization_id == root) {
        return Ok(());
    }
    let now = joining(&mut tx, state, environment_id, id).await?;
    let Some(joined) = now.into_iter().find(|other| other.organization_id == one.organization_id) else {
        return Ok(());
    };
    let tier = tier_of(joined.role);
    let place = (environment_id, one.organization_id);
    let membership = Membership::new(place, id, tier, MembershipSource::AutoJoin, state.now());
    change::add(&mut tx, state, &Principal::service(environment_id), &membership).await?;
    tx.commit().await?;
    tracing::info!(user = %id, organization = %one.organization_id, "joined by a domain");
    Ok(())
}
