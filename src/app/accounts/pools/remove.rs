//! Removed pools.

use base::id::IdentityPoolId;
use model::{entity_tag::EntityTags, identity_pool::IdentityPool, organization::root_id};

use super::update::begin;
use crate::{
    app::{Error, Result, State, audit, principal::Principal, retry::retry_deadlocks},
    store::{self, identity_pools, table},
};

/// Removes a pool: its users can do nothing any more, and are erased later, in batches. [`Error::FailedPrecondition`]: it is the
/// last one of the root, where those are who belong to several organizations.
pub async fn remove(
    state: &State,
    principal: &Principal,
    id: IdentityPoolId,
    expected: Option<&EntityTags>,
) -> Result<()> {
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, id, expected).await?;
        let (environment_id, organization_id) = (edit.row.environment_id, edit.row.organization_id);
        if organization_id == root_id(environment_id)
            && identity_pools::count_by_organization(&mut edit.tx, environment_id, organization_id).await?
                <= 1
        {
            return Err(Error::FailedPrecondition(
                "this is the last identity pool that belongs to no organization; make another one first"
                    .into(),
            ));
        }
        store::users::end_use_in_pool(&mut edit.tx, id, state.now()).await?;
        if !identity_pools::delete_empty(&mut edit.tx, environment_id, id).await? {
            table::remove::<IdentityPool>(&mut edit.tx, environment_id, id, state.now()).await?;
        }
        audit::deleted(&mut edit.tx, state, principal, &edit.before).await?;
        Ok(edit.tx.commit().await?)
    })
    .await
}
