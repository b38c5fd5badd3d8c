//! What a user may give, and over whom they have a say: nothing that they may not do themselves in the organization, and nobody who may
//! do more. Whoever may change roles, groups or passwords would have all of the rights of the management APIs else. The vendor's
//! programs and administrators are not asked.

use std::collections::BTreeSet;

use base::id::{EnvironmentId, OrganizationId, RoleId, UserGroupId, UserId};
use model::{organization::root_id, role::Role, user::User, user_group::UserGroup};

use super::{
    effective::permissions_of,
    visible::{self, VisibleRole},
};
use crate::{
    app::{
        Error, Result, State,
        authorization_server::scopes::ManagementScope,
        permissions::Action,
        principal::{On, Principal, Subject},
    },
    store::{Conn, memberships, role_assignments::RoleIn, roles, table, user_associations},
};

/// How many organizations are looked into in which somebody has roles by an image. Whoever has more is the vendor's to change.
const MAX_PLACES: i64 = 100;

/// How many roles of a group are read at most: all that there can be in an organization.
const MAX_READ: i64 = 2 * super::MAX_ROLES;

/// What the caller, who is a user, is permitted in an organization and so may give; `None`: they are none, and give everything.
pub async fn may_give(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
) -> Result<Option<BTreeSet<String>>> {
    let environment_id = principal.authorize(Action::RolesView, On::Organization(organization_id))?;
    let Subject::User(user_id) = principal.subject else { return Ok(None) };
    let mut conn = state.db.read().await?;
    permitted(&mut conn, user_id, (environment_id, organization_id)).await.map(Some)
}

/// [`Error::Invalid`] names `field`: the caller is a user, and lacks one of these permissions in the organization.
pub(super) async fn require(
    conn: &mut Conn,
    principal: &Principal,
    place: (EnvironmentId, OrganizationId),
    field: &'static str,
    permissions: &BTreeSet<String>,
) -> Result<()> {
    let Subject::User(user_id) = principal.subject else { return Ok(()) };
    match first_missing(conn, user_id, place, permissions).await? {
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
pub async fn require_givable_group(
    conn: &mut Conn,
    principal: &Principal,
    place: (EnvironmentId, OrganizationId),
    id: UserGroupId,
) -> Result<()> {
    if !matches!(principal.subject, Subject::User(_)) {
        return Ok(());
    }
    let given = roles::list_of_group(conn, place.0, place.1, id, MAX_READ).await?;
    let permissions: BTreeSet<String> = given.into_iter().flat_map(|role| role.permissions).collect();
    require(conn, principal, place, "groups", &permissions).await
}

/// Refuses a change of a group, or of who is in it, by a user who may not do all that its roles permit: those too that count for
/// nothing now. [`Error::Forbidden`]
pub async fn require_group(conn: &mut Conn, principal: &Principal, group: &UserGroup) -> Result<()> {
    let Subject::User(user_id) = principal.subject else { return Ok(()) };
    let place = (group.environment_id, group.organization_id);
    let roles = roles::list_of_group(conn, place.0, place.1, group.id, MAX_READ).await?;
    let permissions = roles.into_iter().flat_map(|role| role.permissions).collect();
    match first_missing(conn, user_id, place, &permissions).await? {
        None => Ok(()),
        Some(name) => Err(Error::Forbidden(
            format!("the roles of this group permit {name}, which you may not do yourself").into(),
        )),
    }
}

/// Refuses what a user does to somebody who may do more than they: here, or where that person has an image, by roles or by the tier of
/// a membership. Everybody may do it to themselves. [`Error::Forbidden`]
pub async fn require_over(conn: &mut Conn, principal: &Principal, user: &User) -> Result<()> {
    let Subject::User(caller) = principal.subject else { return Ok(()) };
    if caller == user.id {
        return Ok(());
    }
    let environment_id = user.environment_id;
    let mut places = vec![(user.organization_id, user.id)];
    if user.shadow_of.is_none() {
        let most = MAX_PLACES + 1;
        let images = user_associations::list_with_roles(conn, environment_id, user.id, most).await?;
        if i64::try_from(images.len()).unwrap_or(i64::MAX) > MAX_PLACES {
            return Err(has_more());
        }
        places.extend(images);
    }
    for (organization_id, id) in places {
        let theirs = permissions_of(conn, environment_id, organization_id, id).await?;
        let place = (environment_id, organization_id);
        if first_missing(conn, caller, place, &theirs).await?.is_some() {
            return Err(has_more());
        }
    }
    require_tier_over(conn, caller, user).await
}

/// Refuses what a user does to the owner or an administrator of an organization who is not as much there. What is done to an image
/// concerns the organization in which it is.
async fn require_tier_over(conn: &mut Conn, caller: UserId, user: &User) -> Result<()> {
    let environment_id = user.environment_id;
    let caller: Option<User> = table::find(conn, environment_id, caller).await?;
    let Some(caller) = caller else { return Err(has_more()) };
    let caller = caller.shadow_of.unwrap_or(caller.id);
    let resident = user.shadow_of.unwrap_or(user.id);
    if caller == resident {
        return Ok(());
    }
    let most = MAX_PLACES + 1;
    let theirs = memberships::list_by_user(conn, environment_id, resident, None, most).await?;
    if i64::try_from(theirs.len()).unwrap_or(i64::MAX) > MAX_PLACES {
        return Err(has_more());
    }
    let concerned = |organization| user.shadow_of.is_none() || organization == user.organization_id;
    for one in theirs.iter().filter(|one| one.tier.administers() && concerned(one.organization_id)) {
        let own = memberships::find(conn, environment_id, one.organization_id, caller).await?;
        if !own.is_some_and(|own| own.is_active() && own.tier >= one.tier) {
            return Err(has_more());
        }
    }
    Ok(())
}

fn has_more() -> Error {
    Error::Forbidden(
        "this user may do what you may not do yourself; somebody who may do all of it can change this user"
            .into(),
    )
}

/// The first of these permissions of the management APIs that a user lacks in an organization.
async fn first_missing(
    conn: &mut Conn,
    user_id: UserId,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
    permissions: &BTreeSet<String>,
) -> Result<Option<String>> {
    let in_organization = organization_id != root_id(environment_id);
    let counts = |name: &&String| {
        ManagementScope::parse(name).is_some_and(|scope| scope.in_organization == in_organization)
    };
    let wanted: Vec<&String> = permissions.iter().filter(counts).collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    let held = permitted(conn, user_id, (environment_id, organization_id)).await?;
    Ok(wanted.into_iter().find(|name| !held.contains(*name)).cloned())
}

/// What the roles of a user in an organization permit them, as whoever they are there.
async fn permitted(
    conn: &mut Conn,
    user_id: UserId,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
) -> Result<BTreeSet<String>> {
    match acting(conn, environment_id, organization_id, user_id).await? {
        Some(acting) => permissions_of(conn, environment_id, organization_id, acting).await,
        None => Ok(BTreeSet::new()),
    }
}

/// As whom a user, who may be called by the id of an image of theirs, acts in an organization.
async fn acting(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Option<UserId>> {
    let user: Option<User> = table::find(conn, environment_id, user_id).await?;
    let Some(user) = user else { return Ok(None) };
    if user.organization_id == organization_id {
        return Ok(Some(user.id));
    }
    let resident = user.shadow_of.unwrap_or(user.id);
    let image = user_associations::find(conn, environment_id, organization_id, resident).await?;
    match image {
        Some(image) => Ok(Some(image.user_id)),
        None => {
            let resident: Option<User> = table::find(conn, environment_id, resident).await?;
            Ok(resident.filter(|user| user.organization_id == organization_id).map(|user| user.id))
        }
    }
}
