//! The console's paths: the environment, then a plural resource, then its id. Each action has a path of its own
//! below the resource (`…/edit`, `…/delete`), which shows a page and accepts its form.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::path;

/// What stands before the pages that an organization's own administrators have too: their patterns are otherwise those of the
/// console, without the environment.
pub const DELEGATED: &str = "/{tenant}/{workspace}/admin";

/// What stands before the pages of an environment.
const IN_ENVIRONMENT: &str = "/console/{environment}";

/// A pattern of a page of an environment as the organization's own administrators have it.
pub fn delegated(pattern: &str) -> String {
    format!("{DELEGATED}{}", pattern.strip_prefix(IN_ENVIRONMENT).unwrap_or_default())
}

/// [`delegated`] for a route, which is kept for as long as the program runs: one text a pattern.
pub fn delegated_route(pattern: &'static str) -> &'static str {
    static ROUTES: Mutex<BTreeMap<&str, &str>> = Mutex::new(BTreeMap::new());
    let mut routes = ROUTES.lock().unwrap_or_else(PoisonError::into_inner);
    routes.entry(pattern).or_insert_with(|| Box::leak(delegated(pattern).into_boxed_str()))
}

/// The list of the environments that the administrator has a role in.
pub const HOME: &str = path::CONSOLE;
/// Creates an environment.
pub const NEW_ENVIRONMENT: &str = "/console/environments/new";
/// Signs an administrator in.
pub const SIGN_IN: &str = path::CONSOLE_SIGN_IN;
/// Signs in with a passkey.
pub const SIGN_IN_PASSKEY: &str = "/console/sign-in/passkey";
/// Starts a sign-in through one of our own SAML connections.
pub const SIGN_IN_SAML: &str = "/console/sign-in/saml";
/// Completes a sign-in through a SAML connection.
pub const SIGN_IN_SAML_FINISH: &str = "/console/sign-in/saml/{flow}";
/// Starts a sign-in through an OpenID provider.
pub const SIGN_IN_OIDC: &str = "/console/sign-in/oidc";
/// The redirect URI of sign-ins through an OpenID provider.
pub const SIGN_IN_OIDC_CALLBACK: &str = "/console/sign-in/oidc/callback";
/// Accepts an invitation.
pub const JOIN: &str = path::CONSOLE_JOIN;
/// Ends the session.
pub const SIGN_OUT: &str = path::CONSOLE_SIGN_OUT;
/// The administrator's own name, password, passkeys and sessions.
pub const ACCOUNT: &str = "/console/account";
/// Changes the administrator's own name.
pub const ACCOUNT_NAME: &str = "/console/account/name";
/// Changes the administrator's own password.
pub const ACCOUNT_PASSWORD: &str = "/console/account/password";
/// Adds a passkey.
pub const ACCOUNT_PASSKEYS: &str = "/console/account/passkeys";
/// Re-authenticates by password.
pub const ACCOUNT_CONFIRM: &str = "/console/account/confirm";
/// Re-authenticates by a passkey.
pub const ACCOUNT_CONFIRM_PASSKEY: &str = "/console/account/confirm/passkey";
/// Renames or deletes a passkey.
pub const ACCOUNT_PASSKEY: &str = "/console/account/passkeys/{passkey}";
/// Ends all other sessions.
pub const ACCOUNT_SESSIONS: &str = "/console/account/sessions/others";
/// Ends one session.
pub const ACCOUNT_SESSION: &str = "/console/account/sessions/{session}";

/// The overview of an environment.
pub const OVERVIEW: &str = "/console/{environment}";
/// Where an organization's own administrator goes on to the setup pages.
pub const DELEGATED_SETUP: &str = "/console/{environment}/setup";
/// An environment's settings.
pub const ENVIRONMENT: &str = "/console/{environment}/settings";
/// Edits an environment's settings.
pub const EDIT_ENVIRONMENT: &str = "/console/{environment}/settings/edit";
/// Deletes an environment.
pub const DELETE_ENVIRONMENT: &str = "/console/{environment}/delete";

/// The organizations of an environment.
pub const ORGANIZATIONS: &str = "/console/{environment}/organizations";
/// Creates an organization.
pub const NEW_ORGANIZATION: &str = "/console/{environment}/organizations/new";
/// One organization, with everything that belongs to it.
pub const ORGANIZATION: &str = "/console/{environment}/organizations/{organization}";
/// Edits an organization.
pub const EDIT_ORGANIZATION: &str = "/console/{environment}/organizations/{organization}/edit";
/// Deletes an organization.
pub const DELETE_ORGANIZATION: &str = "/console/{environment}/organizations/{organization}/delete";
/// The organizations below one.
pub const ORGANIZATION_CHILDREN: &str = "/console/{environment}/organizations/{organization}/organizations";
/// Edits the metadata of an organization.
pub const EDIT_ORGANIZATION_METADATA: &str =
    "/console/{environment}/organizations/{organization}/metadata/edit";
/// Edits the schema of an organization's metadata.
pub const EDIT_METADATA_SCHEMA: &str =
    "/console/{environment}/organizations/{organization}/metadata-schema/edit";
/// The templates of an environment, from which organizations are made.
pub const TEMPLATES: &str = "/console/{environment}/templates";
/// Creates a template.
pub const NEW_TEMPLATE: &str = "/console/{environment}/templates/new";
/// Makes a template the default one of its environment, or ends that.
pub const DEFAULT_TEMPLATE: &str = "/console/{environment}/organizations/{organization}/default";
/// Adds a domain to an organization.
pub const DOMAINS: &str = "/console/{environment}/organizations/{organization}/domains";
/// One domain, and how to verify it.
pub const DOMAIN: &str = "/console/{environment}/organizations/{organization}/domains/{domain}";
/// Approves a domain without a DNS check.
pub const APPROVE_DOMAIN: &str =
    "/console/{environment}/organizations/{organization}/domains/{domain}/approve";
/// Checks the DNS record of a domain.
pub const CHECK_DOMAIN: &str = "/console/{environment}/organizations/{organization}/domains/{domain}/check";
/// Removes a domain.
pub const DELETE_DOMAIN: &str = "/console/{environment}/organizations/{organization}/domains/{domain}/delete";

/// The users of the environment's own pools: those of its root organization.
pub const USERS: &str = "/console/{environment}/users";
/// Creates a user of the root organization.
pub const NEW_USER: &str = "/console/{environment}/users/new";
/// The users of an organization's pools.
pub const ORGANIZATION_USERS: &str = "/console/{environment}/organizations/{organization}/users";
/// Creates a user of an organization.
pub const NEW_ORGANIZATION_USER: &str = "/console/{environment}/organizations/{organization}/users/new";
/// The users of one identity pool.
pub const POOL_USERS: &str = "/console/{environment}/identity-pools/{pool}/users";
/// Creates a user in an identity pool.
pub const NEW_POOL_USER: &str = "/console/{environment}/identity-pools/{pool}/users/new";
/// One user.
pub const USER: &str = "/console/{environment}/users/{user}";
/// Edits the profile of a user.
pub const EDIT_USER: &str = "/console/{environment}/users/{user}/edit";
/// Deletes a user.
pub const DELETE_USER: &str = "/console/{environment}/users/{user}/delete";
/// Enables or disables a user.
pub const USER_STATUS: &str = "/console/{environment}/users/{user}/status";
/// Adds or removes an identifier of a user.
pub const USER_IDENTIFIERS: &str = "/console/{environment}/users/{user}/identifiers";
/// Adds, changes or removes an address of a user.
pub const USER_ADDRESSES: &str = "/console/{environment}/users/{user}/addresses";
/// Sets the password of a user.
pub const USER_PASSWORD: &str = "/console/{environment}/users/{user}/password";
/// Removes or restricts a credential of a user.
pub const USER_CREDENTIALS: &str = "/console/{environment}/users/{user}/credentials";
/// Makes a one-time code for a user.
pub const USER_CODES: &str = "/console/{environment}/users/{user}/codes";
/// Adds a user to a group, or removes them from one.
pub const USER_GROUPS: &str = "/console/{environment}/users/{user}/groups";
/// Ends all sessions of a user.
pub const USER_SESSIONS: &str = "/console/{environment}/users/{user}/sessions";

/// The identity pools of the environment itself: those of its root organization.
pub const IDENTITY_POOLS: &str = "/console/{environment}/identity-pools";
/// Creates an identity pool of the root organization.
pub const NEW_IDENTITY_POOL: &str = "/console/{environment}/identity-pools/new";
/// The identity pools of an organization.
pub const ORGANIZATION_POOLS: &str = "/console/{environment}/organizations/{organization}/identity-pools";
/// Creates an identity pool of an organization.
pub const NEW_ORGANIZATION_POOL: &str =
    "/console/{environment}/organizations/{organization}/identity-pools/new";
/// One identity pool.
pub const IDENTITY_POOL: &str = "/console/{environment}/identity-pools/{pool}";
/// Edits an identity pool.
pub const EDIT_IDENTITY_POOL: &str = "/console/{environment}/identity-pools/{pool}/edit";
/// Deletes an identity pool.
pub const DELETE_IDENTITY_POOL: &str = "/console/{environment}/identity-pools/{pool}/delete";
/// The vendor's roles.
pub const ROLES: &str = "/console/{environment}/roles";
/// Creates a role of the vendor.
pub const NEW_ROLE: &str = "/console/{environment}/roles/new";
/// One role of the vendor.
pub const ROLE: &str = "/console/{environment}/roles/{role}";
/// Edits a role of the vendor.
pub const EDIT_ROLE: &str = "/console/{environment}/roles/{role}/edit";
/// Deletes a role of the vendor.
pub const DELETE_ROLE: &str = "/console/{environment}/roles/{role}/delete";
/// Gives a role of the vendor to one of its own people, or takes it from one.
pub const ROLE_MEMBERS: &str = "/console/{environment}/roles/{role}/members";
/// The roles that there are in an organization.
pub const ORGANIZATION_ROLES: &str = "/console/{environment}/organizations/{organization}/roles";
/// Creates a role of an organization.
pub const NEW_ORGANIZATION_ROLE: &str = "/console/{environment}/organizations/{organization}/roles/new";
/// One role in an organization.
pub const ORGANIZATION_ROLE: &str = "/console/{environment}/organizations/{organization}/roles/{role}";
/// Edits a role of an organization.
pub const EDIT_ORGANIZATION_ROLE: &str =
    "/console/{environment}/organizations/{organization}/roles/{role}/edit";
/// Deletes a role of an organization.
pub const DELETE_ORGANIZATION_ROLE: &str =
    "/console/{environment}/organizations/{organization}/roles/{role}/delete";
/// Gives a role to somebody in an organization, or takes it from them.
pub const ORGANIZATION_ROLE_MEMBERS: &str =
    "/console/{environment}/organizations/{organization}/roles/{role}/members";
/// The groups of the users of an identity pool.
pub const POOL_GROUPS: &str = "/console/{environment}/identity-pools/{pool}/groups";
/// Creates a group.
pub const NEW_POOL_GROUP: &str = "/console/{environment}/identity-pools/{pool}/groups/new";
/// One group of users, with its members.
pub const USER_GROUP: &str = "/console/{environment}/user-groups/{group}";
/// Edits a group.
pub const EDIT_USER_GROUP: &str = "/console/{environment}/user-groups/{group}/edit";
/// Deletes a group.
pub const DELETE_USER_GROUP: &str = "/console/{environment}/user-groups/{group}/delete";
/// Adds a user to a group, or removes one.
pub const USER_GROUP_MEMBERS: &str = "/console/{environment}/user-groups/{group}/members";
/// The schemas of the objects of users.
pub const IDENTITY_SCHEMAS: &str = "/console/{environment}/identity-schemas";
/// Creates a schema.
pub const NEW_IDENTITY_SCHEMA: &str = "/console/{environment}/identity-schemas/new";
/// One schema.
pub const IDENTITY_SCHEMA: &str = "/console/{environment}/identity-schemas/{schema}";
/// Edits a schema.
pub const EDIT_IDENTITY_SCHEMA: &str = "/console/{environment}/identity-schemas/{schema}/edit";
/// Deletes a schema.
pub const DELETE_IDENTITY_SCHEMA: &str = "/console/{environment}/identity-schemas/{schema}/delete";

/// Creates a SAML connection.
pub const NEW_SAML_CONNECTION: &str =
    "/console/{environment}/organizations/{organization}/saml-connections/new";
/// One SAML connection.
pub const SAML_CONNECTION: &str = "/console/{environment}/saml-connections/{connection}";
/// Edits a SAML connection.
pub const EDIT_SAML_CONNECTION: &str = "/console/{environment}/saml-connections/{connection}/edit";
/// Deletes a SAML connection.
pub const DELETE_SAML_CONNECTION: &str = "/console/{environment}/saml-connections/{connection}/delete";
/// Starts a test login through a SAML connection.
pub const TEST_SAML_CONNECTION: &str = "/console/{environment}/saml-connections/{connection}/test";
/// Creates an OIDC connection.
pub const NEW_OIDC_CONNECTION: &str =
    "/console/{environment}/organizations/{organization}/oidc-connections/new";
/// One OIDC connection.
pub const OIDC_CONNECTION: &str = "/console/{environment}/oidc-connections/{oidc_connection}";
/// Edits an OIDC connection.
pub const EDIT_OIDC_CONNECTION: &str = "/console/{environment}/oidc-connections/{oidc_connection}/edit";
/// Deletes an OIDC connection.
pub const DELETE_OIDC_CONNECTION: &str = "/console/{environment}/oidc-connections/{oidc_connection}/delete";
/// Starts a test login through an OIDC connection.
pub const TEST_OIDC_CONNECTION: &str = "/console/{environment}/oidc-connections/{oidc_connection}/test";
/// Refreshes a SAML connection's metadata now.
pub const REFRESH_SAML_CONNECTION: &str = "/console/{environment}/saml-connections/{connection}/refresh";

/// The SCIM directories of an environment.
pub const SCIM_DIRECTORIES: &str = "/console/{environment}/scim-directories";
/// Creates a SCIM directory.
pub const NEW_SCIM_DIRECTORY: &str =
    "/console/{environment}/organizations/{organization}/scim-directories/new";
/// One SCIM directory.
pub const SCIM_DIRECTORY: &str = "/console/{environment}/scim-directories/{directory}";
/// Edits a SCIM directory.
pub const EDIT_SCIM_DIRECTORY: &str = "/console/{environment}/scim-directories/{directory}/edit";
/// Rotates the bearer token of a SCIM directory.
pub const ROTATE_SCIM_DIRECTORY: &str = "/console/{environment}/scim-directories/{directory}/rotate";
/// Expires the bearer tokens that a newer one replaced.
pub const END_SCIM_OVERLAP: &str = "/console/{environment}/scim-directories/{directory}/end-overlap";
/// Deletes a SCIM directory.
pub const DELETE_SCIM_DIRECTORY: &str = "/console/{environment}/scim-directories/{directory}/delete";
/// The users of a SCIM directory.
pub const SCIM_USERS: &str = "/console/{environment}/scim-directories/{directory}/users";
/// One user.
pub const SCIM_USER: &str = "/console/{environment}/scim-directories/{directory}/users/{user}";
/// The groups of a SCIM directory.
pub const SCIM_GROUPS: &str = "/console/{environment}/scim-directories/{directory}/groups";
/// One group with its members.
pub const SCIM_GROUP: &str = "/console/{environment}/scim-directories/{directory}/groups/{group}";
/// The requests that a SCIM directory received.
pub const SCIM_REQUESTS: &str = "/console/{environment}/scim-directories/{directory}/requests";
/// One request with its response.
pub const SCIM_REQUEST: &str = "/console/{environment}/scim-directories/{directory}/requests/{request}";

/// Creates a setup link for the customer's IT admin.
pub const NEW_SETUP_LINK: &str = "/console/{environment}/organizations/{organization}/setup-links/new";
/// An organization's setup links.
pub const SETUP_LINKS: &str = "/console/{environment}/organizations/{organization}/setup-links";
/// Revokes a setup link.
pub const REVOKE_SETUP_LINK: &str = "/console/{environment}/setup-links/{link}/revoke";

/// The logins of an environment.
pub const FLOWS: &str = "/console/{environment}/flows";
/// One login.
pub const FLOW: &str = "/console/{environment}/flows/{flow}";
/// Checks a login's response again with the current settings.
pub const CHECK_FLOW: &str = "/console/{environment}/flows/{flow}/check";

/// The letters of an environment.
pub const LETTERS: &str = "/console/{environment}/letters";
/// Writes a letter again.
pub const RESEND_LETTER: &str = "/console/{environment}/letters/{letter}/resend";

/// The webhooks of an environment.
pub const WEBHOOKS: &str = "/console/{environment}/webhooks";
/// Creates a webhook.
pub const NEW_WEBHOOK: &str = "/console/{environment}/webhooks/new";
/// One webhook with its deliveries.
pub const WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}";
/// Edits a webhook.
pub const EDIT_WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}/edit";
/// Enables a webhook: it gets events from now on.
pub const ENABLE_WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}/enable";
/// Disables a webhook.
pub const DISABLE_WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}/disable";
/// Replays events to a webhook.
pub const REPLAY_WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}/replay";
/// Deletes a webhook.
pub const DELETE_WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}/delete";
/// Replays one delivery.
pub const REPLAY_WEBHOOK_DELIVERY: &str = "/console/{environment}/webhook-deliveries/{delivery}/replay";
/// The events of an environment, in order.
pub const EVENTS: &str = "/console/{environment}/events";

/// The audit log of an environment.
pub const AUDIT_EVENTS: &str = "/console/{environment}/audit-events";
/// The audit log of an environment as JSON lines.
pub const EXPORT_AUDIT_EVENTS: &str = "/console/{environment}/audit-events/export";
/// The audit log of the installation.
pub const INSTALLATION_AUDIT_EVENTS: &str = "/console/audit-events";
/// The audit log of the installation as JSON lines.
pub const EXPORT_INSTALLATION_AUDIT_EVENTS: &str = "/console/audit-events/export";

/// The API keys of an environment.
pub const API_KEYS: &str = "/console/{environment}/api-keys";
/// Creates an API key.
pub const NEW_API_KEY: &str = "/console/{environment}/api-keys/new";
/// Edits an API key.
pub const EDIT_API_KEY: &str = "/console/{environment}/api-keys/{key}/edit";
/// Deletes an API key.
pub const DELETE_API_KEY: &str = "/console/{environment}/api-keys/{key}/delete";

/// The applications and service clients of an environment.
pub const APPLICATIONS: &str = "/console/{environment}/applications";
/// Creates an application.
pub const NEW_APPLICATION: &str = "/console/{environment}/applications/new";
/// Creates a service client of the system workspace.
pub const NEW_SERVICE_CLIENT: &str = "/console/{environment}/applications/new-service-client";
/// One application, with the values for its configuration.
pub const APPLICATION: &str = "/console/{environment}/applications/{application}";
/// Edits an application.
pub const EDIT_APPLICATION: &str = "/console/{environment}/applications/{application}/edit";
/// With which organizations an application is shared.
pub const APPLICATION_SHARING: &str = "/console/{environment}/applications/{application}/sharing";
/// Replaces the secret of an application.
pub const ROTATE_APPLICATION: &str = "/console/{environment}/applications/{application}/rotate";
/// Deletes an application.
pub const DELETE_APPLICATION: &str = "/console/{environment}/applications/{application}/delete";

/// The OAuth clients of an environment.
pub const OAUTH_CLIENTS: &str = "/console/{environment}/oauth-clients";
/// Creates an OAuth client.
pub const NEW_OAUTH_CLIENT: &str = "/console/{environment}/oauth-clients/new";
/// One OAuth client, with the values for its configuration.
pub const OAUTH_CLIENT: &str = "/console/{environment}/oauth-clients/{client}";
/// Edits an OAuth client.
pub const EDIT_OAUTH_CLIENT: &str = "/console/{environment}/oauth-clients/{client}/edit";
/// Rotates the secret of an OAuth client.
pub const ROTATE_OAUTH_CLIENT: &str = "/console/{environment}/oauth-clients/{client}/rotate";
/// Deletes an OAuth client.
pub const DELETE_OAUTH_CLIENT: &str = "/console/{environment}/oauth-clients/{client}/delete";

/// The vendor's name, colour and logo on pages that customers see.
pub const BRANDING: &str = "/console/{environment}/branding";
/// A preview of the branding.
pub const PREVIEW_BRANDING: &str = "/console/{environment}/branding/preview";
/// The administrators of an environment.
pub const ADMINISTRATORS: &str = "/console/{environment}/administrators";
/// Invites an administrator.
pub const INVITE_ADMINISTRATOR: &str = "/console/{environment}/administrators/invite";
/// Changes or removes an administrator's role.
pub const ADMINISTRATOR: &str = "/console/{environment}/administrators/{administrator}";
/// Revokes an invitation.
pub const REVOKE_ADMIN_INVITATION: &str = "/console/{environment}/admin-invitations/{invitation}/revoke";
