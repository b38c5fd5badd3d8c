//! How memberships begin, change and end, whoever asks for it: within the caller's transaction, with the audit log and the event.

use base::id::UserId;
use model::{
    audit::{Audited as _, difference},
    event::EventKind,
    membership::Membership,
    organization::Organization,
};
use serde_json::{Value, json};

use super::enforcement;
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        events::{self, NewEvent},
        principal::Principal,
    },
    store::{self, Transaction, account_deprovisioning, memberships},
};

/// What the change of a membership is called in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The tier is another.
    RoleChanged,
    /// It does not count any more.
    Suspended,
    /// It counts again.
    Reactivated,
    /// Something else is.
    Updated,
}

impl Done {
    fn verb(self) -> &'static str {
        match self {
            Self::RoleChanged => "role_changed",
            Self::Suspended => "suspended",
            Self::Reactivated => "reactivated",
            Self::Updated => "updated",
        }
    }
}

/// Adds a member. 409 `already_member`: they are one. Record nothing after it that waits for a lock.
pub async fn add(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    membership: &Membership,
) -> Result<()> {
    memberships::insert(tx, membership).await.map_err(|error| match error {
        store::Error::Duplicate => already_member(),
        error => error.into(),
    })?;
    let entry = Entry::of(membership, "added").with_values(membership.audit_fields());
    audit::record(tx, state, Some(membership.environment_id), principal, entry).await?;
    let data = json!({ "after": Value::Object(membership.audit_fields()) });
    record(tx, state, membership, EventKind::MembershipCreated, data).await
}

/// The refusal of somebody who is a member.
pub fn already_member() -> Error {
    Error::state("already_member", "the user is a member of the organization already")
}

/// Stores a changed membership, which is locked. One that does not count any more ends what its user has in the organization.
pub async fn update(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    (before, after): (&Membership, &Membership),
    done: Done,
) -> Result<()> {
    memberships::update(tx, after).await.map_err(|error| match error {
        store::Error::Duplicate => Error::state("owner_exists", "the organization has an owner"),
        error => error.into(),
    })?;
    if before.is_active() && !after.is_active() {
        end_use(tx, state, after).await?;
    }
    let (old, new) = difference(&before.audit_fields(), &after.audit_fields());
    let entry = Entry { before: old.clone(), ..Entry::of(after, done.verb()).with_values(new.clone()) };
    audit::record(tx, state, Some(after.environment_id), principal, entry).await?;
    let data = json!({ "before": Value::Object(old), "after": Value::Object(new) });
    record(tx, state, after, EventKind::MembershipUpdated, data).await
}

/// Ends a membership, which is locked, and what its user has in the organization. The user and the audit log stay.
pub async fn end(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    membership: &Membership,
) -> Result<()> {
    memberships::remove(tx, membership).await?;
    end_use(tx, state, membership).await?;
    let entry = Entry { before: membership.audit_fields(), ..Entry::of(membership, "removed") };
    audit::record(tx, state, Some(membership.environment_id), principal, entry).await?;
    let data = json!({ "before": Value::Object(membership.audit_fields()) });
    record(tx, state, membership, EventKind::MembershipDeleted, data).await
}

/// Ends the sessions, grants and tokens of a user in one organization.
async fn end_use(tx: &mut Transaction, state: &State, membership: &Membership) -> Result<()> {
    let (organization_id, user_id) = (membership.organization_id, membership.user_id);
    Ok(account_deprovisioning::end_use_in_organization(tx, organization_id, user_id, state.now()).await?)
}

async fn record(
    tx: &mut Transaction,
    state: &State,
    membership: &Membership,
    kind: EventKind,
    data: Value,
) -> Result<()> {
    let event = NewEvent {
        environment: &membership.environment_id,
        organization: &membership.organization_id,
        directory: membership.directory_id.as_ref(),
        kind,
        resource: membership.user_id.to_string(),
        data,
    };
    events::record(tx, state.now(), event).await?;
    Ok(())
}

/// Requires that an organization that enforces single sign-on keeps somebody who administers it from outside of that. The lock of the
/// organization is held.
pub async fn keep_break_glass(
    tx: &mut Transaction,
    organization: &Organization,
    leaving: &Membership,
) -> Result<()> {
    let counts = leaving.break_glass && leaving.tier.administers() && leaving.is_active();
    if counts
        && enforcement::is_enforced(organization)
        && !memberships::has_other_break_glass(tx, organization.id, leaving.user_id).await?
    {
        return Err(Error::state(
            "last_break_glass_admin",
            "the organization enforces single sign-on: somebody who administers it must stay outside of that",
        ));
    }
    Ok(())
}

/// Requires that an organization without an owner keeps somebody who administers it. The lock of the organization is held.
pub async fn keep_administrator(
    tx: &mut Transaction,
    organization: &Organization,
    leaving: UserId,
) -> Result<()> {
    if memberships::find_owner(tx, organization.id).await?.is_none()
        && !memberships::has_other_administrator(tx, organization.id, leaving).await?
    {
        return Err(Error::state(
            "last_admin",
            "the organization has no owner, and nobody else administers it: add another administrator first",
        ));
    }
    Ok(())
}
