//! Organizations: the vendor's customers, created, found, listed, changed and removed.

pub mod by_name;
mod change;
pub mod document;
pub mod domains;
pub mod error;
mod fields;
pub mod lists;
mod metadata;
mod object;
pub mod own;
pub mod reference;
pub mod subtree;
pub mod template_change;
pub mod templates;
mod tree;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use base::id::{EnvironmentId, IdKind as _, OrganizationId, OrganizationKind};
use model::{entity_tag::EntityTags, organization::Organization, search_index};

use super::{
    Error, Result, State,
    pagination::{List, Page, PageQuery, PageRequest},
    permissions::Action,
    principal::{On, Principal},
    resource::Resource as _,
};
use crate::store::{self, table};

pub use change::OrganizationChange;
pub use metadata::violations;
pub use object::{OrganizationObject, object, objects};

/// Creates an organization.
pub async fn create(
    state: &State,
    principal: &Principal,
    change: &OrganizationChange,
) -> Result<Organization> {
    let new = write::NewOrganization {
        parent: change.parent_id.as_deref(),
        template: change.template_id.as_deref().filter(|template| !template.is_empty()),
        shares: change.shares(),
        ..write::NewOrganization::default()
    };
    write::create(state, principal, &new, |organization| organization.apply(state, change)).await
}

/// Changes an organization. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn update(
    state: &State,
    principal: &Principal,
    id: OrganizationId,
    expected: Option<&EntityTags>,
    change: &OrganizationChange,
) -> Result<Organization> {
    if change.template_id.as_deref().is_some_and(|template| !template.is_empty()) {
        return Err(Error::invalid(
            "templateId",
            "is for new organizations only: it copies the settings once",
        ));
    }
    let rules = write::ChangeRules {
        parent: change.parent_id.as_deref(),
        shares: change.shares(),
        in_tree: change.parent_id.is_some()
            || change.disabled.is_some()
            || change.template.is_some()
            || change.domains.is_some(),
        unique_name: write::UniqueName::No,
        below: None,
    };
    write::update(state, principal, id, expected, &rules, |organization| organization.apply(state, change))
        .await
}

/// The environment of an organization: for the operator, who gives only the organization's id.
pub async fn environment_of(state: &State, id: OrganizationId) -> Result<EnvironmentId> {
    let mut conn = state.db.read().await?;
    store::organizations::find_environment(&mut conn, id)
        .await?
        .ok_or_else(|| Error::not_found(OrganizationKind::NOUN, id))
}

/// The display names of those of these organizations that exist.
pub async fn names(
    state: &State,
    principal: &Principal,
    ids: impl IntoIterator<Item = OrganizationId>,
) -> Result<BTreeMap<OrganizationId, String>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let ids: BTreeSet<OrganizationId> = ids.into_iter().collect();
    let ids: Vec<OrganizationId> = ids.into_iter().collect();
    let mut conn = state.db.read().await?;
    let found = store::organizations::list_names(&mut conn, environment_id, &ids).await?;
    Ok(found.into_iter().collect())
}

/// One page of the environment's organizations that are no templates, in order of creation.
pub async fn list(state: &State, principal: &Principal, query: &PageQuery) -> Result<Page<Organization>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let list = List::of(environment_id, "organizations");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found = store::organizations::list(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |organization| organization.id))
}

/// One page of the organizations whose name, external id, domains or id match `text`, the newest first. An empty
/// text matches all. Templates are none of them.
pub async fn search(
    state: &State,
    principal: &Principal,
    text: &str,
    query: &PageQuery,
) -> Result<Page<Organization>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let list = List::of(environment_id, "organizations/newest");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    // What looks like an id may be an external one.
    let named: Option<Organization> = match text.trim().parse::<OrganizationId>() {
        Ok(id) => table::find(&mut conn, environment_id, id).await?,
        Err(_) => None,
    };
    let found = match named.filter(|organization| !organization.template) {
        Some(organization) => vec![organization],
        None => {
            let words = search_index::parse_query(text);
            store::organizations::search(&mut conn, environment_id, &words, wanted.from, wanted.limit())
                .await?
        }
    };
    Ok(wanted.page_of(state, &list, found, |organization| organization.id))
}
