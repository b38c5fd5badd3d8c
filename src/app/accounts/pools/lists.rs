//! Pools as they are found and listed.

use base::id::{IdKind as _, IdentityPoolId, OrganizationId, OrganizationKind};
use model::{
    identity_pool::IdentityPool,
    organization::{Organization, root_id},
};

use crate::{
    app::{
        Error, Result, State, input,
        organizations::reference,
        permissions::Action,
        principal::{On, Principal},
        resource,
    },
    store::{
        Conn,
        identity_pool_lists::{self, Mark, Place, Query},
        table,
    },
};

pub use crate::store::identity_pool_lists::Sort;

/// The maximum length of what is searched for, in characters; the rest is ignored.
const MAX_SEARCH: usize = 255;

/// From where a list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolCursor {
    /// With those after this pool.
    After(IdentityPoolId),
    /// With the last ones before this pool.
    Before(IdentityPoolId),
}

/// Which pools are listed, and how.
#[derive(Debug, Clone)]
pub struct PoolQuery {
    /// Only those of this organization, which may be the root.
    pub organization_id: Option<OrganizationId>,
    /// A part of the name, in whatever case, or the id; empty for all.
    pub search: String,
    /// The order.
    pub sort: Sort,
    /// Whether it is reversed.
    pub descending: bool,
    /// From where the list goes on.
    pub cursor: Option<PoolCursor>,
    /// How many at most.
    pub limit: i64,
}

/// The name of the root among organizations.
const ROOT: &str = "root";

/// The organization whose pools a caller means: by its id in any encoding or its alias, or `root`. Whoever may not see pools is
/// told nothing about it.
pub async fn organization(state: &State, principal: &Principal, text: &str) -> Result<OrganizationId> {
    let environment_id = principal.authorize(Action::IdentityPoolsView, On::AnyOrganization)?;
    if text == ROOT {
        return Ok(root_id(environment_id));
    }
    let found = reference::resolve_existing(state, environment_id, text).await?;
    found.ok_or_else(|| Error::not_found(OrganizationKind::NOUN, input::quoted(text)))
}

/// The pool with this id.
pub async fn find(state: &State, principal: &Principal, id: IdentityPoolId) -> Result<IdentityPool> {
    let environment_id = principal.authorize(Action::IdentityPoolsView, On::AnyOrganization)?;
    let pool: IdentityPool = resource::load(&mut state.db.read().await?, environment_id, id).await?;
    let on = On::Organization(pool.organization_id);
    resource::hide(id, principal.authorize(Action::IdentityPoolsView, on))?;
    Ok(pool)
}

/// One page of the pools of the environment, or of one of its organizations.
pub async fn list(state: &State, principal: &Principal, wanted: &PoolQuery) -> Result<Vec<IdentityPool>> {
    let on = wanted.organization_id.map_or(On::Environment, On::Organization);
    let environment_id = principal.authorize(Action::IdentityPoolsView, on)?;
    let mut conn = state.db.read().await?;
    if let Some(id) = wanted.organization_id.filter(|id| *id != root_id(environment_id)) {
        let found: Option<Organization> = table::find(&mut conn, environment_id, id).await?;
        found.ok_or_else(|| Error::not_found(OrganizationKind::NOUN, id))?;
    }
    let search: String = wanted.search.trim().to_lowercase().chars().take(MAX_SEARCH).collect();
    let mark = match wanted.cursor {
        None => None,
        Some(PoolCursor::After(id) | PoolCursor::Before(id)) => {
            Some(mark(&mut conn, principal, wanted, id).await?)
        }
    };
    let place = match (&mark, wanted.cursor) {
        (Some(mark), Some(PoolCursor::Before(_))) => Place::Before(mark),
        (Some(mark), _) => Place::After(mark),
        (None, _) => Place::First,
    };
    let query = Query {
        environment_id,
        organization_id: wanted.organization_id,
        search: Some(search.as_str()).filter(|search| !search.is_empty()),
        sort: wanted.sort,
        descending: wanted.descending,
        place,
        limit: wanted.limit,
    };
    Ok(identity_pool_lists::list(&mut conn, &query).await?)
}

/// Where a pool is in a list. In a list by id it may be gone.
async fn mark(
    conn: &mut Conn,
    principal: &Principal,
    wanted: &PoolQuery,
    id: IdentityPoolId,
) -> Result<Mark> {
    if wanted.sort == Sort::Id {
        return Ok(Mark::Id(id));
    }
    let found: Option<IdentityPool> = table::find(conn, principal.environment()?, id).await?;
    let field = match wanted.cursor {
        Some(PoolCursor::Before(_)) => "before_pool_id",
        _ => "after_pool_id",
    };
    let pool = found.ok_or_else(|| Error::invalid(field, "must be the id of an identity pool"))?;
    Ok(Mark::of(&pool, wanted.sort))
}
