//! Changes of a role, all of them or none: its name, what it permits, and who has it.

use base::id::{IdKind as _, OrganizationId, OrganizationKind, RoleId, RoleKind, UserGroupId, UserId};
use model::{entity_tag::EntityTags, role::Role};

use super::{
    assignments, change, held, known_permissions,
    set_change::SetChange,
    visible::{self, VisibleRole},
};
use crate::{
    app::{
        Error, Result, State,
        permissions::Action,
        principal::{On, Principal},
        resource::{Edit, check_version},
        retry::retry_deadlocks,
    },
    store::{self, Transaction},
};

/// A change of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleOperation {
    /// Another name.
    Rename(String),
    /// Another set of what it permits.
    Permissions(SetChange<String>),
    /// Other users who have it.
    Users(SetChange<UserId>),
    /// Other groups of users who have it.
    Groups(SetChange<UserGroupId>),
}

/// Changes a role in an organization, by its id there, one operation after another: all of them, or none. [`Error::Outdated`]: it has
/// none of the `expected` versions any more.
pub async fn apply(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    id: RoleId,
    expected: Option<&EntityTags>,
    operations: &[RoleOperation],
) -> Result<VisibleRole> {
    let environment_id = principal.authorize(Action::RolesManage, On::Organization(organization_id))?;
    let is_setting =
        |one: &RoleOperation| matches!(one, RoleOperation::Rename(_) | RoleOperation::Permissions(_));
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        if store::users::lock_organization(&mut tx, environment_id, organization_id).await?.is_none() {
            return Err(Error::not_found(OrganizationKind::NOUN, organization_id));
        }
        let found = visible::find_in(&mut tx, environment_id, organization_id, id).await?;
        let found = match operations.iter().any(is_setting) {
            true => {
                let mut edit = Edit::<Role>::begin(tx, environment_id, found.role.id, expected).await?;
                change_settings(&mut edit, state, principal, &found, operations).await?;
                tx = edit.tx;
                VisibleRole { role: edit.row, ..found }
            }
            false => {
                // It stays, and others in other organizations give it meanwhile.
                let role = store::roles::lock_shared(&mut tx, environment_id, found.role.id).await?;
                let role = role.ok_or_else(|| Error::not_found(RoleKind::NOUN, id))?;
                check_version(expected, role.version)?;
                VisibleRole { role, ..found }
            }
        };
        change_members(&mut tx, state, principal, &found, operations).await?;
        tx.commit().await?;
        Ok(found)
    })
    .await
}

async fn change_settings(
    edit: &mut Edit<Role>,
    state: &State,
    principal: &Principal,
    found: &VisibleRole,
    operations: &[RoleOperation],
) -> Result<()> {
    for operation in operations {
        match operation {
            RoleOperation::Rename(name) => edit.row.name = change::checked_name(name)?,
            RoleOperation::Permissions(change) => change.apply(&mut edit.row.permissions),
            RoleOperation::Users(_) | RoleOperation::Groups(_) => {}
        }
    }
    if found.is_shared() {
        if edit.row.name != edit.before.name {
            return Err(Error::invalid(
                "displayName",
                "Role name modification is not allowed for shared roles.",
            ));
        }
        if edit.row.permissions != edit.before.permissions {
            return Err(Error::invalid(
                "permissions",
                "Role permission modification is not allowed for shared roles.",
            ));
        }
        return Ok(());
    }
    // What it permits already may stay, also where nothing knows it any more.
    let added = &edit.row.permissions - &edit.before.permissions;
    if !added.is_empty() {
        let (environment_id, audience) = (edit.row.environment_id, edit.row.audience);
        let own_scopes = known_permissions::own_scopes(&mut edit.tx, environment_id, audience).await?;
        known_permissions::check(&added, &own_scopes)?;
        known_permissions::check_number(&edit.row.permissions)?;
        let place = (environment_id, edit.row.organization_id);
        held::require(&mut edit.tx, principal, place, "permissions", &added).await?;
        known_permissions::note(&mut edit.tx, audience, &own_scopes, &added).await?;
    }
    edit.write(state).await.map_err(Error::conflict_on(RoleKind::NOUN, "name"))?;
    edit.record_update(state, principal).await
}

async fn change_members(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    found: &VisibleRole,
    operations: &[RoleOperation],
) -> Result<()> {
    let place = found.place();
    for operation in operations {
        match operation {
            RoleOperation::Users(change) => {
                assignments::apply(tx, state, principal, &place, change).await?;
            }
            RoleOperation::Groups(change) => {
                assignments::apply(tx, state, principal, &place, change).await?;
            }
            RoleOperation::Rename(_) | RoleOperation::Permissions(_) => {}
        }
    }
    Ok(())
}
