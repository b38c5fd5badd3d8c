//! The scopes of users' tokens: WSO2's management scopes count as far as the roles give them that the user has where the token is good. So do
//! an application's own scopes that a role permits (WSO2's policy RBAC); those that none does are everybody's (its policy NO POLICY).

use std::collections::BTreeSet;

use base::id::{ApplicationId, EnvironmentId, OrganizationId, UserId};
use model::{organization::root_id, user::User};

use super::scopes::ManagementScope;
use crate::{
    app::{Result, State, accounts::associations, roles},
    store::{self, Conn, table},
};

/// The scopes of OpenID Connect, which say what is told of the user (Core 1.0 §5.4, §11): no role gives them.
const OPENID_SCOPES: [&str; 6] = ["address", "email", "offline_access", "openid", "phone", "profile"];

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
    if scopes().all(|scope| OPENID_SCOPES.contains(&scope)) {
        return Ok(scope.to_owned());
    }
    let is_own = |scope: &str| !OPENID_SCOPES.contains(&scope) && ManagementScope::parse(scope).is_none();
    let by_role = match scopes().any(is_own) {
        true => store::roles::list_ever_permitted(conn, environment_id, client_id).await?,
        false => BTreeSet::new(),
    };
    if scopes().all(|scope| ManagementScope::parse(scope).is_none() && !by_role.contains(scope)) {
        return Ok(scope.to_owned());
    }
    let in_organization = organization_id != root_id(environment_id);
    let given =
        roles::permissions_in_application(conn, environment_id, organization_id, user_id, client_id).await?;
    let counts = |scope: &&str| match ManagementScope::parse(scope) {
        Some(known) => known.in_organization == in_organization && given.contains(*scope),
        None => !is_own(scope) || !by_role.contains(*scope) || given.contains(*scope),
    };
    Ok(scopes().filter(counts).collect::<Vec<_>>().join(" "))
}
