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
    error, sharing,
};
use crate::{
    app::{
        Error, Result, State, console_connection,
        organizations::templates::refuse,
        pagination::{List, Page, PageRequest},
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit},
    },
    store,
};

/// Which domains of an organization are listed, as the caller says it.
#[derive(Debug, Clone, Default)]
pub struct DomainsQuery {
    /// Only those in this state: its name.
    pub status: Option<String>,
    /// Where the list goes on.
    pub cursor: Option<String>,
    /// How many at most.
    pub limit: i64,
}

/// One page of the domains of an organization, in the order in which they were added.
pub async fn list_page(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    query: &DomainsQuery,
) -> Result<Page<OrganizationDomain>> {
    let environment_id = principal.authorize(Action::DomainsView, On::Organization(organization_id))?;
    let status: Option<DomainState> = match query.status.as_deref() {
        None => None,
        Some(name) => Some(
            name.parse()
                .map_err(|_| Error::invalid("status", "must be pending, verified, failed or whitelisted"))?,
        ),
    };
    let name = query.status.as_deref().unwrap_or_default();
    let list = List::of(environment_id, format_args!("organizations/{organization_id}/domains/{name}"));
    let wanted = PageRequest::sized(state, &list, ("cursor", query.cursor.as_deref()), query.limit)?;
    let mut conn = state.db.read().await?;
    resource::load::<Organization>(&mut conn, environment_id, organization_id).await?;
    let (now, limit) = (state.now(), wanted.limit());
    let found =
        store::organization_domains::list_from(&mut conn, organization_id, status, now, wanted.from, limit);
    let found = found.await?.into_iter().map(|listed| listed.at(now)).collect();
    Ok(wanted.page_of(state, &list, found, |listed: &OrganizationDomain| listed.id))
}

/// Claims a domain: it is pending. The claims of other organizations do not matter, the proof of one does.
pub async fn claim(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    typed: &str,
) -> Result<OrganizationDomain> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let domain = Domain::parse(typed)
        .and_then(|domain| domain.ensure_claimable(false))
        .map_err(|reason| error::invalid(typed, reason))?;
    let now = state.now();
    let mut tx = state.db.write().await?;
    sharing::lock(&mut tx, environment_id).await?;
    let mut organization = Edit::<Organization>::begin(tx, environment_id, organization_id, None).await?;
    refuse(&organization.row, "domains")?;
    if store::organization_domains::find(&mut organization.tx, organization_id, &domain).await?.is_some() {
        return Err(error::exists());
    }
    let new = [domain.clone()];
    let tx = &mut organization.tx;
    let elsewhere = sharing::find_other_organizations(tx, environment_id, organization_id, &new).await?;
    if elsewhere.iter().any(|there| there.verified) {
        return Err(error::verified_elsewhere());
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
/// stay. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn release(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
    expected: Option<&EntityTags>,
) -> Result<()> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let tx = state.db.write().await?;
    let edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected, state.now()).await?;
    edit.remove(state, principal).await
}
