//! An organization is handed over to another of its members, in one step: it never has two owners, and none only if it had none.

use base::{id::UserId, time::Timestamp};
use model::{
    audit::audit_fields,
    event::EventKind,
    membership::{Membership, Tier},
    organization::Organization,
};
use serde_json::json;

use super::{
    caller::Standing,
    change::{self, Done},
    manage::still_may,
    organizations::{self, SeenOrganization},
};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        events::{self, NewEvent},
        permissions::Action,
        principal::{MAX_AUTHENTICATION_AGE, On},
        retry::retry_deadlocks,
    },
    store::{Transaction, memberships},
};

/// Makes another active member the owner; the present one gets `demote_to`. It takes a recent authentication.
pub async fn transfer(
    state: &State,
    standing: &Standing,
    new_owner: UserId,
    demote_to: Tier,
) -> Result<SeenOrganization> {
    let (environment_id, id) = standing.place();
    standing.principal.authorize(Action::OrganizationsOwn, On::Organization(id))?;
    let is_recent = |at: Timestamp| at + MAX_AUTHENTICATION_AGE > state.now();
    if standing.user.as_ref().is_some_and(|user| !is_recent(user.authenticated_at)) {
        return Err(Error::forbidden(
            "reauthentication_required",
            "this takes an authentication of the last ten minutes: sign in again",
        ));
    }
    if demote_to == Tier::Owner {
        return Err(Error::invalid("demote_to", "must be admin or member"));
    }
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        if !memberships::lock_organization(&mut tx, environment_id, id).await? {
            return Err(Error::not_found("organization", id));
        }
        still_may(&mut tx, standing).await?;
        let found = memberships::find_for_update(&mut tx, environment_id, id, new_owner).await?;
        let Some(next) = found.filter(Membership::is_active) else {
            return Err(Error::unprocessable(
                "new_owner_not_member",
                "the new owner must be an active member of the organization",
            ));
        };
        if next.tier == Tier::Owner {
            return Err(Error::state("already_owner", "they own the organization already"));
        }
        let before = memberships::find_owner(&mut tx, id).await?;
        if let Some(owner) = before {
            demote(&mut tx, state, standing, owner, demote_to).await?;
        }
        let after = Membership { tier: Tier::Owner, updated_at: state.now(), ..next.clone() };
        change::update(&mut tx, state, &standing.principal, (&next, &after), Done::RoleChanged).await?;
        record(&mut tx, state, standing, before, new_owner).await?;
        let summary = memberships::summaries(&mut tx, &[id]).await?.remove(&id).unwrap_or_default();
        let own = match &standing.user {
            Some(user) => memberships::find(&mut tx, environment_id, id, user.id).await?,
            None => None,
        };
        tx.commit().await?;
        let role = own.filter(Membership::is_active).map(|own| own.tier);
        Ok(SeenOrganization { role, ..organizations::seen(standing.organization.clone(), summary) })
    })
    .await
}

async fn demote(
    tx: &mut Transaction,
    state: &State,
    standing: &Standing,
    owner: UserId,
    demote_to: Tier,
) -> Result<()> {
    let (environment_id, id) = standing.place();
    let found = memberships::find_for_update(tx, environment_id, id, owner).await?;
    let Some(owner) = found else { return Ok(()) };
    let break_glass = owner.break_glass && demote_to.administers();
    if !break_glass {
        change::keep_break_glass(tx, &standing.organization, &owner).await?;
    }
    let after = Membership { tier: demote_to, break_glass, updated_at: state.now(), ..owner.clone() };
    change::update(tx, state, &standing.principal, (&owner, &after), Done::RoleChanged).await
}

async fn record(
    tx: &mut Transaction,
    state: &State,
    standing: &Standing,
    before: Option<UserId>,
    after: UserId,
) -> Result<()> {
    let organization: &Organization = &standing.organization;
    let entry = Entry {
        before: audit_fields! { "ownerUserId": before },
        ..Entry::of(organization, "ownership_transferred").with_values(audit_fields! { "ownerUserId": after })
    };
    audit::record(tx, state, Some(organization.environment_id), &standing.principal, entry).await?;
    let event = NewEvent {
        environment: &organization.environment_id,
        organization: &organization.id,
        directory: None,
        kind: EventKind::OwnershipTransferred,
        resource: organization.id.to_string(),
        data: json!({ "before": before, "after": after }),
    };
    events::record(tx, state.now(), event).await?;
    Ok(())
}
