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
    /// One organization.
    ORGANIZATION = "/api/server/v1/organizations/{id}";

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
