//! The roles of one user in their organization, and how they come to have each: themselves, or through groups.

use std::collections::BTreeSet;

use base::id::{EnvironmentId, OrganizationId, RoleId, UserGroupId, UserId};
use model::user::User;

use super::visible::{MAX_ROLES, Place, VisibleRole};
use crate::{
    app::{
        Result, State,
        authorization_server::scopes::ManagementScope,
        permissions::Action,
        principal::{On, Principal, Subject},
    },
    store::{Conn, roles},
};

/// How many roles of a user are read at most: all that there can be in an organization.
const MAX_READ: i64 = 2 * MAX_ROLES;

/// A role that a user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The role as it is in the organization.
    pub role: VisibleRole,
    /// Whether they have it themselves.
    pub directly: bool,
    /// The groups through which they have it, with their names.
    pub groups: Vec<(UserGroupId, String)>,
}

/// The roles of a user, whom the caller read, by name.
pub async fn held_by(state: &State, principal: &Principal, user: &User) -> Result<Vec<Held>> {
    let environment_id = principal.authorize(Action::RolesView, On::Organization(user.organization_id))?;
    principal.require_environment(user.environment_id)?;
    list(&mut state.db.read().await?, environment_id, user.organization_id, user.id).await
}

async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Vec<Held>> {
    let assigned = roles::list_of_user(conn, environment_id, organization_id, user_id, MAX_READ).await?;
    let ways = roles::list_ways(conn, organization_id, user_id, MAX_READ).await?;
    let mut place = Place::new(environment_id, organization_id);
    let mut all = Vec::new();
    for role in assigned {
        let own = ways.iter().filter(|way| way.role_id == role.id);
        let directly = own.clone().any(|way| way.group.is_none());
        let groups = own.filter_map(|way| way.group.clone()).collect();
        all.extend(place.show(conn, role).await?.map(|role| Held { role, directly, groups }));
    }
    Ok(all)
}

/// What the caller is about to take from themselves, by the ids that count in the organization.
#[derive(Debug, Clone, Copy)]
pub enum Without<'a> {
    /// A role that they have themselves.
    Own(RoleId),
    /// A role that a group has.
    OfGroup(RoleId, UserGroupId),
    /// That they are in a group.
    Group(UserGroupId),
    /// A role altogether.
    Role(RoleId),
    /// What a role permits, but this.
    Permissions(RoleId, &'a BTreeSet<String>),
}

/// What somebody would not have any more of the rights to administer an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost {
    /// The rights that are lost.
    pub permissions: BTreeSet<String>,
    /// Whether none is left.
    pub is_all: bool,
}

/// What the caller would lose in an organization; nothing for who is no user of it. It tells of nobody but the caller.
pub async fn lost_without(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    without: Without<'_>,
) -> Result<Lost> {
    let Subject::User(user_id) = principal.subject else { return Ok(Lost::default()) };
    let environment_id = principal.environment()?;
    let held = list(&mut state.db.read().await?, environment_id, organization_id, user_id).await?;
    let counts = |name: &&String| ManagementScope::parse(name).is_some_and(|scope| scope.in_organization);
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    for one in &held {
        before.extend(one.role.role.permissions.iter().filter(counts).cloned());
        let left = left(one, without);
        after.extend(left.into_iter().flatten().filter(counts).cloned());
    }
    let permissions = &before - &after;
    Ok(Lost { is_all: after.is_empty() && !permissions.is_empty(), permissions })
}

/// What a role still permits somebody; `None`: they do not have it any more.
fn left<'a>(held: &'a Held, without: Without<'a>) -> Option<&'a BTreeSet<String>> {
    let (id, permissions) = (held.role.id, &held.role.role.permissions);
    let others = |gone: UserGroupId| held.groups.iter().any(|(group, _)| *group != gone);
    let stays = match without {
        Without::Own(role) => role != id || !held.groups.is_empty(),
        Without::OfGroup(role, group) => role != id || held.directly || others(group),
        Without::Group(group) => held.directly || others(group),
        Without::Role(role) => role != id,
        Without::Permissions(role, _) if role != id => true,
        Without::Permissions(_, kept) => return Some(kept),
    };
    stays.then_some(permissions)
}
