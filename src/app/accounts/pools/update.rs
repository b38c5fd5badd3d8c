//! Changes of pools.

use base::id::{IdKind as _, IdentityPoolId, IdentityPoolKind};
use model::{
    audit::{Audited as _, audit_fields, difference},
    entity_tag::EntityTags,
    identity_pool::IdentityPool,
};

use super::{change::PoolChange, schemas_in_use};
use crate::{
    app::{
        Error, Result, State,
        accounts::users,
        audit::{self, Entry},
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit},
        retry::retry_deadlocks,
    },
    store::identity_pools,
};

/// Changes settings of a pool. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn update(
    state: &State,
    principal: &Principal,
    id: IdentityPoolId,
    expected: Option<&EntityTags>,
    change: &PoolChange,
) -> Result<IdentityPool> {
    change_by(state, principal, id, expected, |pool| change.apply_to(pool)).await
}

/// Makes these the settings of a pool: those that are not named get their defaults. Whether case counts stays as it is unless it
/// is named, because it decides who is who.
pub async fn replace(
    state: &State,
    principal: &Principal,
    id: IdentityPoolId,
    expected: Option<&EntityTags>,
    change: &PoolChange,
) -> Result<IdentityPool> {
    change_by(state, principal, id, expected, |pool| {
        let blank = IdentityPool::new(pool.id, pool.environment_id, pool.organization_id, pool.created_at);
        *pool = IdentityPool {
            organization_alias: pool.organization_alias.clone(),
            version: pool.version,
            identifier_case_insensitive: pool.identifier_case_insensitive,
            number_of_users: pool.number_of_users,
            number_of_jit_users: pool.number_of_jit_users,
            updated_at: pool.updated_at,
            ..blank
        };
        change.apply_to(pool)
    })
    .await
}

async fn change_by(
    state: &State,
    principal: &Principal,
    id: IdentityPoolId,
    expected: Option<&EntityTags>,
    apply: impl Fn(&mut IdentityPool) -> Result<()>,
) -> Result<IdentityPool> {
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, id, expected).await?;
        apply(&mut edit.row)?;
        if edit.row.name.is_empty() {
            return Err(Error::invalid("name", "is required"));
        }
        if !edit.is_changed() {
            return Ok(edit.row);
        }
        schemas_in_use::lock(&mut edit.tx, &edit.row).await?;
        if edit.row.identifier_case_insensitive != edit.before.identifier_case_insensitive {
            users::apply_case(&mut edit.tx, &edit.row).await?;
        }
        edit.write(state).await?;
        record(state, principal, &mut edit).await?;
        edit.commit().await
    })
    .await
}

/// Locks a pool, and before it its organization, for a principal who may change it.
pub(super) async fn begin(
    state: &State,
    principal: &Principal,
    id: IdentityPoolId,
    expected: Option<&EntityTags>,
) -> Result<Edit<IdentityPool>> {
    let environment_id = principal.authorize(Action::IdentityPoolsManage, On::AnyOrganization)?;
    let mut tx = state.db.write().await?;
    // A pool never leaves its organization.
    let found: IdentityPool = resource::load(&mut tx, environment_id, id).await?;
    let on = On::Organization(found.organization_id);
    resource::hide(id, principal.authorize(Action::IdentityPoolsManage, on))?;
    if !identity_pools::lock_organization(&mut tx, environment_id, found.organization_id).await? {
        return Err(Error::not_found(IdentityPoolKind::NOUN, id));
    }
    Edit::begin(tx, environment_id, id, expected).await
}

/// Records which settings changed; of the metadata only that they did.
async fn record(state: &State, principal: &Principal, edit: &mut Edit<IdentityPool>) -> Result<()> {
    let mut entry = Entry::of(&edit.row, "updated");
    (entry.before, entry.after) = difference(&edit.before.audit_fields(), &edit.row.audit_fields());
    if edit.before.metadata != edit.row.metadata {
        entry.after.extend(audit_fields! { "changed": ["metadata"] });
    }
    audit::record(&mut edit.tx, state, Some(edit.row.environment_id), principal, entry).await
}
