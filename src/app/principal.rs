//! Who calls, from where, and what they may do: every use case begins with it.

use std::{net::IpAddr, time::Duration};

use base::{
    id::{AdministratorId, ApiKeyId, ApplicationId, EnvironmentId, OrganizationId, SetupLinkId, UserId},
    time::Timestamp,
};
use model::{administrator::Role, api_key::ApiKey};

use super::{
    Error, Result,
    permissions::{Action, Administrators, Scope, Scopes},
};

/// How long an authentication counts as recent.
pub const MAX_AUTHENTICATION_AGE: Duration = Duration::from_secs(10 * 60);

/// An authenticated caller. It can reach the resources of its environment only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// Who it is.
    pub subject: Subject,
    /// The environment it acts in; `None` where it acts in none or in all of them.
    environment: Option<EnvironmentId>,
    /// The one organization that it is confined to.
    organization: Option<OrganizationId>,
    /// What its credential was given for.
    scopes: Scopes,
    /// When it authenticated, if that was before this call.
    authenticated_at: Option<Timestamp>,
    /// Whether they could do more with a second factor: an organization of theirs wants one of those who administer it.
    second_factor_missing: bool,
    /// The address of the client, if the call came over the network.
    pub address: Option<IpAddr>,
}

/// Who a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A program of the vendor, with an API key.
    ApiKey(ApiKeyId),
    /// Somebody of the vendor, with a console session.
    Administrator {
        /// The administrator.
        id: AdministratorId,
        /// Their role in the environment; outside of any, their greatest one.
        role: Role,
        /// Whether the role applies to every environment, including future ones.
        everywhere: bool,
    },
    /// A customer's own IT admin, with a setup link.
    SetupLink(SetupLinkId),
    /// A client, with an access token of its own: of the system workspace, or by WSO2's scopes.
    Application(ApplicationId),
    /// A user. In their own account nothing of the table is theirs: its use cases are made for them, and name nobody else.
    /// With an access token they may do what its scopes permit, which are those that their roles give them.
    User(UserId),
    /// The operator, at the server's command line.
    Operator,
    /// A background job of the service itself.
    Service,
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
    /// The operator.
    pub const OPERATOR: Self = Self::new(Subject::Operator);

    /// The service itself.
    pub const SERVICE: Self = Self::new(Subject::Service);

    const fn new(subject: Subject) -> Self {
        Self {
            subject,
            environment: None,
            organization: None,
            scopes: Scopes::NONE,
            authenticated_at: None,
            second_factor_missing: false,
            address: None,
        }
    }

    /// The operator, in this environment.
    pub fn operator(environment_id: EnvironmentId) -> Self {
        Self::OPERATOR.in_environment(environment_id)
    }

    /// The service itself, in this environment.
    pub fn service(environment_id: EnvironmentId) -> Self {
        Self::SERVICE.in_environment(environment_id)
    }

    /// The holder of this API key.
    pub fn from_api_key(key: &ApiKey) -> Self {
        let management = key.management.then_some(Scope::Management);
        let scopes = [Scope::App].into_iter().chain(management).collect();
        Self { scopes, ..Self::new(Subject::ApiKey(key.id)).in_environment(key.environment_id) }
    }

    /// The holder of a setup link for this organization.
    pub fn setup_link(
        id: SetupLinkId,
        environment_id: EnvironmentId,
        organization_id: OrganizationId,
        scopes: Scopes,
    ) -> Self {
        let principal = Self::new(Subject::SetupLink(id)).in_environment(environment_id);
        Self { organization: Some(organization_id), scopes, ..principal }
    }

    /// A service client with an access token of the system workspace that was given for these scopes.
    pub fn application(id: ApplicationId, environment_id: EnvironmentId, scopes: Scopes) -> Self {
        Self { scopes, ..Self::new(Subject::Application(id)).in_environment(environment_id) }
    }

    /// The same caller, with an access token that was given for these scopes and is good in this organization; `None`: in the
    /// environment.
    pub fn with_token(self, scopes: Scopes, organization: Option<OrganizationId>) -> Self {
        Self { scopes, organization, ..self }
    }

    /// A user in their own account.
    pub fn user(id: UserId, environment_id: EnvironmentId) -> Self {
        Self::new(Subject::User(id)).in_environment(environment_id)
    }

    /// An administrator with this role, who authenticates in this call.
    pub fn administrator(id: AdministratorId, role: Role, everywhere: bool) -> Self {
        Self::new(Subject::Administrator { id, role, everywhere })
    }

    /// The same caller, who authenticated at this time.
    pub fn authenticated(self, at: Timestamp) -> Self {
        Self { authenticated_at: Some(at), ..self }
    }

    /// The same caller, who would have more scopes with a second factor.
    pub fn without_second_factor(self) -> Self {
        Self { second_factor_missing: true, ..self }
    }

    /// The same caller, in this environment.
    pub fn in_environment(self, environment_id: EnvironmentId) -> Self {
        Self { environment: Some(environment_id), ..self }
    }

    /// The same caller, with the client's address.
    pub fn at(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    /// Whether the caller is confined to one organization: a customer's own administrator or program, not the vendor's.
    pub fn is_confined(&self) -> bool {
        self.organization.is_some()
    }

    /// The caller's environment. This authorises nothing.
    pub fn environment(&self) -> Result<EnvironmentId> {
        self.environment.ok_or_else(|| Error::internal("the caller acts in no environment"))
    }

    /// Requires that this is the caller's environment. Every other environment is not found.
    pub fn require_environment(&self, environment_id: EnvironmentId) -> Result<()> {
        if self.environment == Some(environment_id) {
            return Ok(());
        }
        Err(Error::not_found("environment", environment_id))
    }

    /// Requires a recent authentication for actions whose effect outlives the session: a role, a link, a key
    /// (ASVS 5.0 §7.5.1). Callers who authenticate with each call always have one.
    pub fn require_recent_authentication(&self, now: Timestamp) -> Result<()> {
        if self.authenticated_at.is_none_or(|at| at + MAX_AUTHENTICATION_AGE > now) {
            return Ok(());
        }
        Err(Error::FailedPrecondition(
            "confirm on the page of your account that it is you, then do this again".into(),
        ))
    }

    /// Requires an API key that was given for this.
    pub fn require_scope(&self, scope: Scope) -> Result<()> {
        self.require_any_scope(&[scope])
    }

    fn require_any_scope(&self, scopes: &[Scope]) -> Result<()> {
        if self.scopes.contains_any(scopes) {
            return Ok(());
        }
        // 401, not 403: as SSOReady answers and its SDKs expect.
        Err(Error::Unauthenticated("api key is not authorized to access management api".into()))
    }

    /// Authorises an action. Returns the environment. What belongs to another organization than the caller's is answered
    /// as if it were not there.
    pub fn authorize(&self, action: Action, on: On) -> Result<EnvironmentId> {
        self.check(action, Some(on))?;
        self.environment()
    }

    /// Authorises an action that concerns every environment.
    pub fn authorize_everywhere(&self, action: Action) -> Result<()> {
        self.check(action, None)
    }

    /// The same caller within the registration of a user, who may do that: there it has the rights that registering takes.
    pub(super) fn registering(self, on: On) -> Result<Self> {
        self.authorize(Action::UsersRegister, on)?;
        Ok(Self { scopes: self.scopes.with(Scope::Identity), ..self })
    }

    /// The same caller for the organizations below its own, who may do that there. Which these are, the use case asks.
    pub(super) fn below(self, action: Action, own: OrganizationId) -> Result<Self> {
        self.authorize(action, On::Organization(own))?;
        Ok(Self { organization: None, ..self })
    }

    /// Whether the table permits an action; `on` is `None` for every environment.
    fn check(&self, action: Action, on: Option<On>) -> Result<()> {
        let permission = action.permission();
        let (Administrators::WithRole(least), Some(on)) = (permission.administrators, on) else {
            return match (permission.administrators, self.subject) {
                (
                    Administrators::GlobalOwners,
                    Subject::Operator | Subject::Administrator { role: Role::Owner, everywhere: true, .. },
                ) => Ok(()),
                _ => Err(Error::Forbidden(
                    "this takes an owner of every environment; ask one of them, or use the command line"
                        .into(),
                )),
            };
        };
        match self.subject {
            Subject::Operator | Subject::Service => Ok(()),
            Subject::Administrator { role, .. } if role >= least => Ok(()),
            Subject::Administrator { role: Role::Viewer, .. } => Err(Error::Forbidden(
                "you may look at this environment, but not change it; ask an owner for the role admin".into(),
            )),
            Subject::Administrator { .. } => {
                Err(Error::Forbidden("this takes an owner of the environment; ask one of them".into()))
            }
            Subject::ApiKey(_) => self.require_any_scope(permission.scopes),
            Subject::User(_) if self.scopes == Scopes::NONE => {
                Err(Error::Forbidden("a user changes their own account only".into()))
            }
            Subject::Application(_) | Subject::User(_) => self.check_token(permission.scopes, on),
            Subject::SetupLink(_) => self.check_in_organization(permission.scopes, on),
        }
    }

    fn check_token(&self, scopes: &[Scope], on: On) -> Result<()> {
        if !self.scopes.contains_any(scopes) && self.second_factor_missing {
            return Err(Error::forbidden(
                "mfa_required",
                "the organization wants a second factor of those who administer it: sign in with one",
            ));
        }
        if !self.scopes.contains_any(scopes) {
            return Err(Error::Forbidden(
                "the access token was not given for a scope that permits this".into(),
            ));
        }
        match (self.organization, on) {
            (None, _) | (Some(_), On::AnyOrganization) => Ok(()),
            (Some(own), On::Organization(id)) if own == id => Ok(()),
            (Some(_), On::Organization(id)) => Err(Error::not_found("organization", id)),
            (Some(_), On::Environment) => {
                Err(Error::Forbidden("the access token is good in one organization only".into()))
            }
        }
    }

    fn check_in_organization(&self, scopes: &[Scope], on: On) -> Result<()> {
        let part = scopes.iter().copied().find_map(Scope::organization_part);
        match (part, on) {
            (None, _) | (_, On::Environment) => {
                Err(Error::Forbidden("a setup link gives access only to what it was created for".into()))
            }
            (Some(_), On::AnyOrganization) => Ok(()),
            (Some(_), On::Organization(id)) if self.organization != Some(id) => {
                Err(Error::not_found("organization", id))
            }
            (Some(_), On::Organization(_)) if self.scopes.contains_any(scopes) => Ok(()),
            (Some(part), On::Organization(_)) => {
                Err(Error::Forbidden(format!("this setup link gives no access to {part}").into()))
            }
        }
    }
}
