//! Which roles a user has, and which they can be given: what their page shows of them.

use model::{organization::root_id, user::User};

use crate::{
    app::{
        Result,
        authorization_server::scopes::ManagementScope,
        permissions,
        roles::{self, Held, RoleFilter, VisibleRole},
    },
    web::console::kit::context::EnvironmentContext,
};

/// How many roles are offered for choice.
const MAX_OFFERED: usize = 500;

/// The roles of a user, and those that they can be given.
pub(in crate::web::console) struct UserRoles {
    /// Those that they have.
    pub held: Vec<Held>,
    /// Those that whoever sees the page may give them; `None`: they may give none.
    pub offered: Option<Vec<VisibleRole>>,
}

/// What the page shows of roles; `None` for whom they are none of their business.
pub(super) async fn load(context: &EnvironmentContext, user: &User) -> Result<Option<UserRoles>> {
    if !context.may(permissions::Action::RolesView) {
        return Ok(None);
    }
    let (state, principal) = (&context.state, &context.principal);
    let held = roles::held_by(state, principal, user).await?;
    if !context.may(permissions::Action::RolesManage) {
        return Ok(Some(UserRoles { held, offered: None }));
    }
    let organization_id = user.organization_id;
    let may_give = roles::may_give(state, principal, organization_id).await?;
    let in_organization = organization_id != root_id(context.environment.id);
    let counts = |name: &&String| {
        ManagementScope::parse(name).is_some_and(|scope| scope.in_organization == in_organization)
    };
    let is_given = |role: &VisibleRole| {
        let mut permissions = role.role.permissions.iter().filter(counts);
        may_give.as_ref().is_none_or(|own| permissions.all(|name| own.contains(name)))
    };
    let has = |role: &VisibleRole| held.iter().any(|held| held.directly && held.role.id == role.id);
    let all = roles::list(state, principal, organization_id, &RoleFilter::ALL).await?;
    let offered = all.into_iter().filter(|role| is_given(role) && !has(role)).take(MAX_OFFERED).collect();
    Ok(Some(UserRoles { held, offered: Some(offered) }))
}
