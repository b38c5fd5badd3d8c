//! The paths of WSO2's APIs, each in its six forms: of the default environment's root and of a named environment's, then of the
//! organization in which the access token is good, and of one that the path names.

/// A path in its six forms.
macro_rules! forms {
    ($($(#[doc = $text:literal])+ $name:ident = $path:literal;)*) => {$(
        $(#[doc = $text])+
        pub const $name: [&str; 6] = [
            $path,
            concat!("/t/{tenant}", $path),
            concat!("/o", $path),
            concat!("/t/{tenant}/o", $path),
            concat!("/o/{organization}", $path),
            concat!("/t/{tenant}/o/{organization}", $path),
        ];
    )*};
}

forms! {
    /// Below it are the management APIs.
    MANAGEMENT = "/api/server";
    /// Below it is SCIM.
    SCIM = "/scim2";
    /// Organizations below the caller's.
    ORGANIZATIONS = "/api/server/v1/organizations";
    /// Whether a name is free.
    CHECK_NAME = "/api/server/v1/organizations/check-name";
    /// Whether a handle is free.
    CHECK_HANDLE = "/api/server/v1/organizations/check-handle";
    /// The organization in which the caller acts.
    OWN_ORGANIZATION = "/api/server/v1/organizations/self";
    /// The same, with what the caller may do there.
    ORGANIZATION_METADATA = "/api/server/v1/organizations/metadata";
    /// The keys of the attributes of organizations.
    ORGANIZATION_META_ATTRIBUTES = "/api/server/v1/organizations/meta-attributes";
    /// Organizations with the domains of addresses that lead people to them.
    ORGANIZATIONS_DISCOVERY = "/api/server/v1/organizations/discovery";
    /// Whether such a domain is free.
    CHECK_DISCOVERY = "/api/server/v1/organizations/check-discovery";
    /// The domains that lead people to an organization.
    ORGANIZATION_DISCOVERY = "/api/server/v1/organizations/{id}/discovery";
    /// Whether the vendor says whose domains are.
    DISCOVERY_SETTINGS = "/api/server/v1/organization-configs/discovery";
    /// One organization.
    ORGANIZATION = "/api/server/v1/organizations/{id}";
    /// Roles.
    ROLES = "/scim2/v2/Roles";
    /// A search for roles.
    ROLES_SEARCH = "/scim2/v2/Roles/.search";
    /// One role.
    ROLE = "/scim2/v2/Roles/{id}";
    /// The users of an organization, by SCIM.
    SCIM_USERS = "/scim2/Users";
    /// Searches for users.
    SCIM_USER_SEARCH = "/scim2/Users/.search";
    /// One user.
    SCIM_USER = "/scim2/Users/{id}";
    /// The groups of an organization.
    SCIM_GROUPS = "/scim2/Groups";
    /// Searches for groups.
    SCIM_GROUP_SEARCH = "/scim2/Groups/.search";
    /// One group.
    SCIM_GROUP = "/scim2/Groups/{id}";
    /// What the SCIM server can do.
    SCIM_SERVICE_PROVIDER_CONFIG = "/scim2/ServiceProviderConfig";
    /// The types of resources.
    SCIM_RESOURCE_TYPES = "/scim2/ResourceTypes";
    /// One type of resources.
    SCIM_RESOURCE_TYPE = "/scim2/ResourceTypes/{id}";
    /// The schemas of resources.
    SCIM_SCHEMAS = "/scim2/Schemas";
    /// One schema.
    SCIM_SCHEMA = "/scim2/Schemas/{id}";

    /// Users of the organization above who are invited.
    INVITE_GUESTS = "/api/server/v1/guests/invite";
    /// Their invitations.
    GUEST_INVITATIONS = "/api/server/v1/guests/invitations";
    /// One of them.
    GUEST_INVITATION = "/api/server/v1/guests/invitations/{id}";
    /// Whose a confirmation code is.
    INTROSPECT_INVITATION = "/api/server/v1/guests/invitation/introspect";
    /// An invitation accepted.
    ACCEPT_INVITATION = "/api/server/v1/guests/invitation/accept";

    /// Applications.
    APPLICATIONS = "/api/server/v1/applications";
    /// Sharing an application with organizations that are named.
    SHARE_APPLICATION = "/api/server/v1/applications/share";
    /// Sharing an application with all organizations.
    SHARE_APPLICATION_WITH_ALL = "/api/server/v1/applications/share-with-all";
    /// Ending that for organizations that are named.
    UNSHARE_APPLICATION = "/api/server/v1/applications/unshare";
    /// Ending that for all.
    UNSHARE_APPLICATION_WITH_ALL = "/api/server/v1/applications/unshare-with-all";
    /// One application.
    APPLICATION = "/api/server/v1/applications/{id}";
    /// With which protocols people sign in to it.
    APPLICATION_PROTOCOLS = "/api/server/v1/applications/{id}/inbound-protocols";
    /// Its settings of OpenID Connect.
    APPLICATION_OIDC = "/api/server/v1/applications/{id}/inbound-protocols/oidc";
    /// A new secret.
    APPLICATION_SECRET = "/api/server/v1/applications/{id}/inbound-protocols/oidc/regenerate-secret";
    /// The APIs that it may call.
    AUTHORIZED_APIS = "/api/server/v1/applications/{id}/authorized-apis";
    /// One of them.
    AUTHORIZED_API = "/api/server/v1/applications/{id}/authorized-apis/{api}";
    /// The organizations that have it.
    APPLICATION_SHARE = "/api/server/v1/applications/{id}/share";
    /// One of them.
    APPLICATION_SHARE_WITH = "/api/server/v1/applications/{id}/share/{other}";
    /// What it is there.
    SHARED_APPLICATIONS = "/api/server/v1/applications/{id}/shared-apps";
    /// The same, below the organization that owns it.
    ORGANIZATION_APPLICATION_SHARE = "/api/server/v1/organizations/{owner}/applications/{id}/share";
    /// One of them.
    ORGANIZATION_APPLICATION_SHARE_WITH = "/api/server/v1/organizations/{owner}/applications/{id}/share/{other}";
    /// What it is there.
    ORGANIZATION_SHARED_APPLICATIONS = "/api/server/v1/organizations/{owner}/applications/{id}/shared-apps";
}
