//! Pools of a template, copied for an organization that is made from it.

use base::id::{Id, IdentityPoolId, OrganizationId};
use model::identity_pool::IdentityPool;

use super::first::first_of;
use crate::{
    app::{Result, State, audit, principal::Principal},
    store::{Transaction, identity_pools, table},
};

/// How many pools an organization has at most.
pub(super) const MAX_POOLS: i64 = 100;

/// Gives an organization the pools of another one: their settings and the schemas that they use, never users. Where the other
/// one has none, the organization gets the pool that every organization begins with. The caller authorised it, made the
/// organization in this transaction, and holds the lock of the other one: so the schemas of its pools stay in use, and none of
/// them is removed in the meantime.
pub async fn copy_to(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    from: OrganizationId,
    to: OrganizationId,
) -> Result<Vec<IdentityPool>> {
    let environment_id = principal.environment()?;
    let pools = identity_pools::list_by_organization(tx, environment_id, from, MAX_POOLS).await?;
    if pools.is_empty() {
        return Ok(vec![first_of(tx, state, principal, environment_id, to).await?]);
    }
    let now = state.now();
    // The first one stays the first: pools are in the order of their ids.
    let mut ids: Vec<IdentityPoolId> = pools.iter().map(|_| Id::new(now, &*state.random)).collect();
    ids.sort_unstable();
    let mut copies = Vec::with_capacity(pools.len());
    for (pool, id) in pools.iter().zip(ids) {
        let copy = pool.copied_to(id, to, now);
        table::insert(tx, &copy).await?;
        audit::created(tx, state, principal, &copy).await?;
        copies.push(copy);
    }
    Ok(copies)
}
