//! The first pool of an organization.

use base::id::{EnvironmentId, Id, IdKind as _, OrganizationId, OrganizationKind};
use model::identity_pool::IdentityPool;

use crate::{
    app::{Error, Result, State, audit, principal::Principal},
    store::{Transaction, identity_pools, table},
};

/// The name of a pool that nobody has named.
const FIRST_POOL_NAME: &str = "Users";

/// The first pool of an organization, the root too. One that has none gets it: of several calls at once one makes it. The
/// caller authorised the change.
pub async fn first_of(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<IdentityPool> {
    if !identity_pools::lock_organization(tx, environment_id, organization_id).await? {
        return Err(Error::not_found(OrganizationKind::NOUN, organization_id));
    }
    if let Some(pool) = identity_pools::find_first(tx, environment_id, organization_id).await? {
        return Ok(pool);
    }
    let now = state.now();
    let id = Id::new(now, &*state.random);
    let pool = IdentityPool {
        name: FIRST_POOL_NAME.to_owned(),
        ..IdentityPool::new(id, environment_id, organization_id, now)
    };
    table::insert(tx, &pool).await?;
    audit::created(tx, state, principal, &pool).await?;
    Ok(pool)
}
