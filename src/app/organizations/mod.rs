//! Organizations: the vendor's customers, created, found, listed, changed and removed.

pub mod domains;

use std::collections::{BTreeMap, BTreeSet};

use base::id::{EnvironmentId, Id, OrganizationId};
use domains::{
    list::{newly_accepted, set_domains},
    sharing::{self, SharedDomainError},
};
use model::{organization::Organization, search_index};

use super::{
    Error, Result, State,
    actor::Actor,
    audit, input,
    pagination::{List, Page, PageQuery, PageRequest},
};
use crate::store;

/// A change of an organization, unvalidated. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct OrganizationChange {
    /// Its display name.
    pub display_name: Option<String>,
    /// The vendor's own id for it; empty clears it.
    pub external_id: Option<String>,
    /// The domains whose e-mail addresses may sign in and be provisioned.
    pub domains: Option<Vec<String>>,
    /// Whether free-mail providers may be among the domains.
    pub allow_free_mail: bool,
    /// Confirms that domains of other organizations may be among them, for callers who need to confirm this
    ///.
    pub share_domain: bool,
}

impl OrganizationChange {
    fn apply(&self, organization: &mut Organization) -> Result<()> {
        if let Some(name) = &self.display_name {
            organization.display_name = input::line("displayName", name, 500)?;
        }
        if let Some(id) = &self.external_id {
            organization.external_id = input::optional_line("externalId", id, 500)?;
        }
        if let Some(domains) = &self.domains {
            organization.domains = set_domains(&organization.domains, domains, self.allow_free_mail)?;
        }
        Ok(())
    }
}

/// Creates an organization.
pub async fn create(state: &State, actor: &Actor, change: &OrganizationChange) -> Result<Organization> {
    let environment_id = actor.authorize_manage()?;
    let now = state.now();
    let mut organization = Organization {
        id: Id::new(now, &*state.random),
        environment_id,
        display_name: String::new(),
        external_id: None,
        domains: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    change.apply(&mut organization)?;
    let new = newly_accepted(&[], &organization.domains);
    let mut tx = state.db.write().await?;
    let elsewhere = match new.is_empty() {
        true => Vec::new(),
        false => {
            sharing::lock(&mut tx, environment_id).await?;
            sharing::find_other_organizations(&mut tx, environment_id, organization.id, &new).await?
        }
    };
    sharing::check(actor, &elsewhere, change.share_domain).map_err(SharedDomainError::into_error)?;
    store::organizations::insert(&mut tx, &organization)
        .await
        .map_err(Error::conflict_on("organization", "externalId"))?;
    audit::created(&mut tx, state, actor, &organization).await?;
    sharing::record(&mut tx, state, actor, organization.id, &elsewhere).await?;
    tx.commit().await?;
    Ok(organization)
}

/// The organization with this id.
pub async fn find(state: &State, actor: &Actor, id: OrganizationId) -> Result<Organization> {
    let environment_id = actor.authorize_view()?;
    load(&mut state.db.read().await?, environment_id, id).await
}

/// The environment of an organization: for the operator, who gives only the organization's id.
pub async fn environment_of(state: &State, id: OrganizationId) -> Result<EnvironmentId> {
    let mut conn = state.db.read().await?;
    store::organizations::find_environment(&mut conn, id).await?.ok_or_else(|| not_found(id))
}

/// The display names of those of these organizations that exist.
pub async fn names(
    state: &State,
    actor: &Actor,
    ids: impl IntoIterator<Item = OrganizationId>,
) -> Result<BTreeMap<OrganizationId, String>> {
    let environment_id = actor.authorize_view()?;
    let ids: BTreeSet<OrganizationId> = ids.into_iter().collect();
    let ids: Vec<OrganizationId> = ids.into_iter().collect();
    let mut conn = state.db.read().await?;
    let found = store::organizations::list_names(&mut conn, environment_id, &ids).await?;
    Ok(found.into_iter().collect())
}

/// One page of the organizations, in order of creation.
pub async fn list(state: &State, actor: &Actor, query: &PageQuery) -> Result<Page<Organization>> {
    let environment_id = actor.authorize_view()?;
    let list = List::of(environment_id, "organizations");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found = store::organizations::list(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |organization| organization.id))
}

/// One page of the organizations whose name, external id, domains or id match `text`, the newest first. An empty
/// text matches all.
pub async fn search(
    state: &State,
    actor: &Actor,
    text: &str,
    query: &PageQuery,
) -> Result<Page<Organization>> {
    let environment_id = actor.authorize_view()?;
    let list = List::of(environment_id, "organizations/newest");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found = match text.trim().parse::<OrganizationId>() {
        Ok(id) => store::organizations::find(&mut conn, environment_id, id).await?.into_iter().collect(),
        Err(_) => {
            let words = search_index::parse_query(text);
            store::organizations::search(&mut conn, environment_id, &words, wanted.from, wanted.limit())
                .await?
        }
    };
    Ok(wanted.page_of(state, &list, found, |organization| organization.id))
}

/// Changes an organization.
pub async fn update(
    state: &State,
    actor: &Actor,
    id: OrganizationId,
    change: &OrganizationChange,
) -> Result<Organization> {
    let environment_id = actor.authorize_manage()?;
    let mut tx = state.db.write().await?;
    if change.domains.is_some() {
        sharing::lock(&mut tx, environment_id).await?;
    }
    store::organizations::lock(&mut tx, environment_id, id).await?;
    let before = load(&mut tx, environment_id, id).await?;
    let mut organization = before.clone();
    change.apply(&mut organization)?;
    organization.updated_at = state.now();
    let new = newly_accepted(&before.domains, &organization.domains);
    let elsewhere = sharing::find_other_organizations(&mut tx, environment_id, id, &new).await?;
    sharing::check(actor, &elsewhere, change.share_domain).map_err(SharedDomainError::into_error)?;
    store::organizations::update(&mut tx, &organization)
        .await
        .map_err(Error::conflict_on("organization", "externalId"))?;
    audit::updated(&mut tx, state, actor, &before, &organization).await?;
    sharing::record(&mut tx, state, actor, id, &elsewhere).await?;
    tx.commit().await?;
    Ok(organization)
}

/// Removes an organization with its domains and connections. Its login flows are kept.
pub async fn remove(state: &State, actor: &Actor, id: OrganizationId) -> Result<()> {
    let environment_id = actor.authorize_manage()?;
    let mut tx = state.db.write().await?;
    let organization = load(&mut tx, environment_id, id).await?;
    if !store::organizations::remove(&mut tx, environment_id, id).await? {
        return Err(not_found(id));
    }
    audit::deleted(&mut tx, state, actor, &organization).await?;
    tx.commit().await?;
    Ok(())
}

/// The organization, or [`Error::NotFound`].
pub(super) async fn load(
    conn: &mut store::Conn,
    environment_id: EnvironmentId,
    id: OrganizationId,
) -> Result<Organization> {
    store::organizations::find(conn, environment_id, id).await?.ok_or_else(|| not_found(id))
}

pub(super) fn not_found(id: OrganizationId) -> Error {
    Error::not_found("organization", id)
}
