//! SCIM directories, to which customers' identity providers push users and groups: created, found, listed, changed
//! and removed.

pub mod limits;
mod object;
pub mod provisioning;
pub mod quota;
pub mod request_log;
pub mod resources;
mod tokens;
pub mod usage;

use base::id::{EnvironmentId, Id, IdKind as _, OrganizationId, ScimDirectoryId, ScimDirectoryKind};
use clap::Args;
use model::{
    entity_tag::EntityTags,
    organization::Organization,
    scim_directory::{BearerToken, ScimDirectory},
};
use serde::Deserialize;
use usage::Usage;
use utoipa::ToSchema;

use super::{
    Error, Result, State, console_connection, environments, input,
    organizations::templates::lock_unless_template,
    pagination::{List, Page, PageQuery, PageRequest},
    permissions::Action,
    principal::{On, Principal},
    resource::{self, Edit, Resource},
    retry::retry_deadlocks,
};
use crate::store;

pub use object::ScimDirectoryObject;
pub use store::scim_directories::DirectorySummary;
pub use tokens::{DEFAULT_OVERLAP, MAX_OVERLAP, ProvisioningTarget, authenticate, end_overlap, rotate};

/// The maximum number of valid tokens of a directory.
const MAX_TOKENS: i64 = 10;

/// The settings of a directory.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, Args)]
#[schema(as = ScimDirectoryInput)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectoryChange {
    /// Make it the organization's primary directory in place of the current one.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub primary: Option<bool>,
    /// Allow secondary e-mail addresses at other domains.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_foreign_secondary_emails: Option<bool>,
    /// Take users without any e-mail address, neither as `userName` nor in `emails`.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_users_without_email: Option<bool>,
    /// Refuse SAML logins of users who are inactive or deleted in it and active in no directory. On by default.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub refuse_inactive_logins: Option<bool>,
    /// Allow only users who are active in a directory to sign in.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub require_provisioned_logins: Option<bool>,
    /// Switch it off: SCIM requests are refused. What it holds is kept, and still counts for logins.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disabled: Option<bool>,
    /// The identity provider's product: `okta`, `entra`, `google`, `adfs`, `keycloak`, `onelogin`,
    /// `jumpcloud`, `ping` or `other`; empty for unknown.
    #[arg(long, value_name = "KIND", value_parser = input::idp_kinds())]
    pub idp_kind: Option<String>,
}

impl Resource for ScimDirectory {
    type Change = ScimDirectoryChange;

    const VIEW: Action = Action::ScimDirectoriesView;
    const MANAGE: Action = Action::ScimDirectoriesManage;

    fn apply(&mut self, _: &State, change: &ScimDirectoryChange) -> Result<()> {
        let set = |field: &mut bool, given: Option<bool>| *field = given.unwrap_or(*field);
        set(&mut self.primary, change.primary);
        set(&mut self.allow_foreign_secondary_emails, change.allow_foreign_secondary_emails);
        set(&mut self.allow_users_without_email, change.allow_users_without_email);
        set(&mut self.refuse_inactive_logins, change.refuse_inactive_logins);
        set(&mut self.require_provisioned_logins, change.require_provisioned_logins);
        set(&mut self.disabled, change.disabled);
        if let Some(kind) = &change.idp_kind {
            self.idp_kind = input::idp_kind(kind)?;
        }
        Ok(())
    }

    /// Its users and groups go when the retention time is over: there may be many.
    async fn remove_related(edit: &mut Edit<Self>, _: &State) -> Result<()> {
        Ok(store::scim_directories::remove_tokens(&mut edit.tx, edit.row.id).await?)
    }

    /// The directories of the organization of the console's own connection decide which administrators may sign in.
    async fn check_change(state: &State, principal: &Principal, id: ScimDirectoryId) -> Result<()> {
        let directory: Self = resource::find(state, principal, id).await?;
        console_connection::ensure_may_change(state, principal, directory.organization_id).await
    }

    fn on(&self) -> On {
        On::Organization(self.organization_id)
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
    principal: &Principal,
    organization_id: OrganizationId,
    change: &ScimDirectoryChange,
) -> Result<ScimDirectoryView> {
    let environment_id =
        principal.authorize(Action::ScimDirectoriesManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let now = state.now();
    let id: ScimDirectoryId = Id::new(now, &*state.random);
    let mut tx = state.db.write().await?;
    lock_unless_template(&mut tx, environment_id, organization_id, "SCIM directories").await?;
    let links = state.links_of(&environments::load(&mut tx, environment_id).await?);
    let mut directory = ScimDirectory {
        id,
        environment_id,
        organization_id,
        version: 1,
        primary: false,
        scim_base_url: links.scim_base(id),
        allow_foreign_secondary_emails: false,
        allow_users_without_email: false,
        refuse_inactive_logins: true,
        require_provisioned_logins: false,
        disabled: false,
        idp_kind: None,
        created_at: now,
        updated_at: now,
    };
    directory.apply(state, change)?;
    if directory.primary {
        store::scim_directories::unset_primary(&mut tx, environment_id, organization_id).await?;
    }
    resource::insert(&mut tx, state, principal, &directory).await?;
    tx.commit().await?;
    Ok(ScimDirectoryView { directory, tokens: Vec::new(), usage: Usage::default() })
}

/// The directory with this id.
pub async fn find(state: &State, principal: &Principal, id: ScimDirectoryId) -> Result<ScimDirectoryView> {
    let directory = resource::find(state, principal, id).await?;
    view(state, &mut state.db.read().await?, directory).await
}

/// The environment of a directory: for the operator, who gives only the directory's id.
pub async fn environment_of(state: &State, id: ScimDirectoryId) -> Result<EnvironmentId> {
    let mut conn = state.db.read().await?;
    store::scim_directories::find_environment(&mut conn, id)
        .await?
        .ok_or_else(|| Error::not_found(ScimDirectoryKind::NOUN, id))
}

/// One page of an organization's directories, in order of creation.
pub async fn list(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    query: &PageQuery,
) -> Result<Page<ScimDirectoryView>> {
    let environment_id =
        principal.authorize(Action::ScimDirectoriesView, On::Organization(organization_id))?;
    let list = List::of(environment_id, format_args!("scim_directories/{organization_id}"));
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    resource::load::<Organization>(&mut conn, environment_id, organization_id).await?;
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
pub async fn list_newest(
    state: &State,
    principal: &Principal,
    query: &PageQuery,
) -> Result<Page<DirectorySummary>> {
    let environment_id = principal.authorize(Action::ScimDirectoriesView, On::Environment)?;
    let list = List::of(environment_id, "scim_directories/newest");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found =
        store::scim_directories::list_newest(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |directory| directory.id))
}

/// Changes a directory. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn update(
    state: &State,
    principal: &Principal,
    id: ScimDirectoryId,
    expected: Option<&EntityTags>,
    change: &ScimDirectoryChange,
) -> Result<ScimDirectoryView> {
    let known: ScimDirectory = resource::find(state, principal, id).await?;
    console_connection::ensure_may_change(state, principal, known.organization_id).await?;
    retry_deadlocks(async || update_once(state, principal, &known, expected, change).await).await
}

async fn update_once(
    state: &State,
    principal: &Principal,
    known: &ScimDirectory,
    expected: Option<&EntityTags>,
    change: &ScimDirectoryChange,
) -> Result<ScimDirectoryView> {
    let (environment_id, organization_id) = (known.environment_id, known.organization_id);
    let mut tx = state.db.write().await?;
    // The organization's lock comes first: under it, `primary` moves from one directory to another.
    resource::lock::<Organization>(&mut tx, environment_id, organization_id).await?;
    let mut edit = Edit::<ScimDirectory>::begin_as(tx, principal, known.id, expected).await?;
    edit.row.apply(state, change)?;
    if edit.row.primary && !edit.before.primary {
        store::scim_directories::unset_primary(&mut edit.tx, environment_id, organization_id).await?;
    }
    edit.save(state, principal).await?;
    let view = view(state, &mut edit.tx, edit.row.clone()).await?;
    edit.commit().await?;
    Ok(view)
}

async fn view(state: &State, conn: &mut store::Conn, directory: ScimDirectory) -> Result<ScimDirectoryView> {
    let tokens =
        store::scim_directories::list_tokens(conn, directory.id, state.now(), MAX_TOKENS + 1).await?;
    let usage = usage::of_directory(conn, directory.id, state.now()).await?;
    Ok(ScimDirectoryView { directory, tokens, usage })
}
