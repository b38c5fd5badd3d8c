//! SCIM directories, to which customers' identity providers push users and groups: created, found, listed, changed
//! and removed.

pub mod limits;
pub mod provisioning;
pub mod quota;
pub mod request_log;
pub mod resources;
mod tokens;
pub mod usage;

use base::id::{EnvironmentId, Id, OrganizationId, ScimDirectoryId};
use model::scim_directory::{BearerToken, ScimDirectory};
use usage::Usage;

use super::{
    Error, Result, State,
    actor::{Actor, OrganizationPart},
    audit, environments, input, organizations,
    pagination::{List, Page, PageQuery, PageRequest},
};
use crate::store;

pub use store::scim_directories::DirectorySummary;
pub use tokens::{DEFAULT_OVERLAP, MAX_OVERLAP, ProvisioningTarget, authenticate, end_overlap, rotate};

/// The maximum number of valid tokens of a directory.
const MAX_TOKENS: i64 = 10;

/// A change of a directory. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct ScimDirectoryChange {
    /// Whether requests that name only the organization use it. Setting it unsets the others.
    pub primary: Option<bool>,
    /// Whether users may have secondary addresses of foreign domains.
    pub allow_foreign_secondary_emails: Option<bool>,
    /// Whether SAML logins of inactive and deleted users are refused.
    pub refuse_inactive_logins: Option<bool>,
    /// Whether SAML logins require an active user in a directory.
    pub require_provisioned_logins: Option<bool>,
    /// The product of the identity provider; empty for unknown.
    pub idp_kind: Option<String>,
}

impl ScimDirectoryChange {
    fn apply(&self, directory: &mut ScimDirectory) -> Result<()> {
        let set = |field: &mut bool, given: Option<bool>| *field = given.unwrap_or(*field);
        set(&mut directory.primary, self.primary);
        set(&mut directory.allow_foreign_secondary_emails, self.allow_foreign_secondary_emails);
        set(&mut directory.refuse_inactive_logins, self.refuse_inactive_logins);
        set(&mut directory.require_provisioned_logins, self.require_provisioned_logins);
        if let Some(kind) = &self.idp_kind {
            directory.idp_kind = input::idp_kind(kind)?;
        }
        Ok(())
    }
}

/// A directory with its tokens and usage, for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimDirectoryView {
    /// The directory.
    pub directory: ScimDirectory,
    /// Its valid tokens without their secrets, the newest first.
    pub tokens: Vec<BearerToken>,
    /// Its usage.
    pub usage: Usage,
}

/// Creates a directory of an organization, without a token: [`rotate`] creates one. Its SCIM base URL is derived
/// from the current URL of the environment and stored: it never changes afterwards.
pub async fn create(
    state: &State,
    actor: &Actor,
    organization_id: OrganizationId,
    change: &ScimDirectoryChange,
) -> Result<ScimDirectoryView> {
    let environment_id = actor.authorize_manage_part(OrganizationPart::Scim, organization_id)?;
    let now = state.now();
    let id: ScimDirectoryId = Id::new(now, &*state.random);
    let mut tx = state.db.write().await?;
    if !store::organizations::lock(&mut tx, environment_id, organization_id).await? {
        return Err(organizations::not_found(organization_id));
    }
    let links = state.links_of(&environments::load(&mut tx, environment_id).await?);
    let mut directory = ScimDirectory {
        id,
        environment_id,
        organization_id,
        primary: false,
        scim_base_url: links.scim_base(id),
        allow_foreign_secondary_emails: false,
        refuse_inactive_logins: true,
        require_provisioned_logins: false,
        idp_kind: None,
        created_at: now,
        updated_at: now,
    };
    change.apply(&mut directory)?;
    if directory.primary {
        store::scim_directories::unset_primary(&mut tx, environment_id, organization_id).await?;
    }
    store::scim_directories::insert(&mut tx, &directory).await?;
    audit::created(&mut tx, state, actor, &directory).await?;
    tx.commit().await?;
    Ok(ScimDirectoryView { directory, tokens: Vec::new(), usage: Usage::default() })
}

/// The directory with this id.
pub async fn find(state: &State, actor: &Actor, id: ScimDirectoryId) -> Result<ScimDirectoryView> {
    let mut conn = state.db.read().await?;
    let directory = load(&mut conn, actor.environment(), id).await?;
    actor.authorize_view_part(OrganizationPart::Scim, directory.organization_id)?;
    view(state, &mut conn, directory).await
}

/// The environment of a directory: for the operator, who gives only the directory's id.
pub async fn environment_of(state: &State, id: ScimDirectoryId) -> Result<EnvironmentId> {
    let mut conn = state.db.read().await?;
    store::scim_directories::find_environment(&mut conn, id).await?.ok_or_else(|| not_found(id))
}

/// One page of an organization's directories, in order of creation.
pub async fn list(
    state: &State,
    actor: &Actor,
    organization_id: OrganizationId,
    query: &PageQuery,
) -> Result<Page<ScimDirectoryView>> {
    let environment_id = actor.authorize_view_part(OrganizationPart::Scim, organization_id)?;
    let list = List::of(environment_id, format_args!("scim_directories/{organization_id}"));
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    organizations::load(&mut conn, environment_id, organization_id).await?;
    let found = store::scim_directories::list(
        &mut conn,
        environment_id,
        organization_id,
        wanted.from,
        wanted.limit(),
    )
    .await?;
    let page = wanted.page_of(state, &list, found, |directory| directory.id);
    let mut items = Vec::with_capacity(page.items.len());
    for directory in page.items {
        items.push(view(state, &mut conn, directory).await?);
    }
    Ok(Page { items, next_token: page.next_token })
}

/// One page of the directories of an environment with their organizations, the newest first.
pub async fn list_newest(state: &State, actor: &Actor, query: &PageQuery) -> Result<Page<DirectorySummary>> {
    let environment_id = actor.authorize_view()?;
    let list = List::of(environment_id, "scim_directories/newest");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found =
        store::scim_directories::list_newest(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |directory| directory.id))
}

/// Changes a directory.
pub async fn update(
    state: &State,
    actor: &Actor,
    id: ScimDirectoryId,
    change: &ScimDirectoryChange,
) -> Result<ScimDirectoryView> {
    let stored = load(&mut state.db.read().await?, actor.environment(), id).await?;
    let organization_id = stored.organization_id;
    let environment_id = actor.authorize_manage_part(OrganizationPart::Scim, organization_id)?;
    let mut tx = state.db.write().await?;
    // Lock the organization, so that concurrent changes of `primary` are serialised.
    store::organizations::lock(&mut tx, environment_id, organization_id).await?;
    let before = load(&mut tx, environment_id, id).await?;
    let mut directory = before.clone();
    change.apply(&mut directory)?;
    directory.updated_at = state.now();
    if directory.primary {
        store::scim_directories::unset_primary(&mut tx, environment_id, organization_id).await?;
    }
    store::scim_directories::update(&mut tx, &directory).await?;
    audit::updated(&mut tx, state, actor, &before, &directory).await?;
    let view = view(state, &mut tx, directory).await?;
    tx.commit().await?;
    Ok(view)
}

/// Removes a directory with its users, groups, tokens and request log. Its events are kept.
pub async fn remove(state: &State, actor: &Actor, id: ScimDirectoryId) -> Result<()> {
    let mut tx = state.db.write().await?;
    let directory = load(&mut tx, actor.environment(), id).await?;
    let environment_id = actor.authorize_manage_part(OrganizationPart::Scim, directory.organization_id)?;
    if !store::scim_directories::remove(&mut tx, environment_id, id).await? {
        return Err(not_found(id));
    }
    audit::deleted(&mut tx, state, actor, &directory).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn load(
    conn: &mut store::Conn,
    environment_id: EnvironmentId,
    id: ScimDirectoryId,
) -> Result<ScimDirectory> {
    store::scim_directories::find(conn, environment_id, id).await?.ok_or_else(|| not_found(id))
}

pub(super) fn not_found(id: ScimDirectoryId) -> Error {
    Error::not_found("SCIM directory", id)
}

async fn view(state: &State, conn: &mut store::Conn, directory: ScimDirectory) -> Result<ScimDirectoryView> {
    let tokens =
        store::scim_directories::list_tokens(conn, directory.id, state.now(), MAX_TOKENS + 1).await?;
    let usage = usage::of_directory(conn, directory.id, state.now()).await?;
    Ok(ScimDirectoryView { directory, tokens, usage })
}
