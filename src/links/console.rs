//! The console's paths: the environment, then a plural resource, then its id. What is done to a thing has
//! an address of its own below it (`…/edit`, `…/delete`), which shows a page and takes its form.

use super::path;

/// The environments that the visitor may see.
pub const HOME: &str = path::CONSOLE;
/// Makes an environment.
pub const NEW_ENVIRONMENT: &str = "/console/environments/new";
/// Proves who one is.
pub const SIGN_IN: &str = path::CONSOLE_SIGN_IN;
/// Takes the answer of a passkey.
pub const SIGN_IN_PASSKEY: &str = "/console/sign-in/passkey";
/// Begins a sign-in through a SAML connection of our own.
pub const SIGN_IN_SAML: &str = "/console/sign-in/saml";
/// Where the browser comes back from it.
pub const SIGN_IN_SAML_FINISH: &str = "/console/sign-in/saml/{flow}";
/// Begins a sign-in through an OpenID provider.
pub const SIGN_IN_OIDC: &str = "/console/sign-in/oidc";
/// Where the OpenID provider sends the browser back.
pub const SIGN_IN_OIDC_CALLBACK: &str = "/console/sign-in/oidc/callback";
/// Where an invitation's link leads.
pub const JOIN: &str = path::CONSOLE_JOIN;
/// Ends the session.
pub const SIGN_OUT: &str = path::CONSOLE_SIGN_OUT;
/// The visitor's own name, password, passkeys and sessions.
pub const ACCOUNT: &str = "/console/account";
/// Changes the visitor's own name.
pub const ACCOUNT_NAME: &str = "/console/account/name";
/// Changes the visitor's own password.
pub const ACCOUNT_PASSWORD: &str = "/console/account/password";
/// Adds a passkey.
pub const ACCOUNT_PASSKEYS: &str = "/console/account/passkeys";
/// Proves anew who one is, by password.
pub const ACCOUNT_CONFIRM: &str = "/console/account/confirm";
/// The same by a passkey.
pub const ACCOUNT_CONFIRM_PASSKEY: &str = "/console/account/confirm/passkey";
/// Names one or takes it away.
pub const ACCOUNT_PASSKEY: &str = "/console/account/passkeys/{passkey}";
/// Ends all other sessions.
pub const ACCOUNT_SESSIONS: &str = "/console/account/sessions/others";
/// Ends one.
pub const ACCOUNT_SESSION: &str = "/console/account/sessions/{session}";

/// How an environment fares.
pub const OVERVIEW: &str = "/console/{environment}";
/// An environment's settings.
pub const ENVIRONMENT: &str = "/console/{environment}/settings";
/// Changes them.
pub const EDIT_ENVIRONMENT: &str = "/console/{environment}/settings/edit";
/// Takes an environment away.
pub const DELETE_ENVIRONMENT: &str = "/console/{environment}/delete";

/// The vendor's customers.
pub const ORGANIZATIONS: &str = "/console/{environment}/organizations";
/// Makes one.
pub const NEW_ORGANIZATION: &str = "/console/{environment}/organizations/new";
/// One of them, with everything that belongs to it.
pub const ORGANIZATION: &str = "/console/{environment}/organizations/{organization}";
/// Changes one.
pub const EDIT_ORGANIZATION: &str = "/console/{environment}/organizations/{organization}/edit";
/// Takes one away.
pub const DELETE_ORGANIZATION: &str = "/console/{environment}/organizations/{organization}/delete";
/// Its domains: added here.
pub const DOMAINS: &str = "/console/{environment}/organizations/{organization}/domains";
/// One domain: how it is proved.
pub const DOMAIN: &str = "/console/{environment}/organizations/{organization}/domains/{domain}";
/// Says that it counts.
pub const APPROVE_DOMAIN: &str =
    "/console/{environment}/organizations/{organization}/domains/{domain}/approve";
/// Asks DNS whether it is proved.
pub const CHECK_DOMAIN: &str = "/console/{environment}/organizations/{organization}/domains/{domain}/check";
/// Takes it away.
pub const DELETE_DOMAIN: &str = "/console/{environment}/organizations/{organization}/domains/{domain}/delete";

/// Ties in a customer's identity provider.
pub const NEW_SAML_CONNECTION: &str =
    "/console/{environment}/organizations/{organization}/saml-connections/new";
/// One SAML connection.
pub const SAML_CONNECTION: &str = "/console/{environment}/saml-connections/{connection}";
/// Changes it.
pub const EDIT_SAML_CONNECTION: &str = "/console/{environment}/saml-connections/{connection}/edit";
/// Takes it away.
pub const DELETE_SAML_CONNECTION: &str = "/console/{environment}/saml-connections/{connection}/delete";
/// Begins a login through it that signs nobody in.
pub const TEST_SAML_CONNECTION: &str = "/console/{environment}/saml-connections/{connection}/test";
/// Asks for its metadata now.
pub const REFRESH_SAML_CONNECTION: &str = "/console/{environment}/saml-connections/{connection}/refresh";

/// The directories that identity providers push people to.
pub const SCIM_DIRECTORIES: &str = "/console/{environment}/scim-directories";
/// Makes one.
pub const NEW_SCIM_DIRECTORY: &str =
    "/console/{environment}/organizations/{organization}/scim-directories/new";
/// One of them.
pub const SCIM_DIRECTORY: &str = "/console/{environment}/scim-directories/{directory}";
/// Changes it.
pub const EDIT_SCIM_DIRECTORY: &str = "/console/{environment}/scim-directories/{directory}/edit";
/// Gives it a new bearer token.
pub const ROTATE_SCIM_DIRECTORY: &str = "/console/{environment}/scim-directories/{directory}/rotate";
/// Ends the tokens that a newer one replaced.
pub const END_SCIM_OVERLAP: &str = "/console/{environment}/scim-directories/{directory}/end-overlap";
/// Takes it away.
pub const DELETE_SCIM_DIRECTORY: &str = "/console/{environment}/scim-directories/{directory}/delete";
/// The people in it.
pub const SCIM_USERS: &str = "/console/{environment}/scim-directories/{directory}/users";
/// One of them.
pub const SCIM_USER: &str = "/console/{environment}/scim-directories/{directory}/users/{user}";
/// Its groups.
pub const SCIM_GROUPS: &str = "/console/{environment}/scim-directories/{directory}/groups";
/// One of them with its members.
pub const SCIM_GROUP: &str = "/console/{environment}/scim-directories/{directory}/groups/{group}";
/// What its identity provider asked.
pub const SCIM_REQUESTS: &str = "/console/{environment}/scim-directories/{directory}/requests";
/// One request with its answer.
pub const SCIM_REQUEST: &str = "/console/{environment}/scim-directories/{directory}/requests/{request}";

/// Makes a link for the customer's own IT admin.
pub const NEW_SETUP_LINK: &str = "/console/{environment}/organizations/{organization}/setup-links/new";
/// An organization's setup links.
pub const SETUP_LINKS: &str = "/console/{environment}/organizations/{organization}/setup-links";
/// Ends one.
pub const REVOKE_SETUP_LINK: &str = "/console/{environment}/setup-links/{link}/revoke";

/// The logins of an environment.
pub const FLOWS: &str = "/console/{environment}/flows";
/// One login.
pub const FLOW: &str = "/console/{environment}/flows/{flow}";
/// Checks its response again with today's settings.
pub const CHECK_FLOW: &str = "/console/{environment}/flows/{flow}/check";

/// Where events are sent.
pub const WEBHOOKS: &str = "/console/{environment}/webhooks";
/// Makes a webhook.
pub const NEW_WEBHOOK: &str = "/console/{environment}/webhooks/new";
/// One of them with its deliveries.
pub const WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}";
/// Changes it.
pub const EDIT_WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}/edit";
/// Gives it events from now on.
pub const ENABLE_WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}/enable";
/// Gives it none.
pub const DISABLE_WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}/disable";
/// Gives it events again.
pub const REPLAY_WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}/replay";
/// Takes it away.
pub const DELETE_WEBHOOK: &str = "/console/{environment}/webhooks/{webhook}/delete";
/// Sends one delivery again.
pub const REPLAY_WEBHOOK_DELIVERY: &str = "/console/{environment}/webhook-deliveries/{delivery}/replay";
/// What happened, in order.
pub const EVENTS: &str = "/console/{environment}/events";

/// Who did what.
pub const AUDIT_EVENTS: &str = "/console/{environment}/audit-events";
/// The same as JSON lines.
pub const EXPORT_AUDIT_EVENTS: &str = "/console/{environment}/audit-events/export";
/// Who did what to the installation as a whole.
pub const INSTALLATION_AUDIT_EVENTS: &str = "/console/audit-events";
/// The same as JSON lines.
pub const EXPORT_INSTALLATION_AUDIT_EVENTS: &str = "/console/audit-events/export";

/// How the vendor's backend proves which environment it speaks for.
pub const API_KEYS: &str = "/console/{environment}/api-keys";
/// Makes an API key.
pub const NEW_API_KEY: &str = "/console/{environment}/api-keys/new";
/// Takes one away.
pub const DELETE_API_KEY: &str = "/console/{environment}/api-keys/{key}/delete";

/// Apps that sign people in through OpenID Connect.
pub const OAUTH_CLIENTS: &str = "/console/{environment}/oauth-clients";
/// Makes one.
pub const NEW_OAUTH_CLIENT: &str = "/console/{environment}/oauth-clients/new";
/// One of them, with what its configuration is.
pub const OAUTH_CLIENT: &str = "/console/{environment}/oauth-clients/{client}";
/// Changes it.
pub const EDIT_OAUTH_CLIENT: &str = "/console/{environment}/oauth-clients/{client}/edit";
/// Gives it a new secret.
pub const ROTATE_OAUTH_CLIENT: &str = "/console/{environment}/oauth-clients/{client}/rotate";
/// Takes it away.
pub const DELETE_OAUTH_CLIENT: &str = "/console/{environment}/oauth-clients/{client}/delete";

/// The vendor's name, colour and logo on pages that customers see.
pub const BRANDING: &str = "/console/{environment}/branding";
/// How that looks.
pub const PREVIEW_BRANDING: &str = "/console/{environment}/branding/preview";
/// Who may do what here.
pub const ADMINISTRATORS: &str = "/console/{environment}/administrators";
/// Invites somebody.
pub const INVITE_ADMINISTRATOR: &str = "/console/{environment}/administrators/invite";
/// Changes somebody's role, or takes it away.
pub const ADMINISTRATOR: &str = "/console/{environment}/administrators/{administrator}";
/// Takes an invitation back.
pub const REVOKE_ADMIN_INVITATION: &str = "/console/{environment}/admin-invitations/{invitation}/revoke";
