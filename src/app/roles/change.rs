//! Roles that are made and removed.

use std::collections::BTreeSet;

use base::id::{
    ApplicationId, EnvironmentId, Id, IdKind as _, OrganizationId, OrganizationKind, RoleId, RoleKind,
    UserGroupId, UserId,
};
use model::{
    application::Application,
    organization::root_id,
    role::{Audience, Role, name_key},
};

use super::{
    assignments, held, known_permissions,
    set_change::SetChange,
    visible::{self, MAX_ROLES},
};
use crate::{
    app::{
        Error, Result, State,
        applications::sharing,
        audit, input,
        permissions::Action,
        principal::{On, Principal},
        resource::Edit,
        retry::retry_deadlocks,
    },
    store::{self, Conn, Transaction, role_assignments::RoleIn, table},
};

/// How long a name is at most, in characters.
const MAX_NAME: usize = 255;

/// A role as it is asked for, unvalidated.
#[derive(Debug, Clone, Default)]
pub struct NewRole {
    /// Its name.
    pub name: String,
    /// What it is for, by the ids that count in the organization; `None`: the organization.
    pub audience: Option<Audience>,
    /// What it permits.
    pub permissions: BTreeSet<String>,
}

/// Who has a new role at once.
#[derive(Debug, Clone, Default)]
pub struct FirstMembers {
    /// Users of the organization.
    pub users: BTreeSet<UserId>,
    /// Groups of them.
    pub groups: BTreeSet<UserGroupId>,
}

/// A name of a role, checked.
pub(super) fn checked_name(text: &str) -> Result<String> {
    const FIELD: &str = "displayName";
    let name = input::line(FIELD, text.trim(), MAX_NAME)?;
    match name_key(&name).is_empty() {
        true => Err(Error::invalid(FIELD, "a role must have a name")),
        false => Ok(name),
    }
}

/// Creates a role of an organization; of the vendor, if that is the root.
pub async fn create(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    new: &NewRole,
) -> Result<Role> {
    create_for(state, principal, organization_id, new, &FirstMembers::default()).await
}

/// [`create`], and gives it to people of the organization.
pub async fn create_for(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    new: &NewRole,
    first: &FirstMembers,
) -> Result<Role> {
    principal.authorize(Action::RolesCreate, On::Organization(organization_id))?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let role = create_in(&mut tx, state, principal, organization_id, new).await?;
        let (environment_id, role_id) = (role.environment_id, role.id);
        let place = RoleIn { environment_id, organization_id, role_id };
        let users = SetChange::Add(first.users.clone());
        assignments::apply(&mut tx, state, principal, &place, &users).await?;
        let groups = SetChange::Add(first.groups.clone());
        assignments::apply(&mut tx, state, principal, &place, &groups).await?;
        tx.commit().await?;
        Ok(role)
    })
    .await
}

/// [`create`], in the caller's transaction, and nobody has it yet.
pub async fn create_in(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    new: &NewRole,
) -> Result<Role> {
    let environment_id = principal.authorize(Action::RolesCreate, On::Organization(organization_id))?;
    let name = checked_name(&new.name)?;
    if !store::identity_pools::lock_organization(tx, environment_id, organization_id).await? {
        return Err(Error::not_found(OrganizationKind::NOUN, organization_id));
    }
    let audience = new.audience.unwrap_or(Audience::Organization(organization_id));
    check_audience(tx, environment_id, organization_id, audience).await?;
    let own_scopes = known_permissions::own_scopes(tx, environment_id, audience).await?;
    known_permissions::check(&new.permissions, &own_scopes)?;
    let place = (environment_id, organization_id);
    held::require(tx, principal, place, "permissions", &new.permissions).await?;
    if store::roles::count(tx, environment_id, organization_id).await? >= MAX_ROLES {
        let text = format!("an organization has at most {MAX_ROLES} roles; remove one first");
        return Err(Error::FailedPrecondition(text.into()));
    }
    let now = state.now();
    let role = Role {
        id: Id::new(now, &*state.random),
        environment_id,
        organization_id,
        version: 1,
        name,
        audience,
        permissions: new.permissions.clone(),
        created_at: now,
        updated_at: now,
    };
    table::insert(tx, &role).await.map_err(Error::conflict_on(RoleKind::NOUN, "name"))?;
    known_permissions::note(tx, audience, &own_scopes, &role.permissions).await?;
    audit::created(tx, state, principal, &role).await?;
    Ok(role)
}

/// Requires that a role of the organization can be for this: the organization itself, or an application that it owns.
async fn check_audience(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    audience: Audience,
) -> Result<()> {
    let invalid = || Error::invalid("audience", "Invalid audience value.");
    let id = match audience {
        Audience::Organization(id) if id == organization_id => return Ok(()),
        Audience::Organization(_) => return Err(invalid()),
        Audience::Application(id) => id,
    };
    let owner = Some(organization_id).filter(|id| *id != root_id(environment_id));
    let own: Option<Application> = table::find(conn, environment_id, id).await?;
    if own.is_some_and(|application| application.organization_id == owner && !application.is_of_system()) {
        return Ok(());
    }
    if owner.is_some() && is_shared(conn, environment_id, organization_id, id).await? {
        return Err(Error::invalid(
            "",
            "Role creation for shared applications is not allowed at organization level.",
        ));
    }
    Err(invalid())
}

/// Whether an application of the vendor, which is shared with the organization, has this id there.
async fn is_shared(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    shown: ApplicationId,
) -> Result<bool> {
    let original = sharing::original_id(organization_id, shown)?;
    let found: Option<Application> = table::find(conn, environment_id, original).await?;
    match found {
        Some(application) => sharing::is_shared(conn, &application, organization_id).await,
        None => Ok(false),
    }
}

/// Removes a role of an organization. From that moment nobody has it; who had it is forgotten later, in batches.
pub async fn remove(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    id: RoleId,
) -> Result<()> {
    let environment_id = principal.authorize(Action::RolesDelete, On::Organization(organization_id))?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let found = visible::find_in(&mut tx, environment_id, organization_id, id).await?;
        if found.is_shared() {
            return Err(Error::invalid("", "Shared role deletion is not allowed."));
        }
        let mut edit = Edit::<Role>::begin(tx, environment_id, found.role.id, None).await?;
        store::roles::remove_from_applications(&mut edit.tx, edit.row.id).await?;
        edit.remove(state, principal).await
    })
    .await
}
