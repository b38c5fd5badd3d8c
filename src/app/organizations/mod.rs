//! Organizations: the vendor's customers, created, found, listed, changed and removed.

pub mod domains;
pub mod reference;

use std::collections::{BTreeMap, BTreeSet};

use base::id::{EnvironmentId, Id, IdKind as _, OrganizationId, OrganizationKind};
use clap::Args;
use domains::{
    list::{newly_accepted, set_domains},
    sharing::{self, SharedDomainError},
};
use model::{
    domain::Domain,
    entity_tag::EntityTags,
    organization::{Organization, OrganizationStatus},
    search_index,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Error, Result, State, console_connection, input,
    pagination::{List, Page, PageQuery, PageRequest},
    permissions::Action,
    principal::{On, Principal},
    resource::{self, Edit, Resource},
    retry::retry_deadlocks,
};
use crate::store::{
    self,
    authorization_grants::{self, GrantsOf},
    table,
};

/// One of your customers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
pub struct OrganizationObject {
    id: OrganizationId,
    environment_id: EnvironmentId,
    /// Its name for people.
    #[schema(example = "Acme")]
    display_name: String,
    /// Your own id for it; empty for none.
    #[schema(example = "customer-42")]
    external_id: String,
    /// Whether it is switched off: its logins and the requests of its directories are refused.
    disabled: bool,
    /// The domains whose people may sign in, sorted: those that you named and those that DNS proved.
    domains: Vec<Domain>,
    /// Those of them that belong to another organization of the environment too, sorted: the identity provider of
    /// either can sign in people of both. Omitted if there is none. `/v1/organizations/{id}/domains` returns the
    /// organizations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    shared_domains: Vec<Domain>,
}

impl OrganizationObject {
    fn new(organization: &Organization, shared_domains: Vec<Domain>) -> Self {
        Self {
            id: organization.id,
            environment_id: organization.environment_id,
            display_name: organization.display_name.clone(),
            external_id: organization.external_id.clone().unwrap_or_default(),
            disabled: organization.is_disabled(),
            domains: organization.accepted_domains().cloned().collect(),
            shared_domains,
        }
    }

    /// Whether `domain` belongs to another organization too.
    pub fn shares(&self, domain: &Domain) -> bool {
        self.shared_domains.contains(domain)
    }
}

/// Organizations as the API shows them, with their shared domains.
pub async fn objects(
    state: &State,
    principal: &Principal,
    organizations: &[Organization],
) -> Result<Vec<OrganizationObject>> {
    let ids: Vec<OrganizationId> = organizations.iter().map(|organization| organization.id).collect();
    let mut shared = sharing::list(state, principal, &ids).await?;
    let described = |organization: &Organization| {
        OrganizationObject::new(organization, shared.remove(&organization.id).unwrap_or_default())
    };
    Ok(organizations.iter().map(described).collect())
}

/// An organization as the API shows it, with its shared domains.
pub async fn object(
    state: &State,
    principal: &Principal,
    organization: &Organization,
) -> Result<OrganizationObject> {
    let mut shared = sharing::list(state, principal, &[organization.id]).await?;
    Ok(OrganizationObject::new(organization, shared.remove(&organization.id).unwrap_or_default()))
}

/// The settings of an organization.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, Args)]
#[schema(as = OrganizationInput)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationChange {
    /// Its name for people: up to 500 characters.
    #[schema(example = "Acme")]
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
    /// Your own id for it, unique in the environment; empty for none.
    #[schema(example = "customer-42")]
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Switch it off: its logins and the requests of its directories are refused, and its codes and tokens end.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disabled: Option<bool>,
    /// The domains whose people may sign in. Public suffixes (`co.uk`) are refused, and domains that another
    /// organization proved by DNS. A domain of another organization then belongs to both: see `sharedDomains` and the
    /// event `organization.domain_shared`.
    #[schema(example = json!(["acme.com"]))]
    #[arg(long = "domain", value_name = "DOMAIN", help = "A domain whose people may sign in; repeatable")]
    pub domains: Option<Vec<String>>,
    /// Accept free-mail providers such as `gmail.com` among the domains.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_free_mail: Option<bool>,
    /// Allow a domain that already belongs to another organization. The API needs no confirmation.
    #[schema(ignore)]
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        help = "Allow a domain that already belongs to another organization"
    )]
    pub share_domain: Option<bool>,
}

impl OrganizationChange {
    fn shares(&self) -> bool {
        self.share_domain.unwrap_or(false)
    }
}

impl Resource for Organization {
    type Change = OrganizationChange;

    const VIEW: Action = Action::OrganizationsView;
    const MANAGE: Action = Action::OrganizationsManage;

    const UNIQUE: &'static str = "externalId";

    async fn check_change(state: &State, principal: &Principal, id: OrganizationId) -> Result<()> {
        console_connection::ensure_may_change(state, principal, id).await
    }

    fn apply(&mut self, _: &State, change: &OrganizationChange) -> Result<()> {
        if let Some(name) = &change.display_name {
            self.display_name = input::line("displayName", name, 500)?;
        }
        if let Some(id) = &change.external_id {
            self.external_id = input::optional_line("externalId", id, 500)?;
        }
        if let Some(disabled) = change.disabled {
            self.status = OrganizationStatus::disabled(disabled);
        }
        if let Some(domains) = &change.domains {
            self.domains = set_domains(&self.domains, domains, change.allow_free_mail.unwrap_or(false))?;
        }
        Ok(())
    }

    fn is_disabled(&self) -> bool {
        Organization::is_disabled(self)
    }

    async fn end_use(edit: &mut Edit<Self>, state: &State) -> Result<()> {
        let id = edit.row.id;
        authorization_grants::revoke_all(&mut edit.tx, GrantsOf::Organization(id), state.now()).await?;
        store::users::end_use_in_organization(&mut edit.tx, id, state.now()).await?;
        Ok(store::sessions::revoke_by_organization(&mut edit.tx, id, state.now()).await?)
    }

    /// What could still let somebody in goes at once, and so do the names. The rest goes when the retention time is over
    /// (`background/retention.rs`), because a directory may be large.
    async fn remove_related(edit: &mut Edit<Self>, state: &State) -> Result<()> {
        let (tx, environment_id, id) = (&mut edit.tx, edit.row.environment_id, edit.row.id);
        store::saml_connections::remove_by_organization(tx, environment_id, id).await?;
        store::sessions::remove_of_setup_links(tx, id).await?;
        store::setup_links::remove_by_organization(tx, environment_id, id).await?;
        store::scim_directories::remove_by_organization(tx, environment_id, id, state.now()).await?;
        store::identity_pools::remove_by_organization(tx, environment_id, id, state.now()).await?;
        Ok(store::organization_domains::remove_all(tx, id).await?)
    }
}

/// Creates an organization.
pub async fn create(
    state: &State,
    principal: &Principal,
    change: &OrganizationChange,
) -> Result<Organization> {
    let environment_id = principal.authorize(Action::OrganizationsManage, On::Environment)?;
    let now = state.now();
    let mut organization = Organization::new(Id::new(now, &*state.random), environment_id, now);
    organization.apply(state, change)?;
    let new = newly_accepted(&BTreeMap::new(), &organization.domains);
    let mut tx = state.db.write().await?;
    let elsewhere = match new.is_empty() {
        true => Vec::new(),
        false => {
            sharing::lock(&mut tx, environment_id).await?;
            sharing::find_other_organizations(&mut tx, environment_id, organization.id, &new).await?
        }
    };
    sharing::check(principal, &elsewhere, change.shares()).map_err(SharedDomainError::into_error)?;
    resource::insert(&mut tx, state, principal, &organization).await?;
    store::organization_domains::set(&mut tx, &organization, &*state.random).await?;
    sharing::record(&mut tx, state, principal, organization.id, &elsewhere).await?;
    tx.commit().await?;
    Ok(organization)
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

/// One page of the organizations whose name, external id, domains or id match `text`, the newest first. An empty
/// text matches all.
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
    let named = match text.trim().parse::<OrganizationId>() {
        Ok(id) => table::find(&mut conn, environment_id, id).await?,
        Err(_) => None,
    };
    let found = match named {
        Some(organization) => vec![organization],
        None => {
            let words = search_index::parse_query(text);
            store::organizations::search(&mut conn, environment_id, &words, wanted.from, wanted.limit())
                .await?
        }
    };
    Ok(wanted.page_of(state, &list, found, |organization| organization.id))
}

/// Changes an organization. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn update(
    state: &State,
    principal: &Principal,
    id: OrganizationId,
    expected: Option<&EntityTags>,
    change: &OrganizationChange,
) -> Result<Organization> {
    retry_deadlocks(async || update_once(state, principal, id, expected, change).await).await
}

async fn update_once(
    state: &State,
    principal: &Principal,
    id: OrganizationId,
    expected: Option<&EntityTags>,
    change: &OrganizationChange,
) -> Result<Organization> {
    let environment_id = principal.authorize(Action::OrganizationsManage, On::Environment)?;
    Organization::check_change(state, principal, id).await?;
    let mut tx = state.db.write().await?;
    if change.domains.is_some() {
        sharing::lock(&mut tx, environment_id).await?;
    }
    let mut edit = Edit::<Organization>::begin(tx, environment_id, id, expected).await?;
    edit.row.apply(state, change)?;
    if !edit.is_changed() {
        return Ok(edit.row);
    }
    let new = newly_accepted(&edit.before.domains, &edit.row.domains);
    let elsewhere = sharing::find_other_organizations(&mut edit.tx, environment_id, id, &new).await?;
    sharing::check(principal, &elsewhere, change.shares()).map_err(SharedDomainError::into_error)?;
    edit.save(state, principal).await?;
    store::organization_domains::set(&mut edit.tx, &edit.row, &*state.random).await?;
    if edit.row.is_disabled() && !edit.before.is_disabled() {
        Organization::end_use(&mut edit, state).await?;
    }
    sharing::record(&mut edit.tx, state, principal, id, &elsewhere).await?;
    edit.commit().await
}
