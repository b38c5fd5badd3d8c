//! What a user may give: no right of the management APIs that they do not have themselves in the organization. Whoever may change
//! roles would have all of them else.

use std::collections::BTreeSet;

use base::id::{EnvironmentId, OrganizationId, RoleId, UserGroupId};
use model::{organization::root_id, role::Role};

use super::{
    effective::permissions_of,
    visible::{self, MAX_ROLES, VisibleRole},
};
use crate::{
    app::{
        Error, Result,
        authorization_server::scopes::ManagementScope,
        principal::{Principal, Subject},
    },
    store::{Conn, role_assignments::RoleIn, roles, table, user_associations},
};

/// [`Error::Invalid`] names `field`: the caller is a user, and lacks one of these permissions in the organization.
pub(super) async fn require(
    conn: &mut Conn,
    principal: &Principal,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
    field: &'static str,
    permissions: &BTreeSet<String>,
) -> Result<()> {
    let Subject::User(user_id) = principal.subject else { return Ok(()) };
    let in_organization = organization_id != root_id(environment_id);
    let counts = |name: &&String| {
        ManagementScope::parse(name).is_some_and(|scope| scope.in_organization == in_organization)
    };
    let wanted: Vec<&String> = permissions.iter().filter(counts).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let image = user_associations::find(conn, environment_id, organization_id, user_id).await?;
    let acting = image.map_or(user_id, |image| image.user_id);
    let held = permissions_of(conn, environment_id, organization_id, acting).await?;
    match wanted.into_iter().find(|name| !held.contains(*name)) {
        None => Ok(()),
        Some(name) => {
            Err(Error::invalid(field, format!("you cannot give {name}, which you do not have yourself")))
        }
    }
}

/// The same for everything that a role permits, which is to be given to somebody.
pub(super) async fn require_role(
    conn: &mut Conn,
    principal: &Principal,
    place: &RoleIn,
    field: &'static str,
) -> Result<()> {
    if !matches!(principal.subject, Subject::User(_)) {
        return Ok(());
    }
    let role: Option<Role> = table::find(conn, place.environment_id, place.role_id).await?;
    let permissions = role.map(|role| role.permissions).unwrap_or_default();
    require(conn, principal, (place.environment_id, place.organization_id), field, &permissions).await
}

/// The role with this id in an organization, which the caller may give. [`Error::Invalid`] names `roles`: they may not.
pub async fn find_givable(
    conn: &mut Conn,
    principal: &Principal,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
    id: RoleId,
) -> Result<VisibleRole> {
    let role = visible::find_in(conn, environment_id, organization_id, id).await?;
    require_role(conn, principal, &role.place(), "roles").await?;
    Ok(role)
}

/// [`Error::Invalid`] names `groups`: the caller may not give what a group has by its roles.
pub async fn require_group(
    conn: &mut Conn,
    principal: &Principal,
    place: (EnvironmentId, OrganizationId),
    id: UserGroupId,
) -> Result<()> {
    if !matches!(principal.subject, Subject::User(_)) {
        return Ok(());
    }
    let given = roles::list_of_group(conn, place.0, place.1, id, 2 * MAX_ROLES).await?;
    let permissions: BTreeSet<String> = given.into_iter().flat_map(|role| role.permissions).collect();
    require(conn, principal, place, "groups", &permissions).await
}
