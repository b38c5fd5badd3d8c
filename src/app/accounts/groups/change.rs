//! Groups that are made, renamed and removed.

use base::id::{Id, IdKind as _, IdentityPoolId, UserGroupId, UserGroupKind};
use model::{
    entity_tag::EntityTags,
    identity_pool::IdentityPool,
    user_group::{UserGroup, name_key},
};

use crate::{
    app::{
        Error, Result, State,
        accounts::{
            pools::{description, name},
            users::{Purpose, lock_pool},
        },
        audit,
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit, check_version},
        retry::retry_deadlocks,
        roles,
    },
    store::{Transaction, role_assignments, table, user_groups},
};

/// A group as it is asked for, unvalidated.
#[derive(Debug, Clone, Default)]
pub struct GroupSettings {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
}

impl GroupSettings {
    pub(super) fn check(&self) -> Result<Self> {
        let checked = Self { name: name(&self.name)?, description: description(&self.description)? };
        match name_key(&checked.name).is_empty() {
            true => Err(Error::invalid("name", "must have a character that can be seen")),
            false => Ok(checked),
        }
    }
}

/// Creates a group in a pool, with the id that the caller chose for it, if one.
pub async fn create(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    id: Option<UserGroupId>,
    settings: &GroupSettings,
) -> Result<UserGroup> {
    let environment_id = principal.authorize(Action::UserGroupsManage, On::AnyOrganization)?;
    let wanted = settings.check()?;
    if id.is_some_and(|id| id.bits() == 0) {
        return Err(Error::invalid("id", "must not be zero"));
    }
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let pool = lock_pool(&mut tx, environment_id, pool_id, Purpose::Add).await?;
        let on = On::Organization(pool.organization_id);
        resource::hide(pool_id, principal.authorize(Action::UserGroupsManage, on))?;
        let group = insert(&mut tx, state, principal, &pool, id, &wanted).await?;
        tx.commit().await?;
        Ok(group)
    })
    .await
}

/// Adds a group to a pool that is locked, within the caller's transaction.
pub(super) async fn insert(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    pool: &IdentityPool,
    id: Option<UserGroupId>,
    settings: &GroupSettings,
) -> Result<UserGroup> {
    let now = state.now();
    let group = UserGroup {
        id: id.unwrap_or_else(|| Id::new(now, &*state.random)),
        environment_id: pool.environment_id,
        organization_id: pool.organization_id,
        pool_id: pool.id,
        version: 1,
        name: settings.name.clone(),
        description: settings.description.clone(),
        created_at: now,
        updated_at: now,
    };
    require_free_name(tx, &group).await?;
    table::insert(tx, &group).await.map_err(Error::conflict_on(UserGroupKind::NOUN, "id"))?;
    audit::created(tx, state, principal, &group).await?;
    Ok(group)
}

/// Requires that no other group of the pool, which is locked, has the name in its normal form.
pub(super) async fn require_free_name(tx: &mut Transaction, group: &UserGroup) -> Result<()> {
    let (environment_id, pool_id) = (group.environment_id, group.pool_id);
    let found = user_groups::find_by_key(tx, environment_id, pool_id, &group.name_key()).await?;
    match found.filter(|other| other.id != group.id) {
        Some(_) => Err(Error::Conflict { kind: UserGroupKind::NOUN, field: "name" }),
        None => Ok(()),
    }
}

/// Makes these the settings of a group. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn replace(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserGroupId),
    expected: Option<&EntityTags>,
    settings: &GroupSettings,
) -> Result<UserGroup> {
    principal.authorize(Action::UserGroupsManage, On::AnyOrganization)?;
    let wanted = settings.check()?;
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, of, expected, Purpose::Add).await?;
        edit.row.name.clone_from(&wanted.name);
        edit.row.description.clone_from(&wanted.description);
        require_free_name(&mut edit.tx, &edit.row).await?;
        edit.write(state).await?;
        edit.record_update(state, principal).await?;
        edit.commit().await
    })
    .await
}

/// Removes a group: its users stay, are not in it any more, and lose the roles that they had through it.
pub async fn remove(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserGroupId),
    expected: Option<&EntityTags>,
) -> Result<()> {
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, of, expected, Purpose::Remove).await?;
        role_assignments::remove_of_group(&mut edit.tx, edit.row.id).await?;
        edit.remove(state, principal).await
    })
    .await
}

/// Begins a change of a group of this pool, which is locked too, for a principal who may.
pub(super) async fn begin(
    state: &State,
    principal: &Principal,
    (pool_id, id): (IdentityPoolId, UserGroupId),
    expected: Option<&EntityTags>,
    purpose: Purpose,
) -> Result<Edit<UserGroup>> {
    let environment_id = principal.authorize(Action::UserGroupsManage, On::AnyOrganization)?;
    let mut tx = state.db.write().await?;
    let pool = lock_pool(&mut tx, environment_id, pool_id, purpose).await?;
    let on = On::Organization(pool.organization_id);
    resource::hide(pool_id, principal.authorize(Action::UserGroupsManage, on))?;
    let mut edit = Edit::<UserGroup>::begin(tx, environment_id, id, None).await?;
    if edit.row.pool_id != pool_id {
        return Err(Error::not_found(UserGroupKind::NOUN, id));
    }
    roles::require_group(&mut edit.tx, principal, &edit.row).await?;
    check_version(expected, edit.row.version)?;
    Ok(edit)
}
