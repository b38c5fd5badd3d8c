//! What an organization's own administrators do with its domains: they list them, claim one and give one up. A claim has no
//! challenge until a verification is started, and leads nobody anywhere until that is switched on.

use base::id::{Id, OrganizationId};
use model::{
    domain::{Domain, DomainState},
    entity_tag::EntityTags,
    organization::Organization,
    organization_domain::OrganizationDomain,
};

use super::{
    edit::{DomainEdit, insert},
    error::DomainChangeError,
    sharing,
};
use crate::{
    app::{
        Result, State, console_connection,
        organizations::templates::refuse,
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit},
    },
    store,
};

/// Which domains of an organization are listed.
#[derive(Debug, Clone, Default)]
pub struct DomainsFilter {
    /// Only those in this state.
    pub state: Option<DomainState>,
    /// From this name on.
    pub from: String,
}

/// Up to `limit` domains of an organization, by name.
pub async fn list_from(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    filter: &DomainsFilter,
    limit: i64,
) -> Result<Vec<OrganizationDomain>> {
    let environment_id = principal.authorize(Action::DomainsView, On::Organization(organization_id))?;
    let mut conn = state.db.read().await?;
    resource::load::<Organization>(&mut conn, environment_id, organization_id).await?;
    let now = state.now();
    let found = store::organization_domains::list_from(
        &mut conn,
        organization_id,
        filter.state,
        now,
        &filter.from,
        limit,
    );
    Ok(found.await?.into_iter().map(|listed| listed.at(now)).collect())
}

/// Claims a domain: it is pending. The claims of other organizations do not matter, the proof of one does.
pub async fn claim(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    typed: &str,
) -> Result<OrganizationDomain, DomainChangeError> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let domain = Domain::parse(typed)
        .and_then(|domain| domain.ensure_claimable(false))
        .map_err(|reason| DomainChangeError::Invalid { typed: typed.to_owned(), reason })?;
    let now = state.now();
    let mut tx = state.db.write().await?;
    sharing::lock(&mut tx, environment_id).await?;
    let mut organization = Edit::<Organization>::begin(tx, environment_id, organization_id, None).await?;
    refuse(&organization.row, "domains")?;
    if store::organization_domains::find(&mut organization.tx, organization_id, &domain).await?.is_some() {
        return Err(DomainChangeError::Exists);
    }
    let new = [domain.clone()];
    let tx = &mut organization.tx;
    let elsewhere = sharing::find_other_organizations(tx, environment_id, organization_id, &new).await?;
    if elsewhere.iter().any(|there| there.verified) {
        return Err(DomainChangeError::VerifiedElsewhere);
    }
    let of = (environment_id, organization_id);
    let id = Id::new(now, &*state.random);
    let listed = OrganizationDomain {
        routing_enabled: false,
        ..OrganizationDomain::new(id, of, domain, DomainState::Pending, now)
    };
    insert(&mut organization, state, principal, &listed).await?;
    organization.commit().await?;
    Ok(listed)
}

/// Gives up a domain, also one that counts: at once it leads nobody to the organization and makes nobody its member. Members
/// stay. [`crate::app::Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn release(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
    expected: Option<&EntityTags>,
) -> Result<(), DomainChangeError> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let tx = state.db.write().await?;
    let edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected, state.now()).await?;
    Ok(edit.remove(state, principal).await?)
}
