//! What a domain does for its organization: it leads people there who sign in, and makes users its members.

use base::id::OrganizationId;
use model::{
    domain::DomainState,
    entity_tag::EntityTags,
    organization_domain::{AutoJoinRole, OrganizationDomain},
};
use serde::Deserialize;

use super::{edit::DomainEdit, error::DomainChangeError};
use crate::app::{
    Result, State, audit, console_connection,
    permissions::Action,
    principal::{On, Principal},
};

/// What to change; `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainSwitches {
    /// Whether sign-in leads people with an address of the domain to the organization.
    pub routing_enabled: Option<bool>,
    /// Whether users with a verified address of it become members by themselves.
    pub auto_join_enabled: Option<bool>,
    /// What they become.
    #[serde(skip)]
    pub auto_join_role: Option<AutoJoinRole>,
}

/// Changes what a domain does. Switching on takes a domain that counts; for members one that is verified.
/// [`crate::app::Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn change(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
    expected: Option<&EntityTags>,
    wanted: DomainSwitches,
) -> Result<OrganizationDomain, DomainChangeError> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let tx = state.db.write().await?;
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected, state.now()).await?;
    let row = &mut edit.row;
    if let Some(on) = wanted.routing_enabled {
        if on && !row.routes() && !row.state.is_accepted() {
            return Err(DomainChangeError::NotVerified);
        }
        row.routing_enabled = on;
    }
    if let Some(on) = wanted.auto_join_enabled {
        if on && row.state != DomainState::Verified {
            return Err(DomainChangeError::NotVerified);
        }
        row.auto_join_enabled = on;
    }
    if let Some(role) = wanted.auto_join_role {
        if role == AutoJoinRole::Admin && row.auto_join_role != role {
            require_owner(principal, organization_id)?;
        }
        row.auto_join_role = role;
    }
    edit.write(state).await?;
    let DomainEdit { organization, before, row } = &mut edit;
    audit::updated(&mut organization.tx, state, principal, before, row).await?;
    Ok(edit.commit().await?)
}

/// Requires somebody who may make administrators of the organization.
fn require_owner(principal: &Principal, organization_id: OrganizationId) -> Result<(), DomainChangeError> {
    match principal.authorize(Action::DomainsApprove, On::Organization(organization_id)) {
        Ok(_) => Ok(()),
        Err(_) => Err(DomainChangeError::RoleTooGreat),
    }
}
