//! Pools as they are found and listed.

use base::id::{IdKind as _, IdentityPoolId, IdentityPoolKind, OrganizationId, OrganizationKind};
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
        sorted_list::{self, SortedQuery},
    },
    store::{identity_pools, table},
};

/// Which pools are listed, and how.
#[derive(Debug, Clone)]
pub struct PoolQuery {
    /// Only those of this organization, which may be the root.
    pub organization_id: Option<OrganizationId>,
    /// Which page of them.
    pub page: SortedQuery<IdentityPoolKind>,
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
    let common = wanted.organization_id.map(identity_pools::in_organization).unwrap_or_default();
    sorted_list::list(&mut conn, environment_id, common.into(), &wanted.page).await
}
