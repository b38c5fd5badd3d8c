//! The scopes of users' tokens: WSO2's management scopes count as far as the roles give them that the user has where the token is good.

use base::id::{ApplicationId, EnvironmentId, OrganizationId, UserId};
use model::{organization::root_id, user::User};

use super::scopes::ManagementScope;
use crate::{
    app::{Result, State, accounts::associations, roles},
    store::{Conn, table},
};

/// Of the scopes that a user's token was given for, those that their roles give them now: a role that was taken away is not waited
/// out. Nothing where they are no user of the organization any more.
pub async fn current(
    state: &State,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
    user_id: UserId,
    client_id: Option<ApplicationId>,
    scope: &str,
) -> Result<String> {
    let mut conn = state.db.read().await?;
    let user: Option<User> = table::find(&mut conn, environment_id, user_id).await?;
    let Some(user) = user else { return Ok(String::new()) };
    let acting = associations::acting_in(&mut conn, &user, organization_id).await?;
    match (acting, client_id) {
        (Some(acting), Some(client_id)) => {
            permitted(&mut conn, (environment_id, organization_id), acting, client_id, scope).await
        }
        _ => Ok(String::new()),
    }
}

/// Of these scopes those that a token may carry by which a user acts in an organization, the root too, as the user with this id there.
/// The others are left out: the response says what was granted.
pub(super) async fn permitted(
    conn: &mut Conn,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
    user_id: UserId,
    client_id: ApplicationId,
    scope: &str,
) -> Result<String> {
    let scopes = || scope.split(' ').filter(|scope| !scope.is_empty());
    if scopes().all(|scope| ManagementScope::parse(scope).is_none()) {
        return Ok(scope.to_owned());
    }
    let in_organization = organization_id != root_id(environment_id);
    let given =
        roles::permissions_in_application(conn, environment_id, organization_id, user_id, client_id).await?;
    let counts = |scope: &&str| {
        ManagementScope::parse(scope)
            .is_none_or(|known| known.in_organization == in_organization && given.contains(*scope))
    };
    Ok(scopes().filter(counts).collect::<Vec<_>>().join(" "))
}
