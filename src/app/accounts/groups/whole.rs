//! Groups with their members, changed as a whole: all of a change happens, or nothing.

use std::collections::BTreeSet;

use base::id::{EnvironmentId, IdKind as _, IdentityPoolId, UserGroupId, UserGroupKind, UserId};
use model::{audit::audit_fields, user_group::UserGroup};

use super::change::{GroupSettings, begin, insert, require_free_name};
use super::members::{MAX_GROUPS, too_many_groups};
use crate::{
    app::{
        Error, Result, State,
        accounts::users::{Purpose, lock_pool},
        audit::{self, Entry},
        permissions::Action,
        principal::{On, Principal},
        resource,
        retry::retry_deadlocks,
    },
    store::{self, Transaction, user_groups},
};

/// A change of who is in a group. Several are applied in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberChange {
    /// These come. Who is in it stays.
    Add(Vec<UserId>),
    /// These go, if they are in it.
    Remove(Vec<UserId>),
    /// These and nobody else are in it.
    Replace(Vec<UserId>),
}

/// Creates a group in a pool, with these members.
pub async fn create_with_members(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    settings: &GroupSettings,
    members: &[UserId],
) -> Result<UserGroup> {
    let environment_id = principal.authorize(Action::UserGroupsManage, On::AnyOrganization)?;
    let wanted = settings.check()?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let pool = lock_pool(&mut tx, environment_id, pool_id, Purpose::Add).await?;
        let on = On::Organization(pool.organization_id);
        resource::hide(pool_id, principal.authorize(Action::UserGroupsManage, on))?;
        let group = insert(&mut tx, state, principal, &pool, None, &wanted).await?;
        add(&mut tx, state, principal, &group, members).await?;
        tx.commit().await?;
        Ok(group)
    })
    .await
}

/// Changes a group and who is in it. `settings` is `None` where they stay.
pub async fn change_with_members(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserGroupId),
    settings: Option<&GroupSettings>,
    changes: &[MemberChange],
) -> Result<UserGroup> {
    principal.authorize(Action::UserGroupsManage, On::AnyOrganization)?;
    let wanted = settings.map(GroupSettings::check).transpose()?;
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, of, None, Purpose::Add).await?;
        if let Some(wanted) = &wanted
            && (&wanted.name, &wanted.description) != (&edit.row.name, &edit.row.description)
        {
            edit.row.name.clone_from(&wanted.name);
            edit.row.description.clone_from(&wanted.description);
            require_free_name(&mut edit.tx, &edit.row).await?;
            edit.write(state).await?;
            edit.record_update(state, principal).await?;
        }
        let group = edit.row.clone();
        let tx = &mut edit.tx;
        for change in changes {
            match change {
                MemberChange::Add(ids) => add(tx, state, principal, &group, ids).await?,
                MemberChange::Remove(ids) => remove(tx, state, principal, &group, ids).await?,
                MemberChange::Replace(ids) => {
                    let wanted: BTreeSet<UserId> = ids.iter().copied().collect();
                    let present = user_groups::list_member_ids(tx, group.id).await?;
                    let gone: Vec<UserId> = present.into_iter().filter(|id| !wanted.contains(id)).collect();
                    remove(tx, state, principal, &group, &gone).await?;
                    add(tx, state, principal, &group, ids).await?;
                }
            }
        }
        edit.commit().await
    })
    .await
}

/// Adds users of the group's pool, which is locked. [`Error::Invalid`] on `members`: somebody is none.
async fn add(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    group: &UserGroup,
    ids: &[UserId],
) -> Result<()> {
    let known = known(tx, group.environment_id, group.pool_id, ids).await?;
    if let Some(unknown) = ids.iter().find(|id| !known.contains(id)) {
        return Err(Error::invalid("members", format!("there is no user {unknown} here")));
    }
    for id in ids {
        if !user_groups::add_member(tx, group.id, *id, state.now()).await? {
            continue;
        }
        if user_groups::count_of_user(tx, *id).await? > MAX_GROUPS {
            return Err(too_many_groups());
        }
        record(tx, state, principal, group, "member_added", *id).await?;
    }
    Ok(())
}

async fn known(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    pool_id: IdentityPoolId,
    ids: &[UserId],
) -> Result<BTreeSet<UserId>> {
    Ok(store::users::lock_in_pool(tx, environment_id, pool_id, ids).await?)
}

async fn remove(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    group: &UserGroup,
    ids: &[UserId],
) -> Result<()> {
    for id in ids {
        if user_groups::remove_member(tx, group.id, *id).await? {
            record(tx, state, principal, group, "member_removed", *id).await?;
        }
    }
    Ok(())
}

async fn record(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    group: &UserGroup,
    done: &str,
    user_id: UserId,
) -> Result<()> {
    let entry = Entry::of(group, done).with_values(audit_fields! { "userId": user_id.to_string() });
    audit::record(tx, state, Some(group.environment_id), principal, entry).await
}

/// One page of a group's members for programs: their ids and names, in the order of the ids.
pub async fn list_names(
    state: &State,
    principal: &Principal,
    group: &UserGroup,
    limit: i64,
) -> Result<Vec<(UserId, Option<String>)>> {
    principal.authorize(Action::UserGroupsView, On::Organization(group.organization_id))?;
    principal.require_environment(group.environment_id)?;
    let mut conn = state.db.read().await?;
    let loaded: UserGroup = resource::load(&mut conn, group.environment_id, group.id).await?;
    match loaded.pool_id == group.pool_id {
        true => Ok(user_groups::list_member_names(&mut conn, group.id, limit).await?),
        false => Err(Error::not_found(UserGroupKind::NOUN, group.id)),
    }
}
