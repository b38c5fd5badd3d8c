//! Who is in a group.

use base::id::{IdKind as _, IdentityPoolId, UserGroupId, UserGroupKind, UserId, UserKind};
use model::{audit::audit_fields, entity_tag::EntityTags, user::User, user_group::UserGroup};

use super::lists::find;
use crate::{
    app::{
        Error, Result, State,
        accounts::users::{self, Purpose, Slice, lock_organization_of},
        audit::{self, Entry},
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit, check_version},
        retry::retry_deadlocks,
        roles,
    },
    store::{table, user_groups},
};

/// How many groups a user is in at most.
pub(super) const MAX_GROUPS: i64 = 1000;

/// A group, by its pool, and a user.
type Membership = (IdentityPoolId, UserGroupId, UserId);

/// Adds a user to a group of their pool. Whoever is in it stays.
pub async fn add_member(
    state: &State,
    principal: &Principal,
    of: Membership,
    expected: Option<&EntityTags>,
) -> Result<()> {
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, of, expected, Purpose::Add).await?;
        let (group_id, user_id) = (edit.row.id, of.2);
        if !user_groups::add_member(&mut edit.tx, group_id, user_id, state.now()).await? {
            return Ok(());
        }
        if user_groups::count_of_user(&mut edit.tx, user_id).await? > MAX_GROUPS {
            return Err(too_many_groups());
        }
        record(state, principal, edit, "member_added", user_id).await
    })
    .await
}

/// Removes a user from a group. [`Error::NotFound`]: they are not in it.
pub async fn remove_member(
    state: &State,
    principal: &Principal,
    of: Membership,
    expected: Option<&EntityTags>,
) -> Result<()> {
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, of, expected, Purpose::Remove).await?;
        let (group_id, user_id) = (edit.row.id, of.2);
        if !user_groups::remove_member(&mut edit.tx, group_id, user_id).await? {
            return Err(not_a_member(user_id));
        }
        record(state, principal, edit, "member_removed", user_id).await
    })
    .await
}

/// The error where somebody would be in too many groups.
pub(super) fn too_many_groups() -> Error {
    Error::FailedPrecondition(
        format!("a user is in at most {MAX_GROUPS} groups; remove them from one first").into(),
    )
}

fn not_a_member(user_id: UserId) -> Error {
    Error::not_found("group member", user_id)
}

/// Locks a group and a user of this pool, for a principal who may change who its members are. What is of another pool is not
/// found.
async fn begin(
    state: &State,
    principal: &Principal,
    (pool_id, id, user_id): Membership,
    expected: Option<&EntityTags>,
    purpose: Purpose,
) -> Result<Edit<UserGroup>> {
    let environment_id = principal.authorize(Action::UserGroupsManage, On::AnyOrganization)?;
    let mut tx = state.db.write().await?;
    let pool = lock_organization_of(&mut tx, environment_id, pool_id, purpose).await?;
    let on = On::Organization(pool.organization_id);
    resource::hide(pool_id, principal.authorize(Action::UserGroupsManage, on))?;
    let mut edit = Edit::<UserGroup>::begin(tx, environment_id, id, None).await?;
    if edit.row.pool_id != pool_id {
        return Err(Error::not_found(UserGroupKind::NOUN, id));
    }
    let user: Option<User> = table::find_for_update(&mut edit.tx, environment_id, user_id).await?;
    if user.is_none_or(|user| user.pool_id != pool_id) {
        return Err(Error::not_found(UserKind::NOUN, user_id));
    }
    roles::require_group(&mut edit.tx, principal, &edit.row).await?;
    check_version(expected, edit.row.version)?;
    Ok(edit)
}

async fn record(
    state: &State,
    principal: &Principal,
    mut edit: Edit<UserGroup>,
    done: &str,
    user_id: UserId,
) -> Result<()> {
    let entry = Entry::of(&edit.row, done).with_values(audit_fields! { "userId": user_id.to_string() });
    let environment_id = edit.row.environment_id;
    audit::record(&mut edit.tx, state, Some(environment_id), principal, entry).await?;
    Ok(edit.tx.commit().await?)
}

/// Whether a user of a pool is in one of its groups.
pub async fn is_member(
    state: &State,
    principal: &Principal,
    (pool_id, id, user_id): Membership,
) -> Result<bool> {
    let group = find(state, principal, (pool_id, id)).await?;
    let user = users::find(state, principal, (pool_id, user_id)).await?;
    Ok(user_groups::is_member(&mut state.db.read().await?, group.id, user.id).await?)
}

/// Members of a group, in the order of their ids.
pub async fn list_members(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserGroupId),
    slice: Slice,
) -> Result<Vec<User>> {
    let UserGroup { id, environment_id, .. } = find(state, principal, of).await?;
    let mut conn = state.db.read().await?;
    Ok(match (slice.after, slice.before) {
        (None, Some(before)) => {
            user_groups::list_members_before(&mut conn, environment_id, id, before, slice.limit).await?
        }
        (after, _) => {
            user_groups::list_members_after(&mut conn, environment_id, id, after, slice.limit).await?
        }
    })
}

/// One page of the members of a group that the caller read, for people.
pub async fn page_of_members(
    state: &State,
    principal: &Principal,
    group: &UserGroup,
    query: &PageQuery,
) -> Result<Page<User>> {
    let environment_id =
        principal.authorize(Action::UserGroupsView, On::Organization(group.organization_id))?;
    let list = List::of(environment_id, format_args!("members/{}", group.id));
    let wanted = PageRequest::parse(state, &list, query)?;
    // The token names the first one of the page.
    let after = wanted.from.and_then(|from: UserId| from.bits().checked_sub(1)).map(UserId::from_bits);
    let mut conn = state.db.read().await?;
    let found =
        user_groups::list_members_after(&mut conn, environment_id, group.id, after, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |user| user.id))
}
