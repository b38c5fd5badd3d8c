//! Who administers an organization from within: its users, and those of the vendor's root who have an image there, by their roles.

use base::id::{EnvironmentId, OrganizationId};
use model::organization::Organization;

use super::{
    Error, Result, State,
    accounts::{associations, self_service::SignedIn},
    authorization_server::scopes::ManagementScope,
    permissions::{Scope, Scopes},
    principal::Principal,
    roles,
};
use crate::store::{Conn, table};

/// Somebody who administers an organization, as far as their roles there permit.
#[derive(Clone)]
pub struct Delegate {
    /// The user with their session.
    pub signed_in: SignedIn,
    /// The organization.
    pub organization: Organization,
    /// They as who does it: confined to the organization, and to what their roles permit.
    pub principal: Principal,
}

/// What somebody who is signed in is to an organization.
pub enum Standing {
    /// They administer it.
    Administers(Box<Delegate>),
    /// None of their roles there permits anything here.
    Nothing,
}

/// What a user is to an organization: one of its own, or one of the root with an image there.
pub async fn standing(
    state: &State,
    organization_id: OrganizationId,
    signed_in: SignedIn,
) -> Result<Standing> {
    let user = signed_in.user();
    let environment_id = user.environment_id;
    let mut conn = state.db.read().await?;
    let Some(acting) = associations::acting_in(&mut conn, user, organization_id).await? else {
        return Ok(Standing::Nothing);
    };
    let scopes = scopes_of(&mut conn, environment_id, organization_id, acting).await?;
    let Some(scopes) = scopes else { return Ok(Standing::Nothing) };
    let organization: Option<Organization> = table::find(&mut conn, environment_id, organization_id).await?;
    let organization = organization.ok_or_else(|| Error::not_found("organization", organization_id))?;
    let principal = Principal::user(user.id, environment_id)
        .at(signed_in.device().address)
        .authenticated(signed_in.session.authenticated_at)
        .with_token(scopes, Some(organization_id));
    Ok(Standing::Administers(Box::new(Delegate { signed_in, organization, principal })))
}

/// What the roles of a user in an organization permit here; `None` if nothing.
async fn scopes_of(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: base::id::UserId,
) -> Result<Option<Scopes>> {
    let permissions = roles::permissions_of(conn, environment_id, organization_id, user_id).await?;
    let known = permissions.iter().filter_map(|name| ManagementScope::parse(name));
    let scopes: Scopes = known.filter(|scope| scope.in_organization).map(|scope| scope.permits).collect();
    // Whoever administers anything of it knows the organization itself.
    Ok((scopes != Scopes::NONE).then(|| scopes.with(Scope::OrganizationsView)))
}
