//! What can be done, and what permits it: one table, which `docs/permissions.md` shows.

use model::administrator::Role;

/// What a credential was given for: an API key, a setup link, or an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// An API key: what an app needs to sign people in.
    App,
    /// An API key: everything in its environment.
    Management,
    /// A setup link: SAML connections of its organization.
    Saml,
    /// A setup link: SCIM directories of its organization.
    Scim,
    /// A setup link: domains of its organization.
    Domains,
    /// An access token of the system workspace: reading organizations.
    OrganizationsView,
    /// An access token of the system workspace: organizations.
    OrganizationsManage,
    /// An access token of the system workspace: identity pools, their schemas and their users.
    Identity,
    /// An access token of the system workspace: registration of users on their own behalf, and nothing else.
    SelfRegistration,
    /// An access token of the system workspace: the audit log.
    AuditEvents,
    /// An access token by WSO2's scopes, in an organization: those below it.
    BranchManage,
    /// An access token by WSO2's scopes: reading SAML connections.
    SamlView,
    /// An access token by WSO2's scopes: reading SCIM directories.
    ScimView,
    /// An access token by WSO2's scopes: reading domains.
    DomainsView,
    /// An access token by WSO2's scopes: reading users.
    UsersView,
    /// An access token by WSO2's scopes: new users.
    UsersCreate,
    /// An access token by WSO2's scopes: changes of users and of their credentials.
    UsersUpdate,
    /// An access token by WSO2's scopes: the end of users.
    UsersDelete,
    /// An access token by WSO2's scopes: reading groups of users.
    GroupsView,
    /// An access token by WSO2's scopes: groups of users.
    GroupsManage,
    /// An access token by WSO2's scopes: invitations of the users of other organizations.
    GuestsManage,
    /// An access token by WSO2's scopes: reading roles.
    RolesView,
    /// An access token by WSO2's scopes: new roles.
    RolesCreate,
    /// An access token by WSO2's scopes: changes of roles and of who has them.
    RolesUpdate,
    /// An access token by WSO2's scopes: the end of roles.
    RolesDelete,
    /// An access token by WSO2's scopes: reading applications.
    ApplicationsView,
    /// An access token by WSO2's scopes: applications and with whom they are shared.
    ApplicationsManage,
}

impl Scope {
    /// What a setup link with this scope gives access to, in words. `None` for a scope of API keys.
    pub(super) fn organization_part(self) -> Option<&'static str> {
        match self {
            Self::Saml => Some("single sign-on"),
            Self::Scim => Some("user provisioning"),
            Self::Domains => Some("domains"),
            Self::App
            | Self::Management
            | Self::OrganizationsView
            | Self::OrganizationsManage
            | Self::Identity
            | Self::SelfRegistration
            | Self::AuditEvents
            | Self::BranchManage
            | Self::SamlView
            | Self::ScimView
            | Self::DomainsView
            | Self::UsersView
            | Self::UsersCreate
            | Self::UsersUpdate
            | Self::UsersDelete
            | Self::GroupsView
            | Self::GroupsManage
            | Self::GuestsManage
            | Self::RolesView
            | Self::RolesCreate
            | Self::RolesUpdate
            | Self::RolesDelete
            | Self::ApplicationsView
            | Self::ApplicationsManage => None,
        }
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    /// No scope.
    pub const NONE: Self = Self(0);

    /// Whether this one is in it.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u16) != 0
    }

    /// The set with this one.
    #[must_use]
    pub fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u16)
    }

    /// Whether any of these is in it.
    pub fn contains_any(self, scopes: &[Scope]) -> bool {
        scopes.iter().any(|scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        scopes.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The administrators who may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Administrators {
    /// Those with this role in the environment, or a greater one.
    WithRole(Role),
    /// The owners of every environment.
    GlobalOwners,
}

/// What permits an action. The operator may do everything, the service itself everything in an environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Permission {
    /// The administrators who may do it.
    pub administrators: Administrators,
    /// Any of these scopes permits it.
    pub scopes: &'static [Scope],
}

const VIEWER: Administrators = Administrators::WithRole(Role::Viewer);
const ADMIN: Administrators = Administrators::WithRole(Role::Admin);
const OWNER: Administrators = Administrators::WithRole(Role::Owner);
const GLOBAL_OWNER: Administrators = Administrators::GlobalOwners;

macro_rules! permissions {
    ($(#[doc = $text:literal] $action:ident = $name:literal: $administrators:ident, [$($scope:ident),*];)*) => {
        /// Something that can be done: to what, and how.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action {
            $(#[doc = $text] $action,)*
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// The name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)*
                }
            }

            /// What it is, in a sentence.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$action => $text.trim_ascii(),)*
                }
            }

            /// What permits it.
            pub(super) const fn permission(self) -> Permission {
                match self {
                    $(Self::$action => Permission {
                        administrators: $administrators,
                        scopes: &[$(Scope::$scope),*],
                    },)*
                }
            }
        }
    };
}

permissions! {
    /// Start logins, for an app.
    LoginsBegin = "logins.begin": VIEWER, [App];
    /// Redeem the access code of a login, for an app.
    LoginsRedeem = "logins.redeem": VIEWER, [App];
    /// Read the users of SCIM directories.
    ScimUsersView = "scim_users.view": VIEWER, [App];
    /// Read the groups of SCIM directories.
    ScimGroupsView = "scim_groups.view": VIEWER, [App];
    /// Read organizations.
    OrganizationsView = "organizations.view": VIEWER, [Management, OrganizationsView, OrganizationsManage, BranchManage];
    /// Create, change and delete organizations.
    OrganizationsManage = "organizations.manage": ADMIN, [Management, OrganizationsManage, BranchManage];
    /// Read the domains of an organization.
    DomainsView = "domains.view": VIEWER, [Management, Domains, DomainsView, OrganizationsView, OrganizationsManage];
    /// Request, verify and delete domains of an organization.
    DomainsManage = "domains.manage": ADMIN, [Management, Domains, OrganizationsManage];
    /// Accept domains without proof, also those of free-mail providers, and delete domains in effect.
    DomainsApprove = "domains.approve": ADMIN, [Management, OrganizationsManage];
    /// Read SAML connections and their test logins.
    SamlConnectionsView = "saml_connections.view": VIEWER, [Management, Saml, SamlView];
    /// Create, change, test and delete SAML connections.
    SamlConnectionsManage = "saml_connections.manage": ADMIN, [Management, Saml];
    /// Read OIDC connections and their test logins.
    OidcConnectionsView = "oidc_connections.view": VIEWER, [Management];
    /// Create, change, test and delete OIDC connections.
    OidcConnectionsManage = "oidc_connections.manage": ADMIN, [Management];
    /// Read SCIM directories and the log of their requests.
    ScimDirectoriesView = "scim_directories.view": VIEWER, [Management, Scim, ScimView];
    /// Create, change and delete SCIM directories and their bearer tokens.
    ScimDirectoriesManage = "scim_directories.manage": ADMIN, [Management, Scim];
    /// Read setup links.
    SetupLinksView = "setup_links.view": VIEWER, [Management];
    /// Create and revoke setup links.
    SetupLinksManage = "setup_links.manage": ADMIN, [Management];
    /// Read login flows and their counts, and check a login again.
    LoginFlowsView = "login_flows.view": VIEWER, [Management];
    /// Read events.
    EventsView = "events.view": VIEWER, [Management];
    /// Read webhooks and their deliveries.
    WebhooksView = "webhooks.view": VIEWER, [Management];
    /// Create, change and delete webhooks, and send deliveries again.
    WebhooksManage = "webhooks.manage": ADMIN, [Management];
    /// Read API keys, without their secrets.
    ApiKeysView = "api_keys.view": VIEWER, [Management];
    /// Create, change and delete API keys.
    ApiKeysManage = "api_keys.manage": ADMIN, [Management];
    /// Read OAuth clients, without their secrets.
    OauthClientsView = "oauth_clients.view": VIEWER, [Management];
    /// Create, change and delete OAuth clients.
    OauthClientsManage = "oauth_clients.manage": ADMIN, [Management];
    /// Read applications and service clients, without their secrets.
    ApplicationsView = "applications.view": VIEWER, [Management, ApplicationsView, ApplicationsManage];
    /// Create, change and delete applications and service clients, and their secrets.
    ApplicationsManage = "applications.manage": ADMIN, [Management, ApplicationsManage];
    /// Read identity pools and the schemas of their users.
    IdentityPoolsView = "identity_pools.view": VIEWER, [Management, Identity];
    /// Create, change and delete identity pools and schemas.
    IdentityPoolsManage = "identity_pools.manage": ADMIN, [Management, Identity];
    /// Read users.
    UsersView = "users.view": VIEWER, [Management, Identity, UsersView, UsersCreate, UsersUpdate, UsersDelete];
    /// Create users.
    UsersCreate = "users.create": ADMIN, [Management, Identity, UsersCreate];
    /// Change users, switch them off, and reset their credentials.
    UsersManage = "users.manage": ADMIN, [Management, Identity, UsersUpdate];
    /// Delete users.
    UsersDelete = "users.delete": ADMIN, [Management, Identity, UsersDelete];
    /// Read groups of users.
    UserGroupsView = "user_groups.view": VIEWER, [Management, Identity, GroupsView, GroupsManage, UsersView, UsersCreate, UsersUpdate, UsersDelete];
    /// Create, change and delete groups of users, and say who is in them.
    UserGroupsManage = "user_groups.manage": ADMIN, [Management, Identity, GroupsManage, UsersUpdate];
    /// Register users on their own behalf, in pools that allow it.
    UsersRegister = "users.register": ADMIN, [Management, Identity, SelfRegistration];
    /// Read roles, and who has them.
    RolesView = "roles.view": VIEWER, [Management, RolesView, RolesCreate, RolesUpdate, RolesDelete];
    /// Create roles.
    RolesCreate = "roles.create": ADMIN, [Management, RolesCreate];
    /// Change roles, and give them to users and groups.
    RolesManage = "roles.manage": ADMIN, [Management, RolesUpdate];
    /// Delete roles.
    RolesDelete = "roles.delete": ADMIN, [Management, RolesDelete];
    /// Read the audit log of the environment.
    AuditEventsView = "audit_events.view": VIEWER, [Management, AuditEvents];
    /// Read the branding.
    BrandingView = "branding.view": VIEWER, [Management];
    /// Change the branding.
    BrandingManage = "branding.manage": OWNER, [Management];
    /// Read the settings of the environment.
    EnvironmentsView = "environments.view": VIEWER, [Management];
    /// Change the settings of the environment, and delete it.
    EnvironmentsManage = "environments.manage": OWNER, [Management];
    /// See who administers the environment.
    AdministratorsView = "administrators.view": VIEWER, [Management];
    /// Invite and remove administrators of the environment, and change their roles.
    AdministratorsManage = "administrators.manage": OWNER, [Management];
    /// Create environments.
    EnvironmentsCreate = "environments.create": GLOBAL_OWNER, [];
    /// See, invite and remove administrators of every environment, change their roles, and reset the credentials of all.
    GlobalAdministratorsManage = "global_administrators.manage": GLOBAL_OWNER, [];
    /// Read the audit log of the installation.
    InstallationAuditEventsView = "installation_audit_events.view": GLOBAL_OWNER, [];
}
