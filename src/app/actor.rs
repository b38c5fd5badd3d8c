//! Who asks, and in which environment: every use case that reads or changes something begins here.

use std::net::IpAddr;

use super::{Error, Result};
use crate::model::{
    administrator::Role,
    api_key::ApiKey,
    id::{AdministratorId, ApiKeyId, EnvironmentId, OrganizationId, SetupLinkId},
};

/// A caller who proved who it is, wherever it then goes to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// How it proved who it is.
    pub credential: Credential,
    /// From which address, where there is one.
    pub address: Option<IpAddr>,
}

impl Author {
    /// The operator, at the server's own command line.
    pub const OPERATOR: Self = Self { credential: Credential::Operator, address: None };

    /// This caller at work in an environment.
    pub fn in_environment(self, environment_id: EnvironmentId) -> Actor {
        Actor { environment_id, author: self }
    }

    /// Refuses what goes on opening something when the session is over (a role, a link, a key), unless it was proved
    /// lately who sits at the browser (ASVS 5.0 §7.5.1). Every other caller proves it with each call.
    pub fn proved_lately(&self) -> Result<()> {
        match self.credential {
            Credential::Administrator { proved_lately: false, .. } => Err(Error::FailedPrecondition(
                "confirm on the page of your account that it is you, then do this again".into(),
            )),
            _ => Ok(()),
        }
    }

    /// Whether the caller may make environments and say who administers all of them: the operator, and
    /// whoever owns every environment.
    pub fn owns_everything(&self) -> Result<()> {
        match self.credential {
            Credential::Operator | Credential::Administrator { role: Role::Owner, everywhere: true, .. } => {
                Ok(())
            }
            _ => Err(Error::Forbidden(
                "this takes an owner of every environment; ask one of them, or use the command line".into(),
            )),
        }
    }
}

/// A caller who proved who it is. It can only speak of the things of its one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    environment_id: EnvironmentId,
    author: Author,
}

/// How a caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// With an API key.
    ApiKey {
        /// Which one.
        id: ApiKeyId,
        /// Whether it may also manage.
        management: bool,
    },
    /// By signing in to the console.
    Administrator {
        /// Who.
        id: AdministratorId,
        /// What they may do in the environment.
        role: Role,
        /// Whether the role is one in every environment, those to come too.
        everywhere: bool,
        /// Whether they proved in the last minutes who they are, at sign-in or since.
        proved_lately: bool,
    },
    /// With a setup link: the customer's own IT admin.
    SetupLink(SetupGrant),
    /// By sitting at the server's own command line.
    Operator,
    /// Nobody: a job of the service itself.
    Service,
}

/// What a setup link lets its holder do: parts of one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetupGrant {
    /// The link.
    pub id: SetupLinkId,
    /// The one organization that it opens.
    pub organization_id: OrganizationId,
    /// Whether SAML connections may be set up.
    pub saml: bool,
    /// Whether SCIM directories may be set up.
    pub scim: bool,
    /// Whether domains may be asked for and proved.
    pub domains: bool,
}

/// A part of an organization that may be given into its own IT admin's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its SAML connections.
    Saml,
    /// Its SCIM directories.
    Scim,
    /// Its domains.
    Domains,
}

impl SetupGrant {
    fn allows(&self, part: Part) -> bool {
        match part {
            Part::Saml => self.saml,
            Part::Scim => self.scim,
            Part::Domains => self.domains,
        }
    }
}

impl Actor {
    /// Whoever holds this key.
    pub fn holder_of(key: &ApiKey) -> Self {
        Self::new(key.environment_id, Credential::ApiKey { id: key.id, management: key.management })
    }

    /// The operator of the service, at work in this environment.
    pub fn operator(environment_id: EnvironmentId) -> Self {
        Self::new(environment_id, Credential::Operator)
    }

    /// A job of the service itself, at work in this environment.
    pub fn service(environment_id: EnvironmentId) -> Self {
        Self::new(environment_id, Credential::Service)
    }

    /// The holder of a setup link.
    pub fn setup_link(environment_id: EnvironmentId, grant: SetupGrant) -> Self {
        Self::new(environment_id, Credential::SetupLink(grant))
    }

    fn new(environment_id: EnvironmentId, credential: Credential) -> Self {
        Self { environment_id, author: Author { credential, address: None } }
    }

    /// The same, calling from this address.
    pub fn at(mut self, address: Option<IpAddr>) -> Self {
        self.author.address = address;
        self
    }

    /// How the caller proved who it is, and from where it calls.
    pub fn author(&self) -> Author {
        self.author
    }

    /// How the caller proved who it is.
    pub fn credential(&self) -> Credential {
        self.author.credential
    }

    /// The environment that the caller speaks of. It says nothing about what the caller may do there.
    pub fn environment(&self) -> EnvironmentId {
        self.environment_id
    }

    /// That the caller works in this environment: every other one is not there.
    pub fn works_in(&self, environment_id: EnvironmentId) -> Result<()> {
        if environment_id == self.environment_id {
            return Ok(());
        }
        Err(Error::not_found("environment", environment_id))
    }

    /// The environment whose logins the caller may begin and redeem, and whose people it may read, as an
    /// app does.
    pub fn served_environment(&self) -> Result<EnvironmentId> {
        match self.author.credential {
            Credential::ApiKey { .. } => Ok(self.environment_id),
            _ => self.viewed_environment(),
        }
    }

    /// The environment all of which the caller may look at.
    pub fn viewed_environment(&self) -> Result<EnvironmentId> {
        match self.author.credential {
            Credential::Administrator { .. } => Ok(self.environment_id),
            _ => self.managed_environment(),
        }
    }

    /// The environment that the caller may manage.
    pub fn managed_environment(&self) -> Result<EnvironmentId> {
        match self.author.credential {
            Credential::Operator
            | Credential::Service
            | Credential::ApiKey { management: true, .. }
            | Credential::Administrator { role: Role::Admin | Role::Owner, .. } => Ok(self.environment_id),
            // 401, not 403: what SSOReady answers, and its SDKs know (contracts §2.1).
            Credential::ApiKey { management: false, .. } => {
                Err(Error::Unauthenticated("api key is not authorized to access management api".into()))
            }
            Credential::Administrator { role: Role::Viewer, .. } => Err(Error::Forbidden(
                "you may look at this environment, but not change it; ask an owner for the role admin".into(),
            )),
            Credential::SetupLink(_) => {
                Err(Error::Forbidden("a setup link opens only what it was made for".into()))
            }
        }
    }

    /// The environment whose own settings and people the caller may change. An API key may: it stands for
    /// the vendor's own backend.
    pub fn owned_environment(&self) -> Result<EnvironmentId> {
        match self.author.credential {
            Credential::Administrator { role: Role::Admin, .. } => {
                Err(Error::Forbidden("this takes an owner of the environment; ask one of them".into()))
            }
            _ => self.managed_environment(),
        }
    }

    /// The environment, if the caller may look at this part of this organization. A setup link's
    /// holder sees its own organization only; every other one is not there.
    pub fn viewed_part(&self, part: Part, organization_id: OrganizationId) -> Result<EnvironmentId> {
        match self.author.credential {
            Credential::SetupLink(grant) => self.granted(&grant, part, organization_id),
            _ => self.viewed_environment(),
        }
    }

    /// The environment, if the caller may change this part of this organization.
    pub fn managed_part(&self, part: Part, organization_id: OrganizationId) -> Result<EnvironmentId> {
        match self.author.credential {
            Credential::SetupLink(grant) => self.granted(&grant, part, organization_id),
            _ => self.managed_environment(),
        }
    }

    fn granted(
        &self,
        grant: &SetupGrant,
        part: Part,
        organization_id: OrganizationId,
    ) -> Result<EnvironmentId> {
        if grant.organization_id != organization_id {
            return Err(Error::not_found("organization", organization_id));
        }
        if !grant.allows(part) {
            let part = match part {
                Part::Saml => "single sign-on",
                Part::Scim => "user provisioning",
                Part::Domains => "domains",
            };
            return Err(Error::Forbidden(format!("this setup link does not open {part}").into()));
        }
        Ok(self.environment_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::Id;

    fn actor(credential: Credential) -> Actor {
        Author { credential, address: None }.in_environment(Id::from_bits(1))
    }

    fn administrator(role: Role) -> Actor {
        actor(Credential::Administrator {
            id: Id::from_bits(2),
            role,
            everywhere: false,
            proved_lately: true,
        })
    }

    #[test]
    fn each_caller_may_do_what_it_is_for() {
        let key = |management| actor(Credential::ApiKey { id: Id::from_bits(3), management });
        for (actor, views, manages, owns) in [
            (administrator(Role::Viewer), true, false, false),
            (administrator(Role::Admin), true, true, false),
            (administrator(Role::Owner), true, true, true),
            (key(false), false, false, false),
            (key(true), true, true, true),
            (actor(Credential::Operator), true, true, true),
            (actor(Credential::Service), true, true, true),
        ] {
            assert_eq!(actor.viewed_environment().is_ok(), views, "{actor:?}");
            assert_eq!(actor.managed_environment().is_ok(), manages, "{actor:?}");
            assert_eq!(actor.owned_environment().is_ok(), owns, "{actor:?}");
            let app = matches!(actor.credential(), Credential::ApiKey { .. });
            assert_eq!(actor.served_environment().is_ok(), views || app, "{actor:?}");
            assert_eq!(actor.managed_part(Part::Scim, Id::from_bits(9)).is_ok(), manages, "{actor:?}");
        }
    }

    #[test]
    fn environments_are_made_by_those_who_own_everything() {
        let owner = |everywhere| Credential::Administrator {
            id: Id::from_bits(2),
            role: Role::Owner,
            everywhere,
            proved_lately: true,
        };
        let may = |credential| Author { credential, address: None }.owns_everything().is_ok();
        assert!(may(Credential::Operator) && may(owner(true)));
        assert!(!may(owner(false)) && !may(Credential::Service));
        assert!(!may(Credential::ApiKey { id: Id::from_bits(3), management: true }));
    }

    #[test]
    fn a_setup_link_opens_its_parts_of_its_organization() {
        let (own, other) = (Id::from_bits(5), Id::from_bits(6));
        let grant =
            SetupGrant { id: Id::from_bits(4), organization_id: own, saml: true, scim: false, domains: true };
        let actor = Actor::setup_link(Id::from_bits(1), grant);
        assert!(actor.managed_part(Part::Saml, own).is_ok() && actor.viewed_part(Part::Domains, own).is_ok());
        assert!(matches!(actor.managed_part(Part::Scim, own), Err(Error::Forbidden(_))));
        assert!(matches!(actor.viewed_part(Part::Saml, other), Err(Error::NotFound { .. })));
        assert!(actor.viewed_environment().is_err() && actor.managed_environment().is_err());
        assert!(actor.owned_environment().is_err() && actor.served_environment().is_err());
    }
}
