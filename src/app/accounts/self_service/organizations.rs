//! The organizations that a user of the root's pools belongs to: seen, left, and handed over by their owner.

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::{
    branding::plain_name,
    identity_pool::IdentityPool,
    membership::{Membership, Tier},
    organization::{Organization, root_id},
    user::User,
};

use super::SignedIn;
use crate::{
    app::{
        Error, Result, State,
        accounts::user_credentials::find_registered,
        authorization_server::issuers::organization_segment,
        members::{Standing, manage, ownership},
    },
    store::{Conn, identity_pools, memberships, table},
};

/// How many are shown.
const MAX_SHOWN: i64 = 100;

/// An organization that somebody belongs to.
#[derive(Debug, Clone)]
pub struct OwnOrganization {
    /// The organization.
    pub id: OrganizationId,
    /// Its name, among other words.
    pub name: String,
    /// What stands for it in paths.
    pub segment: String,
    /// Whether it is switched off.
    pub disabled: bool,
    /// What they are there.
    pub membership: Membership,
}

impl OwnOrganization {
    /// Whether they administer it now.
    pub fn administers(&self) -> bool {
        self.membership.is_active() && self.membership.tier.administers() && !self.disabled
    }

    /// Whether it is theirs: they hand it over before they leave.
    pub fn is_owner(&self) -> bool {
        self.membership.tier == Tier::Owner
    }
}

/// The organizations of a user, but for the one whose account it is.
pub async fn list(state: &State, signed_in: &SignedIn) -> Result<Vec<OwnOrganization>> {
    let user = signed_in.user();
    list_of(&mut state.db.read().await?, user).await
}

pub(super) async fn list_of(conn: &mut Conn, user: &User) -> Result<Vec<OwnOrganization>> {
    let environment_id = user.environment_id;
    let found = memberships::list_by_user(conn, environment_id, user.id, None, MAX_SHOWN).await?;
    let mut all = Vec::new();
    for membership in found {
        let id = membership.organization_id;
        if id == root_id(environment_id) || id == user.organization_id {
            continue;
        }
        let organization: Option<Organization> = table::find(conn, environment_id, id).await?;
        all.extend(organization.map(|organization| own(environment_id, &organization, membership)));
    }
    all.sort_by_key(|own| own.name.to_lowercase());
    Ok(all)
}

fn own(
    environment_id: EnvironmentId,
    organization: &Organization,
    membership: Membership,
) -> OwnOrganization {
    let alias = organization.public_alias.as_ref().map(|alias| alias.as_str());
    let name = match plain_name(organization.shown_name()) {
        name if name.is_empty() => organization.id.to_string(),
        name => name,
    };
    OwnOrganization {
        id: organization.id,
        name,
        segment: organization_segment(environment_id, organization.id, alias),
        disabled: organization.is_disabled(),
        membership,
    }
}

/// One of them. [`Error::NotFound`] of any other one.
pub async fn find(state: &State, signed_in: &SignedIn, id: OrganizationId) -> Result<OwnOrganization> {
    let all = list(state, signed_in).await?;
    all.into_iter().find(|own| own.id == id).ok_or_else(|| Error::not_found("organization", id))
}

/// Leaves one of them.
pub async fn leave(state: &State, signed_in: &SignedIn, id: OrganizationId) -> Result<()> {
    let own = find(state, signed_in, id).await?;
    let standing = Standing::of_session(state, signed_in, own.id).await?;
    manage::remove(state, &standing, signed_in.user().id, false).await
}

/// Hands one of them over to the active member who has this address.
pub async fn transfer(state: &State, signed_in: &SignedIn, id: OrganizationId, address: &str) -> Result<()> {
    signed_in.require_recent(state)?;
    let own = find(state, signed_in, id).await?;
    let unknown = || Error::invalid("address", "nobody with this address is a member of the organization");
    let user = find_member(&mut state.db.read().await?, &own, address).await?.ok_or_else(unknown)?;
    let standing = Standing::of_session(state, signed_in, own.id).await?;
    ownership::transfer(state, &standing, user, Tier::Admin).await.map(drop)
}

/// The member of an organization with this address: somebody of its own pool or of the root's.
async fn find_member(conn: &mut Conn, own: &OwnOrganization, address: &str) -> Result<Option<UserId>> {
    let environment_id = own.membership.environment_id;
    for organization in [root_id(environment_id), own.id] {
        let pool: Option<IdentityPool> =
            identity_pools::find_first(conn, environment_id, organization).await?;
        let Some(pool) = pool else { continue };
        let Some(user) = find_registered(conn, &pool, address.trim()).await? else { continue };
        if memberships::find(conn, environment_id, own.id, user.id).await?.is_some() {
            return Ok(Some(user.id));
        }
    }
    Ok(None)
}
