//! New pools.

use base::id::{
    EnvironmentKind, Id, IdKind as _, IdentityPoolId, IdentityPoolKind, OrganizationId, OrganizationKind,
};
use model::{identity_pool::IdentityPool, organization::root_id};

use super::{change::PoolChange, copy::MAX_POOLS, schemas_in_use};
use crate::{
    app::{
        Error, Result, State, audit,
        permissions::Action,
        principal::{On, Principal},
        resource,
        retry::retry_deadlocks,
    },
    store::{self, identity_pools, table},
};

/// What cannot be changed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewPool {
    /// The id that the caller chose for it.
    pub id: Option<IdentityPoolId>,
    /// The organization that it belongs to; `None` for the root.
    pub organization_id: Option<OrganizationId>,
}

/// Creates a pool.
pub async fn create(
    state: &State,
    principal: &Principal,
    new: NewPool,
    change: &PoolChange,
) -> Result<IdentityPool> {
    let environment_id = principal.authorize(Action::IdentityPoolsManage, On::AnyOrganization)?;
    let organization_id = new.organization_id.unwrap_or_else(|| root_id(environment_id));
    principal.authorize(Action::IdentityPoolsManage, On::Organization(organization_id))?;
    let now = state.now();
    let id = new.id.unwrap_or_else(|| Id::new(now, &*state.random));
    let mut pool = IdentityPool::new(id, environment_id, organization_id, now);
    change.apply_to(&mut pool)?;
    if pool.name.is_empty() {
        return Err(Error::invalid("name", "is required"));
    }
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        if !identity_pools::lock_organization(&mut tx, environment_id, organization_id).await? {
            return Err(Error::not_found(OrganizationKind::NOUN, organization_id));
        }
        let there = identity_pools::count_by_organization(&mut tx, environment_id, organization_id).await?;
        if there >= MAX_POOLS {
            return Err(Error::FailedPrecondition(
                format!("an organization has at most {MAX_POOLS} identity pools; remove one first").into(),
            ));
        }
        schemas_in_use::lock(&mut tx, &pool).await?;
        table::insert(&mut tx, &pool).await.map_err(|error| match error {
            store::Error::MissingReference => Error::not_found(EnvironmentKind::NOUN, environment_id),
            error => Error::conflict_on(IdentityPoolKind::NOUN, "id")(error),
        })?;
        audit::created(&mut tx, state, principal, &pool).await?;
        // With what is read of its organization.
        let stored = resource::load(&mut tx, environment_id, id).await?;
        tx.commit().await?;
        Ok(stored)
    })
    .await
}
