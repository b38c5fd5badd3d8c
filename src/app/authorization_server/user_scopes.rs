//! The scopes of users' tokens: WSO2's management scopes count as far as the roles give them that the user has where the token is good.

use base::id::{ApplicationId, EnvironmentId, OrganizationId, UserId};
use model::organization::root_id;

use super::scopes::ManagementScope;
use crate::{
    app::{Result, roles},
    store::Conn,
};

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
