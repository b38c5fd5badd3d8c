//! Roles of a new organization that is made from a template.

use base::id::{Id, OrganizationId};
use model::role::{Audience, Role};

use super::visible::MAX_ROLES;
use crate::{
    app::{Result, State, audit, principal::Principal},
    store::{Transaction, roles, table},
};

/// Gives a new organization the roles that a template has for itself: their names and what they permit, and nobody who has them.
/// The caller authorised the change.
pub async fn copy_to(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    from: OrganizationId,
    to: OrganizationId,
) -> Result<()> {
    let environment_id = principal.environment()?;
    let query = roles::RoleQuery { name_key: None, audience: Some(Audience::Organization(from)) };
    let now = state.now();
    for role in roles::list(tx, environment_id, from, &query, MAX_ROLES).await? {
        let copy = Role {
            id: Id::new(now, &*state.random),
            organization_id: to,
            audience: Audience::Organization(to),
            version: 1,
            created_at: now,
            updated_at: now,
            ..role
        };
        table::insert(tx, &copy).await?;
        audit::created(tx, state, principal, &copy).await?;
    }
    Ok(())
}
