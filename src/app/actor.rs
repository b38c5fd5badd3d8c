//! The authenticated caller of a use case, its environment, and what it is authorised to do there.

use std::net::IpAddr;

use base::id::{AdministratorId, ApiKeyId, EnvironmentId, OrganizationId, SetupLinkId};
use model::{administrator::Role, api_key::ApiKey};

use super::{
    Error, Result,
    permissions::{Action, Administrators, Scope},
};

/// An authenticated caller, not bound to an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// How it authenticated.
    pub credential: Credential,
    /// The address of the client, if the call came over the network.
    pub address: Option<IpAddr>,
}

impl Principal {
    /// The operator, at the server's command line.
    pub const OPERATOR: Self = Self { credential: Credential::Operator, address: None };

    /// This caller in an environment.
    pub fn in_environment(self, environment_id: EnvironmentId) -> Actor {
        Actor { environment_id, principal: self }
    }

    /// Requires a recent authentication for actions whose effect outlives the session: a role, a link, a key
    /// (ASVS 5.0 §7.5.1). It concerns administrators only: every other caller authenticates with each call.
    pub fn require_recent_authentication(&self) -> Result<()> {
        match self.credential {
            Credential::Administrator { recently_authenticated: false, .. } => {
                Err(Error::FailedPrecondition(
                    "confirm on the page of your account that it is you, then do this again".into(),
                ))
            }
            _ => Ok(()),
        }
    }
}

/// An authenticated caller in one environment. It can reach the resources of this environment only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    environment_id: EnvironmentId,
    principal: Principal,
}

/// How a caller authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// With an API key.
    ApiKey {
        /// The key.
        id: ApiKeyId,
        /// Whether the key may use the management API.
        management: bool,
    },
    /// With a console session.
    Administrator {
        /// The administrator.
        id: AdministratorId,
        /// Their role in the environment.
        role: Role,
        /// Whether the role applies to every environment, including future ones.
        everywhere: bool,
        /// Whether they authenticated in the last minutes, at sign-in or since.
        recently_authenticated: bool,
    },
    /// With a setup link: the customer's own IT admin.
    SetupLink(SetupGrant),
    /// At the server's command line.
    Operator,
    /// A background job of the service itself.
    Service,
}

/// What the holder of a setup link may manage: parts of one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetupGrant {
    /// The link.
    pub id: SetupLinkId,
    /// The organization it is for.
    pub organization_id: OrganizationId,
    /// Whether SAML connections may be set up.
    pub saml: bool,
    /// Whether SCIM directories may be set up.
    pub scim: bool,
    /// Whether domains may be requested and verified.
    pub domains: bool,
}

/// What an action is done on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// What belongs to the environment itself, or to all of its organizations.
    Environment,
    /// What belongs to this organization.
    Organization(OrganizationId),
    /// What belongs to an organization that is known only when it has been read: before that. A caller who is confined to one
    /// organization is decided upon afterwards.
    AnyOrganization,
}

impl Principal {
    /// Authorises an action that concerns every environment.
    pub fn authorize_everywhere(&self, action: Action) -> Result<()> {
        self.check(action, None)
    }

    fn check(&self, action: Action, on: Option<On>) -> Result<()> {
        let permission = action.permission();
        let (Administrators::WithRole(least), Some(on)) = (permission.administrators, on) else {
            return match (permission.administrators, self.credential) {
                (
                    Administrators::GlobalOwners,
                    Credential::Operator
                    | Credential::Administrator { role: Role::Owner, everywhere: true, .. },
                ) => Ok(()),
                _ => Err(Error::Forbidden(
                    "this takes an owner of every environment; ask one of them, or use the command line"
                        .into(),
                )),
            };
        };
        match self.credential {
            Credential::Operator | Credential::Service => Ok(()),
            Credential::Administrator { role, .. } if role >= least => Ok(()),
            Credential::Administrator { role: Role::Viewer, .. } => Err(Error::Forbidden(
                "you may look at this environment, but not change it; ask an owner for the role admin".into(),
            )),
            Credential::Administrator { .. } => {
                Err(Error::Forbidden("this takes an owner of the environment; ask one of them".into()))
            }
            Credential::ApiKey { management, .. } => {
                match permission.scopes.contains(&Scope::App)
                    || management && permission.scopes.contains(&Scope::Management)
                {
                    true => Ok(()),
                    // 401, not 403: as SSOReady answers and its SDKs expect.
                    false => Err(Error::Unauthenticated(
                        "api key is not authorized to access management api".into(),
                    )),
                }
            }
            Credential::SetupLink(grant) => grant.check(permission.scopes, on),
        }
    }
}

impl SetupGrant {
    fn check(&self, scopes: &[Scope], on: On) -> Result<()> {
        let Some(part) = scopes.iter().copied().find_map(Scope::organization_part) else {
            return Err(Error::Forbidden("a setup link gives access only to what it was created for".into()));
        };
        match on {
            On::AnyOrganization => Ok(()),
            On::Environment => {
                Err(Error::Forbidden("a setup link gives access only to what it was created for".into()))
            }
            On::Organization(id) if id != self.organization_id => Err(Error::not_found("organization", id)),
            On::Organization(_)
                if self.saml && scopes.contains(&Scope::Saml)
                    || self.scim && scopes.contains(&Scope::Scim)
                    || self.domains && scopes.contains(&Scope::Domains) =>
            {
                Ok(())
            }
            On::Organization(_) => {
                Err(Error::Forbidden(format!("this setup link gives no access to {part}").into()))
            }
        }
    }
}

impl Actor {
    /// Authorises an action. Returns the environment. What belongs to another organization than the caller's is answered
    /// as if it were not there.
    pub fn authorize(&self, action: Action, on: On) -> Result<EnvironmentId> {
        self.principal.check(action, Some(on))?;
        Ok(self.environment_id)
    }

    /// Requires an API key that was given for this.
    pub fn require_scope(&self, scope: Scope) -> Result<()> {
        match self.principal.credential {
            Credential::ApiKey { management, .. } if management || scope == Scope::App => Ok(()),
            // 401, not 403: as SSOReady answers and its SDKs expect.
            _ => Err(Error::Unauthenticated("api key is not authorized to access management api".into())),
        }
    }

    /// The holder of this API key.
    pub fn from_api_key(key: &ApiKey) -> Self {
        Self::new(key.environment_id, Credential::ApiKey { id: key.id, management: key.management })
    }

    /// The operator of the service, in this environment.
    pub fn operator(environment_id: EnvironmentId) -> Self {
        Self::new(environment_id, Credential::Operator)
    }

    /// A background job of the service itself, in this environment.
    pub fn service(environment_id: EnvironmentId) -> Self {
        Self::new(environment_id, Credential::Service)
    }

    /// The holder of a setup link.
    pub fn setup_link(environment_id: EnvironmentId, grant: SetupGrant) -> Self {
        Self::new(environment_id, Credential::SetupLink(grant))
    }

    fn new(environment_id: EnvironmentId, credential: Credential) -> Self {
        Self { environment_id, principal: Principal { credential, address: None } }
    }

    /// The same actor with the client's address.
    pub fn at(mut self, address: Option<IpAddr>) -> Self {
        self.principal.address = address;
        self
    }

    /// The caller without its environment.
    pub fn principal(&self) -> Principal {
        self.principal
    }

    /// How the caller authenticated.
    pub fn credential(&self) -> Credential {
        self.principal.credential
    }

    /// The caller's environment. This authorises nothing.
    pub fn environment(&self) -> EnvironmentId {
        self.environment_id
    }

    /// Requires that this is the caller's environment. Every other environment is not found.
    pub fn require_environment(&self, environment_id: EnvironmentId) -> Result<()> {
        if environment_id == self.environment_id {
            return Ok(());
        }
        Err(Error::not_found("environment", environment_id))
    }
}
