//! Groups as they are found and listed.

use base::id::{IdKind as _, IdentityPoolId, UserGroupId, UserGroupKind, UserId};
use model::{
    user::User,
    user_group::{UserGroup, name_key},
};

use crate::{
    app::{
        Error, Result, State,
        accounts::users,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
        resource,
        sorted_list::{self, Cursor, Sort, SortedQuery},
    },
    store::{Conn, sorted_lists::Common, user_groups},
};

/// The maximum number of groups that a search in the console finds.
const MAX_FOUND: i64 = 50;

/// Which groups are listed, and how.
#[derive(Debug, Clone)]
pub struct GroupQuery {
    /// Only those whose name begins or ends so; empty for all.
    pub name: String,
    /// Only those that this user is in.
    pub user_id: Option<UserId>,
    /// Which page of them.
    pub page: SortedQuery<UserGroupKind>,
}

/// The group with this id in a pool. One of another pool is not found.
pub async fn find(
    state: &State,
    principal: &Principal,
    (pool_id, id): (IdentityPoolId, UserGroupId),
) -> Result<UserGroup> {
    // Whether there is such a pool is said first.
    let pool = users::find_pool(state, principal, pool_id).await?;
    let group: UserGroup = resource::load(&mut state.db.read().await?, pool.environment_id, id).await?;
    match group.pool_id == pool.id {
        true => Ok(group),
        false => Err(Error::not_found(UserGroupKind::NOUN, id)),
    }
}

/// The group with this id, in whichever pool of the environment.
pub async fn find_any(state: &State, principal: &Principal, id: UserGroupId) -> Result<UserGroup> {
    let environment_id = principal.authorize(Action::UserGroupsView, On::AnyOrganization)?;
    let group: UserGroup = resource::load(&mut state.db.read().await?, environment_id, id).await?;
    // Groups of a removed pool are on their way out.
    resource::hide(id, users::find_pool(state, principal, group.pool_id).await)?;
    Ok(group)
}

/// The group of a pool that a person means: by its name in whatever spelling, or by its id.
pub async fn find_by_text(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    text: &str,
) -> Result<UserGroup> {
    if let Ok(id) = text.trim().parse() {
        return find(state, principal, (pool_id, id)).await;
    }
    let pool = users::find_pool(state, principal, pool_id).await?;
    let mut conn = state.db.read().await?;
    let found = user_groups::find_by_key(&mut conn, pool.environment_id, pool_id, &name_key(text)).await?;
    found.ok_or_else(|| Error::not_found(UserGroupKind::NOUN, ""))
}

/// One page of the groups of a pool.
pub async fn list(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    query: &GroupQuery,
) -> Result<Vec<UserGroup>> {
    let mut common = match query.user_id {
        Some(user_id) => user_groups::of_user(users::find(state, principal, (pool_id, user_id)).await?.id),
        None => user_groups::in_pool(users::find_pool(state, principal, pool_id).await?.id).into(),
    };
    if !query.name.is_empty() {
        common.conditions = common.conditions.append(user_groups::at_the_edges(&query.name));
    }
    sorted(&mut state.db.read().await?, principal, common, &query.page).await
}

/// Up to `limit` groups of a pool, the first by name.
pub async fn list_first(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    limit: usize,
) -> Result<Vec<UserGroup>> {
    let page = SortedQuery { limit: i64::try_from(limit).unwrap_or(i64::MAX), ..by(Sort::Name) };
    list(state, principal, pool_id, &GroupQuery { name: String::new(), user_id: None, page }).await
}

/// Up to `limit` groups of a user whom the caller read, by name.
pub async fn list_of_user(
    state: &State,
    principal: &Principal,
    user: &User,
    limit: usize,
) -> Result<Vec<UserGroup>> {
    principal.authorize(Action::UsersView, On::Organization(user.organization_id))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let page = SortedQuery { limit, ..by(Sort::Name) };
    sorted(&mut state.db.read().await?, principal, user_groups::of_user(user.id), &page).await
}

/// Groups of a pool, for people: those whose name has a text, or whose id it is; with no text one page of all, the oldest first.
pub async fn search(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    text: &str,
    query: &PageQuery,
) -> Result<Page<UserGroup>> {
    let pool = users::find_pool(state, principal, pool_id).await?;
    let mut conn = state.db.read().await?;
    let common = Common::from(user_groups::in_pool(pool_id));
    if !text.trim().is_empty() {
        let page = SortedQuery { search: text.to_owned(), ..by(Sort::Name) };
        let items = sorted(&mut conn, principal, common, &page).await?;
        return Ok(Page { items, next_token: String::new() });
    }
    let list = List::of(pool.environment_id, format_args!("groups/{pool_id}"));
    let wanted = PageRequest::parse(state, &list, query)?;
    // The token names the first one of the page.
    let after =
        wanted.from.and_then(|from: UserGroupId| from.bits().checked_sub(1)).map(UserGroupId::from_bits);
    let page = SortedQuery { cursor: after.map(Cursor::After), limit: wanted.limit(), ..by(Sort::Id) };
    let found = sorted(&mut conn, principal, common, &page).await?;
    Ok(wanted.page_of(state, &list, found, |group| group.id))
}

fn by(sort: Sort) -> SortedQuery<UserGroupKind> {
    SortedQuery { search: String::new(), sort, descending: false, cursor: None, limit: MAX_FOUND }
}

async fn sorted(
    conn: &mut Conn,
    principal: &Principal,
    common: Common,
    page: &SortedQuery<UserGroupKind>,
) -> Result<Vec<UserGroup>> {
    sorted_list::list(conn, principal.environment()?, common, page).await
}
