//! Users as they are looked for: by their identifier or address, by what their JSON objects hold, by name, page by page.

use base::id::{EnvironmentId, IdKind as _, IdentityPoolId, OrganizationId, UserId, UserKind};
use model::{
    identity_pool::IdentityPool,
    search_index,
    user::{IdentifierKey, User, UserAddress},
};
use serde_json::{Map, Value};

use super::{identifiers, place::find_pool};
use crate::{
    app::{
        Error, Result, State,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
        resource,
    },
    store::{self, Conn},
};

/// How many users a search through JSON objects looks at before it gives back what it has.
const MAX_SCANNED: usize = 1000;

/// How many users it reads at a time. Each can take some hundred kilobytes.
const SCAN_BATCH: i64 = 50;

/// The maximum length of a text that somebody is looked for by, in bytes.
const MAX_KEY_BYTES: usize = 2000;

/// The maximum number of users that a search by name finds.
pub(super) const MAX_FOUND: i64 = 50;

/// What a program finds a user by.
#[derive(Clone)]
pub enum UserKey {
    /// An identifier of any kind.
    Identifier(String),
    /// An address that the user has proven.
    Address(String),
}

/// What users are looked for by: all of it holds.
#[derive(Clone, Default)]
pub struct UserQuery {
    /// An identifier, an address that was proven, or the id.
    pub user_key: Option<String>,
    /// Members that the payload has, with these values: an object has these members, a list holds these values.
    pub payload: Map<String, Value>,
    /// Members that the metadata have.
    pub metadata: Map<String, Value>,
}

impl UserQuery {
    fn matches(&self, user: &User) -> bool {
        holds(&user.payload, &self.payload) && holds(&user.metadata, &self.metadata)
    }

    /// Whether every user matches, whatever their JSON objects hold.
    fn is_key_only(&self) -> bool {
        self.payload.is_empty() && self.metadata.is_empty()
    }
}

fn holds(object: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, wanted)| match (object.get(name), wanted) {
        (Some(Value::Object(object)), Value::Object(wanted)) => holds(object, wanted),
        (Some(Value::Array(values)), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| values.contains(wanted))
        }
        (Some(value), wanted) => value == wanted,
        (None, _) => false,
    })
}

/// Which part of a list, in the order of ids.
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// Those after this one.
    pub after: Option<UserId>,
    /// The last ones before this one; it counts where there is no `after`.
    pub before: Option<UserId>,
    /// How many at most.
    pub limit: i64,
}

/// What a list found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The users.
    pub users: Vec<User>,
    /// Where a search that stopped before it had enough goes on: after this one.
    pub rest: Option<UserId>,
}

/// Users of a pool that a query finds.
pub async fn list(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    query: &UserQuery,
    slice: Slice,
) -> Result<Found> {
    let mut conn = state.db.read().await?;
    let pool = viewed_pool(&mut conn, principal, pool_id).await?;
    let environment_id = pool.environment_id;
    if let Some(text) = &query.user_key {
        let mut users = by_text(&mut conn, &pool, text, true).await?;
        users.retain(|user| query.matches(user) && slice.after.is_none_or(|after| user.id > after));
        users.truncate(usize::try_from(slice.limit).unwrap_or(usize::MAX));
        return Ok(Found { users, rest: None });
    }
    if query.is_key_only() {
        let users = match (slice.after, slice.before) {
            (None, Some(before)) => {
                store::users::list_before(&mut conn, environment_id, pool_id, before, slice.limit).await?
            }
            (after, _) => {
                store::users::list_after(&mut conn, environment_id, pool_id, after, slice.limit).await?
            }
        };
        return Ok(Found { users, rest: None });
    }
    scan(&mut conn, environment_id, pool_id, query, slice).await
}

/// Reads users in the order of their ids until enough match, or enough were looked at.
async fn scan(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    pool_id: IdentityPoolId,
    query: &UserQuery,
    slice: Slice,
) -> Result<Found> {
    let wanted = usize::try_from(slice.limit).unwrap_or(usize::MAX);
    let (mut found, mut after, mut scanned) = (Found::default(), slice.after, 0);
    loop {
        let some = store::users::list_after(conn, environment_id, pool_id, after, SCAN_BATCH).await?;
        let is_last = i64::try_from(some.len()).is_ok_and(|read| read < SCAN_BATCH);
        for user in some {
            if slice.before.is_some_and(|before| user.id >= before) {
                return Ok(found);
            }
            (after, scanned) = (Some(user.id), scanned + 1);
            if query.matches(&user) {
                found.users.push(user);
                if found.users.len() == wanted {
                    return Ok(found);
                }
            }
        }
        if is_last {
            return Ok(found);
        }
        if scanned >= MAX_SCANNED {
            found.rest = after;
            return Ok(found);
        }
    }
}

/// The user whom a program finds by an identifier or an address. [`Error::FailedPrecondition`]: several have proven the
/// address.
pub async fn find_by_key(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    key: &UserKey,
) -> Result<User> {
    let mut conn = state.db.read().await?;
    let pool = viewed_pool(&mut conn, principal, pool_id).await?;
    let not_found = || Error::not_found(UserKind::NOUN, "no user has this identifier or address");
    match key {
        UserKey::Identifier(text) => by_identifier(&mut conn, &pool, text).await?.ok_or_else(not_found),
        UserKey::Address(text) => by_address(&mut conn, &pool, text).await?.ok_or_else(not_found),
    }
}

/// The user of a pool with this typed identifier: what a person signs in with. The caller answers alike where there is none.
pub async fn find_by_typed(conn: &mut Conn, pool: &IdentityPool, text: &str) -> Result<Option<User>> {
    if text.len() > MAX_KEY_BYTES {
        return Ok(None);
    }
    identifiers::find_typed(conn, pool, text).await
}

async fn viewed_pool(conn: &mut Conn, principal: &Principal, id: IdentityPoolId) -> Result<IdentityPool> {
    let environment_id = principal.authorize(Action::UsersView, On::AnyOrganization)?;
    let pool = find_pool(conn, environment_id, id).await?;
    resource::hide(id, principal.authorize(Action::UsersView, On::Organization(pool.organization_id)))?;
    Ok(pool)
}

async fn by_identifier(conn: &mut Conn, pool: &IdentityPool, text: &str) -> Result<Option<User>> {
    if text.len() > MAX_KEY_BYTES {
        return Ok(None);
    }
    let keys = identifiers::keys(pool, text);
    Ok(store::users::find_by_key(conn, pool.environment_id, pool.id, &keys).await?)
}

/// The user who has proven an address.
async fn by_address(conn: &mut Conn, pool: &IdentityPool, text: &str) -> Result<Option<User>> {
    let mut found = having_address(conn, pool, text, true, 2).await?;
    if found.len() > 1 {
        return Err(Error::FailedPrecondition(
            "several users have proven this address; ask for an identifier".into(),
        ));
    }
    Ok(found.pop())
}

async fn having_address(
    conn: &mut Conn,
    pool: &IdentityPool,
    text: &str,
    only_verified: bool,
    limit: i64,
) -> Result<Vec<User>> {
    let Some(key) = UserAddress::key_of_any(text).filter(|_| text.len() <= MAX_KEY_BYTES) else {
        return Ok(Vec::new());
    };
    let (environment_id, id) = (pool.environment_id, pool.id);
    Ok(store::users::list_by_address(conn, environment_id, id, &key, only_verified, limit).await?)
}

/// Everybody whom a text names: by their id, by an identifier, or by an address that they have, proven or not.
async fn by_text(conn: &mut Conn, pool: &IdentityPool, text: &str, only_verified: bool) -> Result<Vec<User>> {
    let mut found: Vec<User> = by_identifier(conn, pool, text).await?.into_iter().collect();
    if let Ok(id) = text.trim().parse::<UserId>() {
        let named: Option<User> = store::table::find(conn, pool.environment_id, id).await?;
        found.extend(named.filter(|user| user.pool_id == pool.id));
    }
    found.extend(having_address(conn, pool, text, only_verified, MAX_FOUND).await?);
    found.sort_by_key(|user| user.id);
    found.dedup_by_key(|user| user.id);
    Ok(found)
}

/// Users of a pool, for people: those whom the text names, or whose name has its words; with no text one page of all, the newest
/// first.
pub async fn search(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    text: &str,
    query: &PageQuery,
) -> Result<Page<User>> {
    let mut conn = state.db.read().await?;
    let pool = viewed_pool(&mut conn, principal, pool_id).await?;
    let text = text.trim();
    if text.is_empty() {
        let list = List::of(pool.environment_id, format_args!("users/{pool_id}/newest"));
        let wanted = PageRequest::parse(state, &list, query)?;
        let (environment_id, limit) = (pool.environment_id, wanted.limit());
        let found = store::users::list_newest(&mut conn, environment_id, pool_id, wanted.from, limit).await?;
        return Ok(wanted.page_of(state, &list, found, |user| user.id));
    }
    let items = look_up(&mut conn, &pool, text).await?;
    Ok(Page { items, next_token: String::new() })
}

/// The users of a pool whom a text names, by id, identifier or address, or whose name has its words. Up to 50.
pub(super) async fn look_up(conn: &mut Conn, pool: &IdentityPool, text: &str) -> Result<Vec<User>> {
    let named = by_text(conn, pool, text, false).await?;
    if !named.is_empty() {
        return Ok(named);
    }
    let words = search_index::name_words(text);
    Ok(store::users::search(conn, pool.environment_id, pool.id, &words, MAX_FOUND).await?)
}

/// Users of a whole environment whom a text names, by id, identifier or address, whichever organization they are of. Up to 50.
pub async fn look_up_everywhere(state: &State, principal: &Principal, text: &str) -> Result<Vec<User>> {
    let environment_id = principal.authorize(Action::UsersView, On::Environment)?;
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_KEY_BYTES {
        return Ok(Vec::new());
    }
    let mut conn = state.db.read().await?;
    if let Ok(id) = text.parse::<UserId>() {
        let named: Option<User> = store::table::find(&mut conn, environment_id, id).await?;
        let Some(user) = named else { return Ok(Vec::new()) };
        let pool = find_pool(&mut conn, environment_id, user.pool_id).await;
        return Ok(pool.is_ok().then_some(user).into_iter().collect());
    }
    // Pools decide whether the case of a user name counts: of each it is looked for in either form.
    let mut keys: Vec<_> = [true, false]
        .into_iter()
        .flat_map(|ignores_case| IdentifierKey::candidates(text, ignores_case))
        .collect();
    keys.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    keys.dedup_by(|one, other| one.as_str() == other.as_str());
    let address = UserAddress::key_of_any(text);
    Ok(store::users::list_by_keys(&mut conn, environment_id, &keys, address.as_deref(), MAX_FOUND).await?)
}

/// One page of the users of all pools of an organization, the newest first.
pub(super) async fn list_newest(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    query: &PageQuery,
) -> Result<Page<User>> {
    let environment_id = principal.authorize(Action::UsersView, On::Organization(organization_id))?;
    let list = List::of(environment_id, format_args!("users/{organization_id}/newest"));
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let (from, limit) = (wanted.from, wanted.limit());
    let found =
        store::users::list_newest_by_organization(&mut conn, environment_id, organization_id, from, limit)
            .await?;
    Ok(wanted.page_of(state, &list, found, |user| user.id))
}

/// One page of the users of all pools of an organization, in the order of their ids.
pub async fn list_in_organization(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    query: &PageQuery,
) -> Result<Page<User>> {
    let environment_id = principal.authorize(Action::UsersView, On::Organization(organization_id))?;
    let list = List::of(environment_id, format_args!("users/{organization_id}"));
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found = store::users::list_by_organization(
        &mut conn,
        environment_id,
        organization_id,
        wanted.from,
        wanted.limit(),
    )
    .await?;
    Ok(wanted.page_of(state, &list, found, |user| user.id))
}
