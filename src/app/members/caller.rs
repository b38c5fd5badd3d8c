//! Who calls: a user of the vendor's own pools in a session of theirs, or a service client of the system workspace; and what they are
//! to an organization.
//!
//! A user is in an organization what their membership says. Tenant administrators and service clients are its owner, everywhere in
//! the environment. Where somebody is nothing, an organization that exists and one that does not are answered alike.

use std::net::IpAddr;

use base::{
    id::{EnvironmentId, IdKind as _, OrganizationId, OrganizationKind, UserId, UserSessionId},
    time::Timestamp,
};
use model::{
    membership::{Membership, Tier},
    organization::{Organization, root_id},
    user::User,
};

use crate::{
    app::{
        Error, Result, State,
        authorization_server::{
            access_tokens::{Authenticated, TokenSubject},
            scopes,
            sign_in::under_way::MULTI_FACTOR,
        },
        organizations::reference,
        permissions::{Scope, Scopes},
        principal::Principal,
    },
    store::{Conn, memberships, table},
};

/// What a membership of this tier permits in its organization.
pub fn scopes_of(tier: Tier) -> Scopes {
    let scopes = Scopes::NONE.with(Scope::Member);
    match tier {
        Tier::Member => scopes,
        Tier::Admin => scopes.with(Scope::OrganizationAdmin),
        Tier::Owner => scopes.with(Scope::OrganizationAdmin).with(Scope::OrganizationOwner),
    }
}

/// What a tenant administrator may do everywhere in the environment.
fn tenant_admin_scopes() -> Scopes {
    scopes_of(Tier::Owner).with(Scope::SignedIn).with(Scope::OrganizationsManage).with(Scope::AuditEvents)
}

/// A caller of the environment. It is authenticated, and may do nothing in an organization before [`Caller::enter`].
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is, in the environment: with what they may do in no organization or in all of them.
    pub principal: Principal,
    /// The user; `None` for a service client.
    pub user: Option<SessionUser>,
    /// Whether they have an owner's rights in every organization; with less, a service client may only read.
    everywhere: bool,
}

/// A user who calls, in a session.
#[derive(Debug, Clone)]
pub struct SessionUser {
    /// The user.
    pub id: UserId,
    /// The session.
    pub session_id: UserSessionId,
    /// How they authenticated (RFC 8176).
    pub amr: Vec<String>,
    /// When they authenticated.
    pub authenticated_at: Timestamp,
    /// The organization in which the token is good; `None`: their personal context.
    pub organization_id: Option<OrganizationId>,
    /// Whether they administer the whole environment.
    pub tenant_admin: bool,
}

/// What a caller is to an organization.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The organization.
    pub organization: Organization,
    /// The caller as who does it: confined to the organization unless they have its owner's rights everywhere. It authorises
    /// (`principal.authorize(Action::…, On::Organization(id))`).
    pub principal: Principal,
    /// The membership of a user who has one there.
    pub membership: Option<Membership>,
    /// Whether they have an owner's rights everywhere: tenant administrators and service clients.
    pub everywhere: bool,
    /// The user; `None` for a service client.
    pub user: Option<SessionUser>,
}

impl Standing {
    /// The tier as which they act: an owner's for those who have its rights everywhere.
    pub fn tier(&self) -> Tier {
        match &self.membership {
            _ if self.everywhere => Tier::Owner,
            Some(membership) => membership.tier,
            None => Tier::Member,
        }
    }

    /// The role that an organization shows them: that of their membership.
    pub fn role(&self) -> Option<Tier> {
        self.membership.as_ref().map(|membership| membership.tier)
    }

    /// The environment and the organization.
    pub fn place(&self) -> (EnvironmentId, OrganizationId) {
        (self.organization.environment_id, self.organization.id)
    }
}

/// The refusal of a token that counts, and is none of this API's.
fn wrong_token() -> Error {
    Error::Unauthenticated("the access token is of another issuer, or was given to an application".into())
}

impl Caller {
    /// The caller with this token: a session of a user of the vendor's own pools, or a service client of the system workspace. What an
    /// application was given for somebody does not act for them here.
    pub async fn of_token(state: &State, token: &Authenticated, address: Option<IpAddr>) -> Result<Self> {
        let environment_id = token.tenant.environment_id;
        match token.subject {
            TokenSubject::Client(client) if token.is_of_system() => {
                let given = scopes::permissions(token.scopes());
                let everywhere = given.contains(Scope::OrganizationsManage);
                let given = if everywhere { given.union(tenant_admin_scopes()) } else { given };
                let principal = Principal::application(client, environment_id, given).at(address);
                Ok(Self { principal, user: None, everywhere })
            }
            TokenSubject::User(id) if token.client_id.is_none() => {
                let (Some(session_id), Some(authenticated_at)) = (token.session_id, token.authenticated_at())
                else {
                    return Err(wrong_token());
                };
                let mut conn = state.db.read().await?;
                let user: Option<User> = table::find(&mut conn, environment_id, id).await?;
                let root = root_id(environment_id);
                let at_home = |user: &User| user.may_sign_in() && user.organization_id == root;
                if !user.is_some_and(|user| at_home(&user)) {
                    return Err(wrong_token());
                }
                let tenant_admin = is_tenant_admin(&mut conn, environment_id, id, session_id).await?;
                let given = match tenant_admin {
                    true => tenant_admin_scopes(),
                    false => Scopes::NONE.with(Scope::SignedIn),
                };
                let principal = Principal::user(id, environment_id)
                    .at(address)
                    .authenticated(authenticated_at)
                    .with_token(given, None);
                let user = SessionUser {
                    id,
                    session_id,
                    amr: token.claims.amr.clone(),
                    authenticated_at,
                    organization_id: token.organization_id.filter(|id| *id != root),
                    tenant_admin,
                };
                Ok(Self { principal, user: Some(user), everywhere: tenant_admin })
            }
            TokenSubject::Client(_) | TokenSubject::User(_) => Err(wrong_token()),
        }
    }

    /// The environment.
    pub fn environment_id(&self) -> Result<EnvironmentId> {
        self.principal.environment()
    }

    /// The user who calls. A service client is none.
    pub fn require_user(&self) -> Result<&SessionUser> {
        self.user.as_ref().ok_or_else(|| Error::Forbidden("only a user can do this, in a session".into()))
    }

    /// Whether the caller sees every organization of the environment: tenant administrators and service clients.
    pub fn sees_all(&self) -> bool {
        self.everywhere || self.user.is_none()
    }

    /// What the caller is to the organization that a text names, by its id in any encoding or its alias. [`Error::NotFound`]: there is
    /// none such, it is a template, or the caller is nothing there.
    pub async fn enter(&self, state: &State, reference: &str) -> Result<Standing> {
        let environment_id = self.environment_id()?;
        let not_found = || Error::not_found(OrganizationKind::NOUN, "");
        let id =
            reference::resolve_existing(state, environment_id, reference).await?.ok_or_else(not_found)?;
        let mut conn = state.db.read().await?;
        self.standing(&mut conn, id).await?.ok_or_else(not_found)
    }

    /// Whether the organization wants a second factor of those who administer it, and the session was begun without one.
    fn lacks_second_factor(&self, organization: &Organization, membership: &Membership) -> bool {
        let has_one = |user: &SessionUser| user.amr.iter().any(|method| method == MULTI_FACTOR);
        organization.require_admin_mfa
            && membership.tier.administers()
            && !self.user.as_ref().is_some_and(has_one)
    }

    /// What the caller is to an organization; `None`: nothing, or there is none such.
    pub async fn standing(&self, conn: &mut Conn, id: OrganizationId) -> Result<Option<Standing>> {
        let environment_id = self.environment_id()?;
        let organization: Option<Organization> = table::find(conn, environment_id, id).await?;
        let Some(organization) = organization.filter(|organization| !organization.template) else {
            return Ok(None);
        };
        let membership = match &self.user {
            Some(user) => memberships::find(conn, environment_id, id, user.id).await?,
            None => None,
        };
        let membership = membership.filter(Membership::is_active);
        let principal = match &membership {
            _ if self.sees_all() => self.principal,
            Some(membership) if self.lacks_second_factor(&organization, membership) => {
                let principal = self.principal.with_token(scopes_of(Tier::Member), Some(id));
                principal.without_second_factor()
            }
            Some(membership) => self.principal.with_token(scopes_of(membership.tier), Some(id)),
            None => return Ok(None),
        };
        let (everywhere, user) = (self.everywhere, self.user.clone());
        Ok(Some(Standing { organization, principal, membership, everywhere, user }))
    }
}

/// Whether a user administers the whole environment: by an active membership of the root, or by the word of the operator who began the
/// session.
async fn is_tenant_admin(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: UserId,
    session_id: UserSessionId,
) -> Result<bool> {
    let membership = memberships::find(conn, environment_id, root_id(environment_id), id).await?;
    if membership.is_some_and(|membership| membership.is_active() && membership.tier.administers()) {
        return Ok(true);
    }
    Ok(crate::store::sessions::is_tenant_admin(conn, id, session_id).await?)
}
