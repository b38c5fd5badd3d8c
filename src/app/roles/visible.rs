//! The roles that there are in an organization: its own, and the vendor's that are shared with it.

use std::collections::BTreeMap;

use base::{
    id::{ApplicationId, EnvironmentId, IdKind as _, OrganizationId, RoleId, RoleKind},
    time::Timestamp,
};
use model::{
    application::{Application, RoleAudience},
    organization::{Organization, root_id},
    role::{Audience, Role, name_key},
};

use crate::{
    app::{
        Error, Result, State,
        applications::sharing::{self, SharedRoles},
        permissions::Action,
        principal::{On, Principal},
    },
    store::{Conn, role_assignments::RoleIn, roles, table},
};

/// How many roles an organization has of its own at most.
pub const MAX_ROLES: i64 = 1000;

/// How many applications that use a role are looked at.
const MAX_APPLICATIONS: i64 = 1000;

/// What WSO2 calls the root organization.
const ROOT_NAME: &str = "Super";

/// A role as it is in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleRole {
    /// Its id there.
    pub id: RoleId,
    /// What it is for, by the ids that count there.
    pub audience: Audience,
    /// The name of that.
    pub audience_name: String,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The role itself.
    pub role: Role,
}

impl VisibleRole {
    /// Whether it is the vendor's, shared with the organization, which can give it to its people and change nothing else.
    pub fn is_shared(&self) -> bool {
        self.role.organization_id != self.organization_id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.role.name
    }

    /// When it was created.
    pub fn created_at(&self) -> Timestamp {
        self.role.created_at
    }

    /// It as it is given in the organization.
    pub(super) fn place(&self) -> RoleIn {
        RoleIn {
            environment_id: self.role.environment_id,
            organization_id: self.organization_id,
            role_id: self.role.id,
        }
    }
}

/// Which roles of an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleFilter {
    /// Only those of this name, in its normal form.
    pub name: Option<String>,
    /// Only those of the application or organization with this id, as it is there.
    pub audience: Option<u128>,
}

/// The roles that there are in an organization, by name: up to a thousand of its own, and as many of the vendor's.
pub async fn list(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    filter: &RoleFilter,
) -> Result<Vec<VisibleRole>> {
    let environment_id = principal.authorize(Action::RolesView, On::Organization(organization_id))?;
    let mut conn = state.db.read().await?;
    let mut place = Place::new(environment_id, organization_id);
    let name_key = filter.name.as_deref().map(name_key);
    let query = |audience: Option<Audience>| roles::RoleQuery { name_key: name_key.clone(), audience };
    let own = query(filter.audience.map(|bits| place.own_audience(bits)));
    let mut found = roles::list(&mut conn, environment_id, organization_id, &own, MAX_ROLES).await?;
    if !place.is_root() {
        let shared = query(filter.audience.map(|bits| place.shared_audience(bits)).transpose()?);
        found.extend(
            roles::list(&mut conn, environment_id, root_id(environment_id), &shared, MAX_ROLES).await?,
        );
    }
    let mut all = Vec::new();
    for role in found {
        all.extend(place.show(&mut conn, role).await?);
    }
    all.sort_by_cached_key(|role| (role.role.name_key(), role.id));
    Ok(all)
}

/// The role that has this id in an organization.
pub async fn find(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    id: RoleId,
) -> Result<VisibleRole> {
    let environment_id = principal.authorize(Action::RolesView, On::Organization(organization_id))?;
    find_in(&mut state.db.read().await?, environment_id, organization_id, id).await
}

/// Whether a role is there in an organization: one of its own, or one of the vendor that an application brings along.
pub async fn is_there(conn: &mut Conn, role: &Role, organization_id: OrganizationId) -> Result<bool> {
    Place::new(role.environment_id, organization_id).counts(conn, role).await
}

/// The role that has this id in an organization, if there is one. The caller authorised the reading.
pub async fn find_there(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    id: RoleId,
) -> Result<Option<VisibleRole>> {
    match find_in(conn, environment_id, organization_id, id).await {
        Ok(role) => Ok(Some(role)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// [`find`], for a caller who was authorised.
pub(super) async fn find_in(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    id: RoleId,
) -> Result<VisibleRole> {
    let mut place = Place::new(environment_id, organization_id);
    let own: Option<Role> = table::find(conn, environment_id, id).await?;
    let mut found = own.filter(|role| role.organization_id == organization_id);
    if found.is_none() && !place.is_root() {
        let original = sharing::original_id(organization_id, id)?;
        let role: Option<Role> = table::find(conn, environment_id, original).await?;
        found = role.filter(Role::is_of_root);
    }
    let shown = match found {
        Some(role) => place.show(conn, role).await?,
        None => None,
    };
    shown.ok_or_else(|| Error::not_found(RoleKind::NOUN, id))
}

/// An organization in which roles are looked at, and the applications that were read for that.
pub(super) struct Place {
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    /// Applications by their own ids; `None`: not there.
    applications: BTreeMap<ApplicationId, Option<Application>>,
    /// Which roles each brings along.
    shared: BTreeMap<ApplicationId, SharedRoles>,
    organization_name: Option<String>,
}

impl Place {
    /// One of which nothing was read yet.
    pub(super) fn new(environment_id: EnvironmentId, organization_id: OrganizationId) -> Self {
        Self {
            environment_id,
            organization_id,
            applications: BTreeMap::new(),
            shared: BTreeMap::new(),
            organization_name: None,
        }
    }

    fn is_root(&self) -> bool {
        self.organization_id == root_id(self.environment_id)
    }

    /// The audience that has this id among the organization's own.
    fn own_audience(&self, bits: u128) -> Audience {
        match bits == self.organization_id.bits() {
            true => Audience::Organization(self.organization_id),
            false => Audience::Application(ApplicationId::from_bits(bits)),
        }
    }

    /// The audience at the root that has this id in the organization.
    fn shared_audience(&self, bits: u128) -> Result<Audience> {
        if bits == self.organization_id.bits() {
            return Ok(Audience::Organization(root_id(self.environment_id)));
        }
        let shown = ApplicationId::from_bits(bits);
        Ok(Audience::Application(sharing::original_id(self.organization_id, shown)?))
    }

    /// A role of the organization or of the root as it is in the organization; `None`: it does not count there.
    pub(super) async fn show(&mut self, conn: &mut Conn, role: Role) -> Result<Option<VisibleRole>> {
        if role.organization_id == self.organization_id {
            return self.show_own(conn, role).await.map(Some);
        }
        if !role.is_of_root() || !self.counts(conn, &role).await? {
            return Ok(None);
        }
        let (audience, audience_name) = match role.audience {
            Audience::Application(id) => {
                let shown = sharing::fragment_id(self.organization_id, id)?;
                (Audience::Application(shown), self.application_name(conn, id).await?)
            }
            Audience::Organization(_) => {
                (Audience::Organization(self.organization_id), self.organization_name(conn).await?)
            }
        };
        let id = sharing::fragment_id(self.organization_id, role.id)?;
        let organization_id = self.organization_id;
        Ok(Some(VisibleRole { id, audience, audience_name, organization_id, role }))
    }

    async fn show_own(&mut self, conn: &mut Conn, role: Role) -> Result<VisibleRole> {
        let audience_name = match role.audience {
            Audience::Application(id) => self.application_name(conn, id).await?,
            Audience::Organization(_) => self.organization_name(conn).await?,
        };
        let organization_id = self.organization_id;
        Ok(VisibleRole { id: role.id, audience: role.audience, audience_name, organization_id, role })
    }

    /// Whether a role counts in the organization: its own do, and those of the vendor that an application brings along, with which
    /// it is shared.
    pub(super) async fn counts(&mut self, conn: &mut Conn, role: &Role) -> Result<bool> {
        if role.organization_id == self.organization_id {
            return Ok(true);
        }
        if let Audience::Application(id) = role.audience {
            return self.is_brought_along(conn, id, role).await;
        }
        for id in roles::list_applications(conn, role.id, MAX_APPLICATIONS).await? {
            let application = self.application(conn, id).await?;
            let is_for_organizations = application
                .is_some_and(|application| application.role_audience == RoleAudience::Organization);
            if is_for_organizations && self.is_brought_along(conn, id, role).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an application of the vendor, which is shared with the organization, brings a role along.
    async fn is_brought_along(&mut self, conn: &mut Conn, id: ApplicationId, role: &Role) -> Result<bool> {
        if !self.shared.contains_key(&id) {
            let organization_id = self.organization_id;
            let shared = match self.application(conn, id).await?.cloned() {
                Some(application) => sharing::shared_roles(conn, &application, organization_id).await?,
                None => SharedRoles::None,
            };
            self.shared.insert(id, shared);
        }
        Ok(match self.shared.get(&id) {
            Some(SharedRoles::All) => true,
            Some(SharedRoles::Ids(ids)) => ids.contains(&role.id.to_string()),
            Some(SharedRoles::None) | None => false,
        })
    }

    async fn application(&mut self, conn: &mut Conn, id: ApplicationId) -> Result<Option<&Application>> {
        if !self.applications.contains_key(&id) {
            let found = table::find(conn, self.environment_id, id).await?;
            self.applications.insert(id, found);
        }
        Ok(self.applications.get(&id).and_then(Option::as_ref))
    }

    async fn application_name(&mut self, conn: &mut Conn, id: ApplicationId) -> Result<String> {
        let found = self.application(conn, id).await?;
        Ok(found.map(|application| application.display_name.clone()).unwrap_or_default())
    }

    async fn organization_name(&mut self, conn: &mut Conn) -> Result<String> {
        if let Some(name) = &self.organization_name {
            return Ok(name.clone());
        }
        let name = match self.is_root() {
            true => ROOT_NAME.to_owned(),
            false => {
                let found: Option<Organization> =
                    table::find(conn, self.environment_id, self.organization_id).await?;
                found.map(|found| found.shown_name().to_owned()).unwrap_or_default()
            }
        };
        self.organization_name = Some(name.clone());
        Ok(name)
    }
}

impl RoleFilter {
    /// All of them.
    pub const ALL: Self = Self { name: None, audience: None };
}
