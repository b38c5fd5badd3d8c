//! What a user may do in an organization by the roles that they have there.

use std::collections::BTreeSet;

use base::id::{ApplicationId, EnvironmentId, OrganizationId, RoleId, UserId};
use model::role::{Audience, Role};

use super::visible::{MAX_ROLES, Place};
use crate::{
    app::Result,
    store::{Conn, roles},
};

/// How many roles of a user are read at most: all that there can be in an organization.
const MAX_READ: i64 = 2 * MAX_ROLES;

/// A role that somebody has, by its id in the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRef {
    /// Its id there.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// What it is for, by the ids that count there.
    pub audience: Audience,
    /// The name of that.
    pub audience_name: String,
}

/// What a user of an organization may do there: by roles of the organization and by the vendor's that are shared with it, which
/// they have themselves or through a group. Whoever is not a user of the organization may do nothing.
pub async fn permissions_of(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<BTreeSet<String>> {
    permissions(conn, environment_id, organization_id, user_id, None).await
}

/// [`permissions_of`], in one application: roles for other applications do not count. The application by its own id.
pub async fn permissions_in_application(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
    application_id: ApplicationId,
) -> Result<BTreeSet<String>> {
    permissions(conn, environment_id, organization_id, user_id, Some(application_id)).await
}

async fn permissions(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
    application_id: Option<ApplicationId>,
) -> Result<BTreeSet<String>> {
    let mut place = Place::new(environment_id, organization_id);
    let mut all = BTreeSet::new();
    for role in assigned(conn, environment_id, organization_id, user_id).await? {
        let is_for_another = match (role.audience, application_id) {
            (Audience::Application(id), Some(wanted)) => id != wanted,
            _ => false,
        };
        if !is_for_another && place.counts(conn, &role).await? {
            all.extend(role.permissions);
        }
    }
    Ok(all)
}

/// The roles that a user of an organization has there, by name, each with its id there. The caller authorised the reading of
/// the user.
pub async fn of_user(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Vec<RoleRef>> {
    let mut place = Place::new(environment_id, organization_id);
    let mut all = Vec::new();
    for role in assigned(conn, environment_id, organization_id, user_id).await? {
        let shown = place.show(conn, role).await?;
        all.extend(shown.map(|shown| RoleRef {
            id: shown.id,
            name: shown.role.name,
            audience: shown.audience,
            audience_name: shown.audience_name,
        }));
    }
    Ok(all)
}

async fn assigned(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Vec<Role>> {
    Ok(roles::list_of_user(conn, environment_id, organization_id, user_id, MAX_READ).await?)
}
