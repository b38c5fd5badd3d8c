//! What a domain does for its organization: it leads people there who sign in, and makes users its members.

use super::{edit::DomainEdit, error};
use crate::app::{
    Error, Result, State, audit, console_connection,
    permissions::Action,
    principal::{On, Principal},
};
use base::id::OrganizationId;
use model::{
    domain::DomainState,
    entity_tag::EntityTags,
    organization_domain::{AutoJoinRole, OrganizationDomain},
};

/// What to change; `None` stays as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct DomainSwitches {
    /// Whether sign-in leads people with an address of the domain to the organization.
    pub routing_enabled: Option<bool>,
    /// Whether users with a verified address of it become members by themselves.
    pub auto_join_enabled: Option<bool>,
    /// What they become.
    pub auto_join_role: Option<AutoJoinRole>,
}

/// Changes what a domain does. Switching on takes a domain that counts; for members one that is verified.
/// [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn change(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
    expected: Option<&EntityTags>,
    wanted: DomainSwitches,
) -> Result<OrganizationDomain> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let tx = state.db.write().await?;
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected, state.now()).await?;
    let row = &mut edit.row;
    if let Some(on) = wanted.routing_enabled {
        if on && !row.state.is_accepted() {
            return Err(error::not_verified());
        }
        row.routing_enabled = on;
    }
    if let Some(on) = wanted.auto_join_enabled {
        if on && row.state != DomainState::Verified {
            return Err(error::not_verified());
        }
        row.auto_join_enabled = on;
    }
    if let Some(role) = wanted.auto_join_role {
        if role == AutoJoinRole::Admin && row.auto_join_role != role {
            let is_owner =
                principal.authorize(Action::OrganizationsOwn, On::Organization(organization_id)).is_ok();
            if !is_owner {
                let why = "admin is given by the owner of the organization only";
                return Err(Error::invalid("auto_join_role", why));
            }
        }
        row.auto_join_role = role;
    }
    edit.write(state).await?;
    let DomainEdit { organization, before, row } = &mut edit;
    audit::updated(&mut organization.tx, state, principal, before, row).await?;
    edit.commit().await
}
