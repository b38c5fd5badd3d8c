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

    /// Requires a caller who may create environments and appoint administrators of all of them: the operator,
    /// or an owner of every environment.
    pub fn require_global_owner(&self) -> Result<()> {
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

/// A part of an organization that its own IT admin can be allowed to manage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrganizationPart {
    /// Its SAML connections.
    Saml,
    /// Its SCIM directories.
    Scim,
    /// Its domains.
    Domains,
}

impl SetupGrant {
    fn allows(&self, part: OrganizationPart) -> bool {
        match part {
            OrganizationPart::Saml => self.saml,
            OrganizationPart::Scim => self.scim,
            OrganizationPart::Domains => self.domains,
        }
    }
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
                    "this takes an owner of every environment; ask one of them, or use the command line".into(),
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

    /// Authorises what an app does: starting and redeeming logins, reading users and groups. Returns the
    /// environment.
    pub fn authorize_app(&self) -> Result<EnvironmentId> {
        match self.principal.credential {
            Credential::ApiKey { .. } => Ok(self.environment_id),
            _ => self.authorize_view(),
        }
    }

    /// Authorises reading everything in the environment. Returns the environment.
    pub fn authorize_view(&self) -> Result<EnvironmentId> {
        match self.principal.credential {
            Credential::Administrator { .. } => Ok(self.environment_id),
            _ => self.authorize_manage(),
        }
    }

    /// Authorises managing the environment's resources. Returns the environment.
    pub fn authorize_manage(&self) -> Result<EnvironmentId> {
        match self.principal.credential {
            Credential::Operator
            | Credential::Service
            | Credential::ApiKey { management: true, .. }
            | Credential::Administrator { role: Role::Admin | Role::Owner, .. } => Ok(self.environment_id),
            // 401, not 403: as SSOReady answers and its SDKs expect.
            Credential::ApiKey { management: false, .. } => {
                Err(Error::Unauthenticated("api key is not authorized to access management api".into()))
            }
            Credential::Administrator { role: Role::Viewer, .. } => Err(Error::Forbidden(
                "you may look at this environment, but not change it; ask an owner for the role admin".into(),
            )),
            Credential::SetupLink(_) => {
                Err(Error::Forbidden("a setup link gives access only to what it was created for".into()))
            }
        }
    }

    /// Authorises changing the environment's own settings and administrators. Management API keys may: they
    /// stand for the vendor's backend. Returns the environment.
    pub fn authorize_own(&self) -> Result<EnvironmentId> {
        match self.principal.credential {
            Credential::Administrator { role: Role::Admin, .. } => {
                Err(Error::Forbidden("this takes an owner of the environment; ask one of them".into()))
            }
            _ => self.authorize_manage(),
        }
    }

    /// Authorises reading this part of this organization. For the holder of a setup link, every organization
    /// but its own is not found. Returns the environment.
    pub fn authorize_view_part(
        &self,
        part: OrganizationPart,
        organization_id: OrganizationId,
    ) -> Result<EnvironmentId> {
        match self.principal.credential {
            Credential::SetupLink(grant) => self.authorize_setup(&grant, part, organization_id),
            _ => self.authorize_view(),
        }
    }

    /// Authorises changing this part of this organization. Returns the environment.
    pub fn authorize_manage_part(
        &self,
        part: OrganizationPart,
        organization_id: OrganizationId,
    ) -> Result<EnvironmentId> {
        match self.principal.credential {
            Credential::SetupLink(grant) => self.authorize_setup(&grant, part, organization_id),
            _ => self.authorize_manage(),
        }
    }

    fn authorize_setup(
        &self,
        grant: &SetupGrant,
        part: OrganizationPart,
        organization_id: OrganizationId,
    ) -> Result<EnvironmentId> {
        if grant.organization_id != organization_id {
            return Err(Error::not_found("organization", organization_id));
        }
        if !grant.allows(part) {
            let part = match part {
                OrganizationPart::Saml => "single sign-on",
                OrganizationPart::Scim => "user provisioning",
                OrganizationPart::Domains => "domains",
            };
            return Err(Error::Forbidden(format!("this setup link gives no access to {part}").into()));
        }
        Ok(self.environment_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;

    fn actor(credential: Credential) -> Actor {
        Principal { credential, address: None }.in_environment(Id::from_bits(1))
    }

    fn administrator(role: Role) -> Actor {
        actor(Credential::Administrator {
            id: Id::from_bits(2),
            role,
            everywhere: false,
            recently_authenticated: true,
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
            assert_eq!(actor.authorize_view().is_ok(), views, "{actor:?}");
            assert_eq!(actor.authorize_manage().is_ok(), manages, "{actor:?}");
            assert_eq!(actor.authorize_own().is_ok(), owns, "{actor:?}");
            let app = matches!(actor.credential(), Credential::ApiKey { .. });
            assert_eq!(actor.authorize_app().is_ok(), views || app, "{actor:?}");
            assert_eq!(
                actor.authorize_manage_part(OrganizationPart::Scim, Id::from_bits(9)).is_ok(),
                manages,
                "{actor:?}"
            );
        }
    }

    /// Every caller there can be, of environment 1 and organization 5.
    fn callers() -> Vec<Actor> {
        let mut all = vec![actor(Credential::Operator), actor(Credential::Service)];
        for management in [false, true] {
            all.push(actor(Credential::ApiKey { id: Id::from_bits(3), management }));
        }
        for role in Role::ALL {
            for everywhere in [false, true] {
                let id = Id::from_bits(2);
                let credential =
                    Credential::Administrator { id, role, everywhere, recently_authenticated: true };
                all.push(actor(credential));
            }
        }
        for bits in 0..8 {
            let (saml, scim, domains) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
            let (id, organization_id) = (Id::from_bits(4), Id::from_bits(5));
            let grant = SetupGrant { id, organization_id, saml, scim, domains };
            all.push(Actor::setup_link(Id::from_bits(1), grant));
        }
        all
    }

    #[test]
    fn the_table_permits_what_the_functions_permitted() {
        use OrganizationPart::{Domains, Saml, Scim};
        let said = |answer: Result<EnvironmentId>| answer.map_err(|error| format!("{error:?}"));
        for caller in callers() {
            for action in Action::ALL.iter().copied() {
                let name = action.as_str();
                let (of, _) = name.split_once('.').unwrap();
                let is_view = name.ends_with(".view");
                let part = match of {
                    "saml_connections" => Some(Saml),
                    "scim_directories" => Some(Scim),
                    "domains" if action != Action::DomainsApprove => Some(Domains),
                    _ => None,
                };
                let wide = match (of, is_view) {
                    ("logins" | "scim_users" | "scim_groups", _) => caller.authorize_app(),
                    (_, true) => caller.authorize_view(),
                    ("branding" | "environments" | "administrators", false) => caller.authorize_own(),
                    (_, false) => caller.authorize_manage(),
                };
                let global = caller.principal().require_global_owner();
                let everywhere = caller.principal().authorize_everywhere(action);
                if matches!(
                    action,
                    Action::EnvironmentsCreate
                        | Action::GlobalAdministratorsManage
                        | Action::InstallationAuditEventsView
                ) {
                    let old = format!("{global:?}");
                    assert_eq!(format!("{everywhere:?}"), old, "{name} {caller:?}");
                    let here = caller.authorize(action, On::Environment).map(drop);
                    assert_eq!(format!("{here:?}"), old, "{name} {caller:?}");
                    continue;
                }
                assert!(everywhere.is_err(), "{name} {caller:?}");
                let wide = said(wide);
                assert_eq!(said(caller.authorize(action, On::Environment)), wide, "{name} {caller:?}");
                for organization in [Id::from_bits(5), Id::from_bits(6)] {
                    let now = said(caller.authorize(action, On::Organization(organization)));
                    let then = match (part, is_view) {
                        (Some(part), true) => said(caller.authorize_view_part(part, organization)),
                        (Some(part), false) => said(caller.authorize_manage_part(part, organization)),
                        (None, _) => wide.clone(),
                    };
                    assert_eq!(now, then, "{name} {caller:?}");
                }
                let confined = matches!(caller.credential(), Credential::SetupLink(_));
                let any = said(caller.authorize(action, On::AnyOrganization));
                match confined && part.is_some() {
                    true => assert_eq!(any, Ok(Id::from_bits(1))),
                    false => assert_eq!(any, wide, "{name} {caller:?}"),
                }
            }
        }
    }

    #[test]
    fn environments_are_made_by_those_who_own_everything() {
        let owner = |everywhere| Credential::Administrator {
            id: Id::from_bits(2),
            role: Role::Owner,
            everywhere,
            recently_authenticated: true,
        };
        let may = |credential| Principal { credential, address: None }.require_global_owner().is_ok();
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
        assert!(
            actor.authorize_manage_part(OrganizationPart::Saml, own).is_ok()
                && actor.authorize_view_part(OrganizationPart::Domains, own).is_ok()
        );
        assert!(matches!(actor.authorize_manage_part(OrganizationPart::Scim, own), Err(Error::Forbidden(_))));
        assert!(matches!(
            actor.authorize_view_part(OrganizationPart::Saml, other),
            Err(Error::NotFound { .. })
        ));
        assert!(actor.authorize_view().is_err() && actor.authorize_manage().is_err());
        assert!(actor.authorize_own().is_err() && actor.authorize_app().is_err());
    }
}
