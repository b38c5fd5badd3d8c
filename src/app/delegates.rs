//! Who administers an organization from within: its users, and those of the vendor's root who have an image there, by their roles; and
//! its members whose tier says so.

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::{
    organization::{Organization, root_id},
    user::User,
};

use super::{
    Error, Result, State,
    accounts::{associations, self_service::SignedIn},
    authorization_server::{issuers, scopes::ManagementScope},
    members,
    permissions::{Scope, Scopes},
    principal::Principal,
    roles,
};
use crate::store::{Conn, memberships, table, tenants};

/// How many organizations of one user are listed.
const MAX_ADMINISTERED: i64 = 100;

/// What somebody may do by their membership, in words.
const BY_TIER: &str =
    "Members, invitations, domains, single sign-on and user provisioning of the organization";

/// Somebody who administers an organization, as far as their roles there permit.
#[derive(Clone)]
pub struct Delegate {
    /// The user with their session.
    pub signed_in: SignedIn,
    /// The organization.
    pub organization: Organization,
    /// They as who does it, by their image where they have one: confined to the organization, and to what their roles permit.
    pub principal: Principal,
    /// What their roles permit there, in words.
    pub rights: Vec<&'static str>,
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
    let organization: Option<Organization> = table::find(&mut conn, environment_id, organization_id).await?;
    let organization = organization.ok_or_else(|| Error::not_found("organization", organization_id))?;
    let acting = associations::acting_in(&mut conn, user, organization_id).await?;
    let rights = match acting {
        Some(acting) => rights_of(&mut conn, environment_id, organization_id, acting).await?,
        None => Vec::new(),
    };
    let amr = &signed_in.session.context.amr;
    let by_tier = members::administers(&mut conn, user, &organization, amr).await?;
    let scopes = match (scopes_by(&rights), by_tier) {
        (None, None) => return Ok(Standing::Nothing),
        (Some(scopes), None) | (None, Some(scopes)) => scopes,
        (Some(roles), Some(tier)) => roles.union(tier),
    };
    let mut rights: Vec<&'static str> = rights.iter().map(|right| right.meaning).collect();
    rights.dedup();
    if by_tier.is_some() {
        rights.insert(0, BY_TIER);
    }
    // Somebody without an image there is a member as who they are.
    let acting = acting.unwrap_or(user.id);
    let principal = Principal::user(acting, environment_id)
        .at(signed_in.device().address)
        .authenticated(signed_in.session.authenticated_at)
        .with_token(scopes, Some(organization_id));
    Ok(Standing::Administers(Box::new(Delegate { signed_in, organization, principal, rights })))
}

/// An organization that somebody administers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administered {
    /// Its name for people; may be empty.
    pub name: String,
    /// What stands for it in paths.
    pub segment: String,
}

/// The organizations that a user administers: their own, and up to 100 of those in which they have an image, by their roles; and up to
/// 100 of those of which they are the owner or an administrator.
pub async fn administered_by(state: &State, user: &User) -> Result<Vec<Administered>> {
    let environment_id = user.environment_id;
    let mut conn = state.db.read().await?;
    let mut places = vec![(user.organization_id, user.id)];
    let images = associations::of_resident(&mut conn, environment_id, user.id, None).await?;
    places.extend(images.into_iter().map(|image| (image.organization_id, image.user_id)));
    let mut by_roles: Vec<OrganizationId> = Vec::new();
    for (organization_id, user_id) in places {
        if organization_id == root_id(environment_id)
            || scopes_of(&mut conn, environment_id, organization_id, user_id).await?.is_none()
        {
            continue;
        }
        by_roles.push(organization_id);
    }
    let memberships =
        memberships::list_by_user(&mut conn, environment_id, user.id, None, MAX_ADMINISTERED).await?;
    let by_tier = memberships.into_iter().filter(|own| own.is_active() && own.tier.administers());
    let by_tier = by_tier.map(|own| own.organization_id).filter(|id| *id != root_id(environment_id));
    let others: Vec<OrganizationId> = by_tier.filter(|id| !by_roles.contains(id)).collect();
    let mut found = Vec::new();
    for organization_id in by_roles.into_iter().chain(others) {
        let organization = tenants::find_organization(&mut conn, environment_id, organization_id).await?;
        found.extend(organization.map(|organization| {
            let alias = organization.public_alias.as_deref();
            Administered {
                name: organization.shown_name().to_owned(),
                segment: issuers::organization_segment(environment_id, organization.id, alias),
            }
        }));
    }
    Ok(found)
}

/// What a user may do now in an organization of theirs, by their id there; nothing if they, or who they are at home, may not sign in.
pub async fn scopes_now(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Scopes> {
    let mut id = user_id;
    for _ in 0..2 {
        let user: Option<User> = table::find(conn, environment_id, id).await?;
        let Some(user) = user.filter(|user| user.status.is_active()) else { return Ok(Scopes::NONE) };
        match user.shadow_of {
            Some(resident) => id = resident,
            None => break,
        }
    }
    let scopes = scopes_of(conn, environment_id, organization_id, user_id).await?;
    Ok(scopes.unwrap_or(Scopes::NONE))
}

/// What the roles of a user in an organization permit here; `None` if nothing.
async fn scopes_of(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Option<Scopes>> {
    Ok(scopes_by(&rights_of(conn, environment_id, organization_id, user_id).await?))
}

/// The rights in an organization that the roles of a user give them.
async fn rights_of(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Vec<ManagementScope>> {
    let permissions = roles::permissions_of(conn, environment_id, organization_id, user_id).await?;
    let known = permissions.iter().filter_map(|name| ManagementScope::parse(name));
    Ok(known.filter(|scope| scope.in_organization).collect())
}

/// What these rights permit; `None`: nothing.
fn scopes_by(rights: &[ManagementScope]) -> Option<Scopes> {
    let scopes: Scopes = rights.iter().map(|scope| scope.permits).collect();
    // Whoever administers anything of it knows the organization itself.
    (scopes != Scopes::NONE).then(|| scopes.with(Scope::OrganizationsView))
}
