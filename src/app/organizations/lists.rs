//! Lists of organizations as SecureAuth's API has them: with templates, sorted, searched, and cut by an organization's id.

use std::collections::BTreeMap;

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::{
    organization::{Organization, name_key},
    organization_reference::OrganizationRef,
    user::User,
};

use crate::{
    app::{
        Error, Result, State, input,
        permissions::Action,
        principal::{On, Principal},
        resource,
    },
    store::{
        self, Conn,
        organization_lists::{self, Place, Query, Search},
        organization_tree, table,
    },
};

pub use crate::store::organization_lists::Sort;

/// The maximum length of what is searched for.
const MAX_SEARCH: usize = 255;

/// Which organizations are listed, as the caller says it.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Only templates, or only others.
    pub template: Option<bool>,
    /// A part of the name, or the id.
    pub search_phrase: Option<String>,
    /// The organization whose children are listed.
    pub parent_id: Option<String>,
    /// `id`, `name` or `created_at`.
    pub sort: Option<String>,
    /// `asc` or `desc`.
    pub order: Option<String>,
    /// How many at most.
    pub limit: i64,
    /// The organization after which the page begins.
    pub after: Option<String>,
    /// The organization before which the page ends.
    pub before: Option<String>,
}

/// An organization with what is told of the tree around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationInTree {
    /// The organization.
    pub organization: Organization,
    /// The id of the organization above it, as it is shown; empty for the root.
    pub parent: String,
    /// How many children it has.
    pub children: i64,
}

/// One page of organizations.
pub async fn list(
    state: &State,
    principal: &Principal,
    query: &ListQuery,
) -> Result<Vec<OrganizationInTree>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let sort = one_of("sort", query.sort.as_deref(), Sort::CreatedAt, &SORTS)?;
    let descending = one_of("order", query.order.as_deref(), false, &[("asc", false), ("desc", true)])?;
    let search = query.search_phrase.as_deref().map(|text| input::line("search_phrase", text, MAX_SEARCH));
    let phrase = search.transpose()?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let search = phrase.as_deref().map(|id| (name_key(id), id));
    let mut conn = state.db.read().await?;
    let parent_id = match query.parent_id.as_deref() {
        None => None,
        Some(text) => Some(load(&mut conn, environment_id, "parent", text).await?.id),
    };
    let (at, before) = match (query.after.as_deref(), query.before.as_deref()) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid(
                "before_organization_id",
                "must not be given together with after_organization_id",
            ));
        }
        (Some(after), None) => (Some(load(&mut conn, environment_id, "organization", after).await?), false),
        (None, Some(before)) => (Some(load(&mut conn, environment_id, "organization", before).await?), true),
        (None, None) => (None, false),
    };
    let place = match &at {
        None => Place::First,
        Some(at) if before => Place::Before(at),
        Some(at) => Place::After(at),
    };
    let search = search.as_ref().map(|(name, id)| Search { name, id });
    let (template, limit) = (query.template, query.limit);
    let wanted = Query { environment_id, parent_id, template, search, sort, descending, place, limit };
    let found = organization_lists::list(&mut conn, &wanted).await?;
    in_tree(&mut conn, environment_id, found).await
}

const SORTS: [(&str, Sort); 3] =
    [("id", Sort::PublicId), ("name", Sort::Name), ("created_at", Sort::CreatedAt)];

fn one_of<T: Copy>(
    field: &'static str,
    text: Option<&str>,
    default: T,
    values: &[(&'static str, T)],
) -> Result<T> {
    let Some(text) = text else { return Ok(default) };
    let found = values.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        Error::invalid(field, format!("must be one of {}", names.join(", ")))
    })
}

/// The organization that a caller names, by its id in any encoding or its alias; `kind` is what the caller takes it for.
async fn load(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    kind: &'static str,
    text: &str,
) -> Result<Organization> {
    let not_found = || Error::not_found(kind, input::quoted(text));
    let reference = OrganizationRef::parse(text).map_err(|_| not_found())?;
    let id = store::organizations::resolve(conn, environment_id, &reference).await?.ok_or_else(not_found)?;
    table::find(conn, environment_id, id).await?.ok_or_else(not_found)
}

/// The organization that a caller names, by its id in any encoding or its alias.
pub async fn find(state: &State, principal: &Principal, reference: &str) -> Result<OrganizationInTree> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    let found = load(&mut conn, environment_id, "organization", reference).await?;
    one_in_tree(&mut conn, found).await
}

/// The id of the organization that a caller names, for a change of it.
pub async fn find_id(state: &State, principal: &Principal, reference: &str) -> Result<OrganizationId> {
    let environment_id = principal.authorize(Action::OrganizationsManage, On::Environment)?;
    let mut conn = state.db.read().await?;
    Ok(load(&mut conn, environment_id, "organization", reference).await?.id)
}

/// An organization that was just read or written, with what is told of the tree around it.
pub async fn describe(
    state: &State,
    principal: &Principal,
    organization: Organization,
) -> Result<OrganizationInTree> {
    principal.require_environment(organization.environment_id)?;
    one_in_tree(&mut state.db.read().await?, organization).await
}

/// An organization that was just made, which has none below it.
pub async fn describe_new(
    state: &State,
    principal: &Principal,
    organization: Organization,
) -> Result<OrganizationInTree> {
    principal.require_environment(organization.environment_id)?;
    match organization.parent() {
        None => Ok(OrganizationInTree { parent: String::new(), children: 0, organization }),
        Some(_) => one_in_tree(&mut state.db.read().await?, organization).await,
    }
}

/// The organizations of a user, who asks for them: the one whose pool they are in, unless that is the root.
pub async fn list_of_user(
    state: &State,
    environment_id: EnvironmentId,
    id: UserId,
) -> Result<Vec<OrganizationInTree>> {
    let mut conn = state.db.read().await?;
    let user: User = resource::load(&mut conn, environment_id, id).await?;
    let found: Option<Organization> = table::find(&mut conn, environment_id, user.organization_id).await?;
    in_tree(&mut conn, environment_id, found.into_iter().collect()).await
}

async fn one_in_tree(conn: &mut Conn, organization: Organization) -> Result<OrganizationInTree> {
    let environment_id = organization.environment_id;
    let mut described = in_tree(conn, environment_id, vec![organization]).await?;
    described.pop().ok_or_else(|| Error::internal("an organization that is not described"))
}

async fn in_tree(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organizations: Vec<Organization>,
) -> Result<Vec<OrganizationInTree>> {
    let ids: Vec<OrganizationId> = organizations.iter().map(|organization| organization.id).collect();
    let mut parents: Vec<OrganizationId> = organizations.iter().filter_map(Organization::parent).collect();
    parents.sort_unstable();
    parents.dedup();
    let names: BTreeMap<OrganizationId, String> =
        store::organizations::list_public_ids(conn, environment_id, &parents).await?.into_iter().collect();
    let counts: BTreeMap<OrganizationId, i64> =
        organization_tree::count_children(conn, environment_id, &ids).await?.into_iter().collect();
    let described = organizations.into_iter().map(|organization| OrganizationInTree {
        parent: organization.parent().and_then(|id| names.get(&id).cloned()).unwrap_or_default(),
        children: counts.get(&organization.id).copied().unwrap_or(0),
        organization,
    });
    Ok(described.collect())
}
