//! Organizations as WSO2's API manages them: a caller acts in one, and manages those below it. It reads its own too. What is elsewhere
//! and what is not there at all is told apart at the root only, below which everything is.

mod change;
mod create;
mod list;

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, IdKind as _, OrganizationId, OrganizationKind},
    time::Timestamp,
};
use model::{
    organization::{Organization, Wso2Version, name_key, root_id},
    organization_reference::Handle,
};

use super::{error::OrganizationError, write};
use crate::{
    app::{
        Error, Result, State,
        permissions::Action,
        principal::{On, Principal},
    },
    store::{self, Conn, organization_tree, table},
};

pub use change::{Change, change, change_own, remove};
pub use create::{CREATOR, NewSubOrganization, create};
pub use list::{ListQuery, Slice, attribute_keys, list};
pub use store::organization_subtree::{Condition, Place, TextField, TextOperator, TimeField, TimeOperator};

/// The name of the root organization in WSO2's API.
pub const ROOT_NAME: &str = "Super";

/// An organization, the root too, as the API tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// Its handle; `None`: its id.
    pub handle: Option<String>,
    /// What the vendor says of it.
    pub description: String,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Its version.
    pub version: Wso2Version,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The organization above it; `None` of the root.
    pub parent_id: Option<OrganizationId>,
    /// Whether there are others right below it.
    pub has_children: bool,
    /// Free text by key.
    pub attributes: BTreeMap<String, String>,
}

impl Node {
    fn of(organization: Organization, has_children: bool) -> Self {
        let Organization { id, name, display_name, .. } = organization;
        let named = name.filter(|name| !name.is_empty()).unwrap_or(display_name);
        Self {
            id,
            name: named,
            handle: organization.handle.as_ref().map(Handle::as_str).map(str::to_owned),
            description: organization.description,
            disabled: organization.status == model::organization::OrganizationStatus::Disabled,
            version: organization.wso2_version,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
            parent_id: Some(organization.parent_id),
            has_children,
            attributes: organization.attributes,
        }
    }
}

/// An organization above another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestor {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// How far it is below the root, which is at 0.
    pub depth: i64,
}

/// Organizations of one environment, with whether there are others below each.
async fn nodes(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organizations: Vec<Organization>,
) -> Result<Vec<Node>> {
    let ids: Vec<OrganizationId> = organizations.iter().map(|organization| organization.id).collect();
    let counts: BTreeMap<OrganizationId, i64> =
        organization_tree::count_children(conn, environment_id, &ids).await?.into_iter().collect();
    let node = |organization: Organization| {
        let has_children = counts.contains_key(&organization.id);
        Node::of(organization, has_children)
    };
    Ok(organizations.into_iter().map(node).collect())
}

async fn node(conn: &mut Conn, organization: Organization) -> Result<Node> {
    let mut nodes = nodes(conn, organization.environment_id, vec![organization]).await?;
    nodes.pop().ok_or_else(|| Error::internal("an organization that is not described"))
}

/// The organization `own` in which the caller acts, or one below it.
pub async fn find(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    id: OrganizationId,
) -> Result<Node> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Organization(own))?;
    let mut conn = state.db.read().await?;
    if id == root_id(environment_id) {
        return match own == id {
            true => root(&mut conn, environment_id).await,
            false => Err(OrganizationError::NotBelow.into()),
        };
    }
    let found = load_below(&mut conn, environment_id, own, id).await?;
    node(&mut conn, found).await
}

/// The root organization.
async fn root(conn: &mut Conn, environment_id: EnvironmentId) -> Result<Node> {
    let id = root_id(environment_id);
    let created_at = store::organizations::find_root_creation(conn, environment_id).await?;
    let created_at = created_at.ok_or_else(|| Error::not_found(OrganizationKind::NOUN, id))?;
    let counted = organization_tree::count_children(conn, environment_id, &[id]).await?;
    Ok(Node {
        id,
        name: ROOT_NAME.to_owned(),
        handle: None,
        description: String::new(),
        disabled: false,
        version: Wso2Version::V1,
        created_at,
        updated_at: created_at,
        parent_id: None,
        has_children: !counted.is_empty(),
        attributes: BTreeMap::new(),
    })
}

/// The caller's own organization or one below it; none is the root.
async fn load_below(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    own: OrganizationId,
    id: OrganizationId,
) -> Result<Organization> {
    let found: Option<Organization> = table::find(conn, environment_id, id).await?;
    let found = found.filter(|found| !found.template);
    match found {
        Some(found) if organization_tree::is_below(conn, own, id).await? => Ok(found),
        None if own == root_id(environment_id) => Err(Error::not_found(OrganizationKind::NOUN, id)),
        _ => Err(OrganizationError::NotBelow.into()),
    }
}

/// The organizations above one that the caller may read, the highest first: none above the caller's own.
pub async fn ancestors(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    id: OrganizationId,
) -> Result<Vec<Ancestor>> {
    principal.authorize(Action::OrganizationsView, On::Organization(own))?;
    let mut conn = state.db.read().await?;
    let found = organization_tree::list_ancestors(&mut conn, id).await?;
    let levels = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let seen = found.into_iter().skip_while(|(ancestor, ..)| *ancestor != own);
    let named = |id: OrganizationId, name: String| match principal.environment() {
        Ok(environment_id) if id == root_id(environment_id) => ROOT_NAME.to_owned(),
        _ => name,
    };
    Ok(seen.map(|(id, above, name)| Ancestor { id, name: named(id, name), depth: levels - above }).collect())
}

/// Whether no organization of the environment has exactly this name.
pub async fn is_name_free(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    name: &str,
) -> Result<bool> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Organization(own))?;
    let name = name.trim();
    if name == ROOT_NAME {
        return Ok(false);
    }
    let mut conn = state.db.read().await?;
    let (key, nobody) = (name_key(name), root_id(environment_id));
    Ok(!store::organizations::has_exact_name(&mut conn, environment_id, (name, &key), nobody).await?)
}

/// Whether no organization of the environment has this handle.
pub async fn is_handle_free(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    handle: &Handle,
) -> Result<bool> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Organization(own))?;
    let mut conn = state.db.read().await?;
    let nobody = root_id(environment_id);
    Ok(!write::is_handle_taken(&mut conn, environment_id, handle, nobody).await?)
}
