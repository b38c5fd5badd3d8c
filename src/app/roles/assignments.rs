//! Who has a role in an organization.

use std::collections::BTreeSet;

use base::id::{
    EnvironmentId, Id, IdKind as _, OrganizationId, RoleId, RoleKind, UserGroupKind, UserId, UserKind,
};
use model::{
    audit::{AuditTarget, audit_fields},
    organization::root_id,
};

use super::{
    held,
    set_change::SetChange,
    visible::{self, VisibleRole},
};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        permissions::Action,
        principal::{On, Principal},
    },
    store::{
        self, Transaction,
        role_assignments::{self, Assignee, NamedAssignee, RoleIn},
    },
};

/// How many users, and how many groups, have a role in an organization at most. Whoever has it through a group does not count.
pub const MAX_ASSIGNMENTS: i64 = 5000;

/// How many ids one entry of the audit log names at most.
const MAX_RECORDED: usize = 100;

/// Who has a role in an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// The users who have it themselves, with what they sign in with.
    pub users: Vec<NamedAssignee<UserKind>>,
    /// The groups whose users have it.
    pub groups: Vec<NamedAssignee<UserGroupKind>>,
}

/// Who has a role in an organization, which the caller read.
pub async fn members(state: &State, principal: &Principal, role: &VisibleRole) -> Result<Members> {
    principal.authorize(Action::RolesView, On::Organization(role.organization_id))?;
    let mut conn = state.db.read().await?;
    let place = role.place();
    Ok(Members {
        users: role_assignments::list_users(&mut conn, &place, MAX_ASSIGNMENTS).await?,
        groups: role_assignments::list_groups(&mut conn, &place, MAX_ASSIGNMENTS).await?,
    })
}

/// Gives a user of an organization a role, by its id there, in the caller's transaction. The caller authorised the change.
pub async fn assign_user(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
    user_id: UserId,
    role_id: RoleId,
) -> Result<()> {
    let role = visible::find_in(tx, environment_id, organization_id, role_id).await?;
    let change = SetChange::Add(BTreeSet::from([user_id]));
    apply(tx, state, principal, &role.place(), &change).await
}

/// What users and groups are called where they are not found.
pub(super) trait Named: Assignee {
    const FIELD: &'static str;
}

impl Named for UserKind {
    const FIELD: &'static str = "users";
}

impl Named for UserGroupKind {
    const FIELD: &'static str = "groups";
}

/// Changes who has a role, which stays until the transaction ends.
pub(super) async fn apply<K: Named>(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    place: &RoleIn,
    change: &SetChange<Id<K>>,
) -> Result<()> {
    let none = BTreeSet::new();
    let (wanted, gone) = match change {
        SetChange::Add(ids) => (ids.clone(), none),
        SetChange::Remove(ids) => (none, ids.clone()),
        SetChange::Replace(ids) => {
            let present = role_assignments::list::<K>(tx, place, MAX_ASSIGNMENTS).await?;
            (ids - &present, &present - ids)
        }
    };
    if !gone.is_empty() && role_assignments::remove(tx, place, &gone).await? > 0 {
        record(tx, state, principal, place, "unassigned", &gone).await?;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    // It is there until the transaction ends: whoever ends the sharing of its application waits, and then takes it away again.
    let not_found = || Error::not_found(RoleKind::NOUN, place.role_id);
    let role =
        store::roles::lock_shared(tx, place.environment_id, place.role_id).await?.ok_or_else(not_found)?;
    if !visible::is_there(tx, &role, place.organization_id).await? {
        return Err(not_found());
    }
    held::require_role(tx, principal, place, K::FIELD).await?;
    let there = role_assignments::lock_assignees(tx, place, &wanted).await?;
    if let Some(unknown) = (&wanted - &there).first() {
        let text = format!("there is no such {}: {}", K::NOUN, uuid::Uuid::from_u128(unknown.bits()));
        return Err(Error::invalid(K::FIELD, text));
    }
    if role_assignments::insert(tx, place, &wanted, state.now()).await? == 0 {
        return Ok(());
    }
    if role_assignments::count(tx, place, K::KIND).await? > MAX_ASSIGNMENTS {
        let text = format!("at most {MAX_ASSIGNMENTS} {} have a role; give it to a group of users", K::FIELD);
        return Err(Error::invalid(K::FIELD, text));
    }
    record(tx, state, principal, place, "assigned", &wanted).await
}

async fn record<K: Named>(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    place: &RoleIn,
    done: &str,
    ids: &BTreeSet<Id<K>>,
) -> Result<()> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let is_root = place.organization_id == root_id(place.environment_id);
    for some in ids.chunks(MAX_RECORDED) {
        let target = AuditTarget {
            kind: "role",
            id: place.role_id.to_string(),
            organization_id: Some(place.organization_id).filter(|_| !is_root),
        };
        let mut after = audit_fields! {};
        after.insert(K::FIELD.to_owned(), some.into());
        let entry = Entry { action: format!("role.{done}"), target, before: audit_fields! {}, after };
        audit::record(tx, state, Some(place.environment_id), principal, entry).await?;
    }
    Ok(())
}
