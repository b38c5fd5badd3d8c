//! How organizations are made and changed, whoever asks for it and in whatever form: one transaction each, under the lock of
//! the environment where the tree, a name or a domain is concerned.

use std::collections::BTreeMap;

use base::id::{EnvironmentId, Id, IdKind as _, OrganizationId, OrganizationKind};
use model::{
    entity_tag::EntityTags,
    organization::{Organization, WSO2_ROOT, root_id},
    organization_reference::{Handle, PublicAlias},
};

use super::{
    domains::{
        list::newly_accepted,
        sharing::{self, SharedDomainError},
    },
    error::OrganizationError,
    templates, tree,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::pools,
        environments,
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit, Resource as _},
        retry::retry_deadlocks,
        roles,
    },
    store::{self, Conn, Transaction, organization_attributes, organization_tree},
};

/// What a new organization is besides its settings.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NewOrganization<'a> {
    /// The organization above it; empty is the root.
    pub parent: Option<&'a str>,
    /// The template that its settings are copied from; empty is none.
    pub template: Option<&'a str>,
    /// Whether the environment's defaults count where neither is named.
    pub defaults: bool,
    /// The id that the client chose.
    pub alias: Option<&'a PublicAlias>,
    /// Which other organizations may have its name.
    pub unique_name: UniqueName,
    /// Whether the caller confirmed that domains are shared.
    pub shares: bool,
}

/// Whether other organizations of the environment may have the name that one gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum UniqueName {
    /// They may.
    #[default]
    No,
    /// None may, whatever its case.
    AnyCase,
    /// None may have exactly this name.
    Exact,
}

/// Makes an organization: it gets the settings of its template, then those that `apply` sets, and the template's pools.
pub(super) async fn create(
    state: &State,
    principal: &Principal,
    new: &NewOrganization<'_>,
    apply: impl Fn(&mut Organization) -> Result<()>,
) -> Result<Organization> {
    create_with(state, principal, new, apply, async |_, _| Ok(())).await
}

/// Makes an organization, and in the same transaction what `also` adds to it.
pub(super) async fn create_with(
    state: &State,
    principal: &Principal,
    new: &NewOrganization<'_>,
    apply: impl Fn(&mut Organization) -> Result<()>,
    also: impl AsyncFn(&mut Transaction, &Organization) -> Result<()>,
) -> Result<Organization> {
    let environment_id = principal.authorize(Action::OrganizationsManage, On::Environment)?;
    create_in(state, principal, environment_id, new, apply, also).await
}

/// [`create_with`], for a caller who was authorised.
pub(super) async fn create_in(
    state: &State,
    principal: &Principal,
    environment_id: EnvironmentId,
    new: &NewOrganization<'_>,
    apply: impl Fn(&mut Organization) -> Result<()>,
    also: impl AsyncFn(&mut Transaction, &Organization) -> Result<()>,
) -> Result<Organization> {
    retry_deadlocks(async || {
        let now = state.now();
        let mut organization = Organization::new(Id::new(now, &*state.random), environment_id, now);
        let alone = new.parent.is_none()
            && new.template.is_none()
            && !new.defaults
            && new.unique_name == UniqueName::No;
        if alone {
            // What is refused for its settings takes no lock.
            apply(&mut organization)?;
        }
        let mut tx = state.db.write().await?;
        if !alone || !organization.domains.is_empty() {
            sharing::lock(&mut tx, environment_id).await?;
        }
        let mut template = None;
        if !alone {
            (organization.parent_id, template) = place(&mut tx, environment_id, new).await?;
            if let Some(template) = &template {
                templates::apply(&mut organization, template);
            }
            apply(&mut organization)?;
        }
        if let Some(alias) = new.alias {
            choose_alias(&mut tx, &mut organization, alias).await?;
        }
        require_unique_name(&mut tx, &organization, new.unique_name).await?;
        require_free_handle(&mut tx, &organization).await?;
        check_template(&organization)?;
        tree::check(&mut tx, None, &organization).await?;
        let new_domains = newly_accepted(&BTreeMap::new(), &organization.domains);
        let elsewhere =
            sharing::find_other_organizations(&mut tx, environment_id, organization.id, &new_domains).await?;
        sharing::check(principal, &elsewhere, new.shares).map_err(SharedDomainError::into_error)?;
        resource::insert(&mut tx, state, principal, &organization).await?;
        store::organization_domains::insert_all(&mut tx, &organization, &*state.random).await?;
        if let Some(template) = template {
            pools::copy_to(&mut tx, state, principal, template.id, organization.id).await?;
            roles::copy_to(&mut tx, state, principal, template.id, organization.id).await?;
        }
        sharing::record(&mut tx, state, principal, organization.id, &elsewhere).await?;
        also(&mut tx, &organization).await?;
        tx.commit().await?;
        Ok(organization)
    })
    .await
}

/// The parent and the template of a new organization. The default ones count where they are still there.
async fn place(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    new: &NewOrganization<'_>,
) -> Result<(OrganizationId, Option<Organization>)> {
    let mut default = (None, None);
    if new.defaults && (new.parent.is_none() || new.template.is_none()) {
        let environment = environments::load(tx, environment_id).await?;
        default = (environment.default_parent_id, environment.default_template_id);
    }
    let parent_id = match (new.parent, default.0) {
        (Some(named), _) => tree::find_parent(tx, environment_id, named).await?,
        (None, Some(id)) => tree::find_parent(tx, environment_id, &id.to_string())
            .await
            .or_else(|error| missing(error, root_id(environment_id)))?,
        (None, None) => root_id(environment_id),
    };
    let template = match (new.template, default.1) {
        (Some(""), _) => None,
        (Some(named), _) => Some(templates::find(tx, environment_id, named).await?),
        (None, Some(id)) => templates::find_default(tx, environment_id, id).await?,
        (None, None) => None,
    };
    Ok((parent_id, template))
}

fn missing<T>(error: Error, instead: T) -> Result<T> {
    match error {
        Error::NotFound { .. } => Ok(instead),
        error => Err(error),
    }
}

/// Gives a new organization the id that the client chose. It is nobody's alias, and no other form of another organization's
/// id. The lock of the environment is held.
async fn choose_alias(
    tx: &mut Transaction,
    organization: &mut Organization,
    alias: &PublicAlias,
) -> Result<()> {
    let environment_id = organization.environment_id;
    let taken = || Error::Conflict { kind: OrganizationKind::NOUN, field: "id" };
    if store::organizations::find_by_alias(tx, environment_id, alias).await?.is_some() {
        return Err(taken());
    }
    if let Ok(id) = alias.as_str().parse::<OrganizationId>()
        && (id == root_id(environment_id)
            || id.bits() == WSO2_ROOT
            || store::organizations::exists(tx, environment_id, id).await?)
    {
        return Err(taken());
    }
    // Nor the handle that another one was given, which is its id where nobody chose one.
    if let Ok(handle) = Handle::parse_stored(alias.as_str())
        && store::organizations::has_handle(tx, environment_id, &handle, organization.id).await?
    {
        return Err(taken());
    }
    organization.public_alias = Some(alias.clone());
    Ok(())
}

/// Requires that no other organization has the name. The lock of the environment is held.
async fn require_unique_name(
    tx: &mut Transaction,
    organization: &Organization,
    rule: UniqueName,
) -> Result<()> {
    let (environment_id, id, key) = (organization.environment_id, organization.id, organization.name_key());
    let name = organization.name.as_deref().unwrap_or(&organization.display_name);
    let taken = match rule {
        UniqueName::No => false,
        UniqueName::AnyCase => store::organizations::has_name(tx, environment_id, &key, id).await?,
        UniqueName::Exact => {
            store::organizations::has_exact_name(tx, environment_id, (name, &key), id).await?
        }
    };
    match taken {
        true => Err(Error::Conflict { kind: OrganizationKind::NOUN, field: "name" }),
        false => Ok(()),
    }
}

/// Whether another organization has the handle, or the id that a client chose for it reads so.
pub(super) async fn is_handle_taken(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    handle: &Handle,
    except: OrganizationId,
) -> Result<bool> {
    if store::organizations::has_handle(conn, environment_id, handle, except).await? {
        return Ok(true);
    }
    let Ok(alias) = PublicAlias::parse(handle.as_str()) else { return Ok(false) };
    let other = store::organizations::find_by_alias(conn, environment_id, &alias).await?;
    Ok(other.is_some_and(|other| other != except))
}

/// Requires that no other organization has the handle: the index decides where two want it at once.
async fn require_free_handle(tx: &mut Transaction, organization: &Organization) -> Result<()> {
    let Some(handle) = &organization.handle else { return Ok(()) };
    match is_handle_taken(tx, organization.environment_id, handle, organization.id).await? {
        true => Err(Error::Conflict { kind: OrganizationKind::NOUN, field: "handle" }),
        false => Ok(()),
    }
}

fn check_template(organization: &Organization) -> Result<()> {
    match organization.template && !organization.domains.is_empty() {
        true => Err(OrganizationError::IsTemplate("domains").into()),
        false => Ok(()),
    }
}

/// What a change of an organization concerns besides its settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangeRules<'a> {
    /// The organization above it from now on; empty is the root.
    pub parent: Option<&'a str>,
    /// Whether the caller confirmed that domains are shared.
    pub shares: bool,
    /// Whether the tree, a name or a domain may change.
    pub in_tree: bool,
    /// Which other organizations may have a name that it gets.
    pub unique_name: UniqueName,
    /// The organization that it must be below, if one is named.
    pub below: Option<OrganizationId>,
}

/// Changes an organization by `apply`. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub(super) async fn update(
    state: &State,
    principal: &Principal,
    id: OrganizationId,
    expected: Option<&EntityTags>,
    rules: &ChangeRules<'_>,
    apply: impl Fn(&mut Organization) -> Result<()>,
) -> Result<Organization> {
    let environment_id = principal.authorize(Action::OrganizationsManage, On::Environment)?;
    update_in(state, principal, (environment_id, id), expected, rules, apply, async |_, _| Ok(())).await
}

/// [`update`], for a caller who was authorised, with what `also` adds to a change in its transaction.
pub(super) async fn update_in(
    state: &State,
    principal: &Principal,
    (environment_id, id): (EnvironmentId, OrganizationId),
    expected: Option<&EntityTags>,
    rules: &ChangeRules<'_>,
    apply: impl Fn(&mut Organization) -> Result<()>,
    also: impl AsyncFn(&mut Transaction, &Organization) -> Result<()>,
) -> Result<Organization> {
    retry_deadlocks(async || {
        Organization::check_change(state, principal, id).await?;
        let mut tx = state.db.write().await?;
        if rules.in_tree {
            sharing::lock(&mut tx, environment_id).await?;
        }
        let mut edit = Edit::<Organization>::begin(tx, environment_id, id, expected).await?;
        if let Some(ancestor) = rules.below
            && (ancestor == id || !organization_tree::is_below(&mut edit.tx, ancestor, id).await?)
        {
            return Err(OrganizationError::NotBelow.into());
        }
        apply(&mut edit.row)?;
        if let Some(parent) = rules.parent {
            edit.row.parent_id = tree::find_parent(&mut edit.tx, environment_id, parent).await?;
        }
        if !edit.is_changed() {
            return Ok(edit.row);
        }
        check_change(&mut edit, rules).await?;
        let new_domains = newly_accepted(&edit.before.domains, &edit.row.domains);
        let elsewhere =
            sharing::find_other_organizations(&mut edit.tx, environment_id, id, &new_domains).await?;
        sharing::check(principal, &elsewhere, rules.shares).map_err(SharedDomainError::into_error)?;
        edit.save(state, principal).await?;
        let (before, after) = (&edit.before, &edit.row);
        if before.parent_id != after.parent_id {
            organization_tree::move_below(&mut edit.tx, id, after.parent_id).await?;
        }
        organization_attributes::set(&mut edit.tx, id, &before.attributes, &after.attributes).await?;
        store::organization_domains::set(&mut edit.tx, after, &*state.random).await?;
        let ends = |row: &Organization| row.is_disabled() || row.template;
        if ends(&edit.row) && !ends(&edit.before) {
            Organization::end_use(&mut edit, state).await?;
        }
        sharing::record(&mut edit.tx, state, principal, id, &elsewhere).await?;
        also(&mut edit.tx, &edit.row).await?;
        edit.commit().await
    })
    .await
}

async fn check_change(edit: &mut Edit<Organization>, rules: &ChangeRules<'_>) -> Result<()> {
    let (before, after) = (&edit.before, &edit.row);
    let is_same_name = match rules.unique_name {
        UniqueName::No | UniqueName::AnyCase => before.name_key() == after.name_key(),
        UniqueName::Exact => (&before.name, &before.display_name) == (&after.name, &after.display_name),
    };
    if !is_same_name {
        require_unique_name(&mut edit.tx, after, rules.unique_name).await?;
    }
    if before.handle != after.handle {
        require_free_handle(&mut edit.tx, after).await?;
    }
    if after.template
        && !before.template
        && let Some(what) = organization_tree::what_a_template_cannot_have(&mut edit.tx, after.id).await?
    {
        return Err(OrganizationError::CannotBeTemplate(what).into());
    }
    check_template(after)?;
    tree::check(&mut edit.tx, Some(before), after).await
}
