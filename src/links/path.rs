//! Route patterns, as actix-web and `Links` both read them: `{name}` stands for one segment.

mod workspaces;

pub use workspaces::*;

/// The front page: what this service is.
pub const HOME: &str = "/";
/// An embedded file: stylesheet, script, icon.
pub const ASSET: &str = "/assets/{name}";

/// The OpenAPI 3.1 document of the API.
pub const OPENAPI: &str = "/openapi.json";
/// The API reference for people.
pub const API_REFERENCE: &str = "/docs/api";
/// One resource of the API reference.
pub const API_REFERENCE_SECTION: &str = "/docs/api/{name}";

/// Returns the URL that starts a login.
pub const SAML_REDIRECT: &str = "/v1/saml/redirect";
/// Redeems an access code.
pub const SAML_REDEEM: &str = "/v1/saml/redeem";
/// The environments of an API key: its own.
pub const ENVIRONMENTS: &str = "/v1/environments";
/// One environment.
pub const ENVIRONMENT: &str = "/v1/environments/{id}";
/// The API keys of an environment.
pub const API_KEYS: &str = "/v1/api-keys";
/// One API key.
pub const API_KEY: &str = "/v1/api-keys/{id}";
/// The OAuth clients of an environment, under SSOReady's name for them.
pub const OAUTH_CLIENTS: &str = "/v1/saml-oauth-clients";
/// One OAuth client.
pub const OAUTH_CLIENT: &str = "/v1/saml-oauth-clients/{id}";
/// Rotates an OAuth client's secret.
pub const OAUTH_CLIENT_ROTATE: &str = "/v1/saml-oauth-clients/{id}/rotate-secret";
/// The applications of an environment, service clients among them.
pub const APPLICATIONS: &str = "/v1/applications";
/// One application.
pub const APPLICATION: &str = "/v1/applications/{id}";
/// Replaces an application's secret.
pub const APPLICATION_ROTATE: &str = "/v1/applications/{id}/rotate-secret";
/// The organizations of an environment.
pub const ORGANIZATIONS: &str = "/v1/organizations";
/// One organization.
pub const ORGANIZATION: &str = "/v1/organizations/{id}";
/// The SAML connections of an organization.
pub const SAML_CONNECTIONS: &str = "/v1/saml-connections";
/// One SAML connection.
pub const SAML_CONNECTION: &str = "/v1/saml-connections/{id}";
/// Fetches a connection's metadata now.
pub const SAML_CONNECTION_REFRESH: &str = "/v1/saml-connections/{id}/refresh-metadata";
/// OIDC connections.
pub const OIDC_CONNECTIONS: &str = "/v1/oidc-connections";
/// One OIDC connection.
pub const OIDC_CONNECTION: &str = "/v1/oidc-connections/{id}";

/// The logins of an environment, for support.
pub const SAML_FLOWS: &str = "/v1/saml-flows";
/// One login with its timeline.
pub const SAML_FLOW: &str = "/v1/saml-flows/{id}";
/// Checks a login's response again with the current settings.
pub const SAML_FLOW_CHECK: &str = "/v1/saml-flows/{id}/check";

/// The SCIM directories of an organization.
pub const SCIM_DIRECTORIES: &str = "/v1/scim-directories";
/// One SCIM directory.
pub const SCIM_DIRECTORY: &str = "/v1/scim-directories/{id}";
/// Rotates a directory's bearer token.
pub const SCIM_DIRECTORY_ROTATE: &str = "/v1/scim-directories/{id}/rotate-bearer-token";
/// Expires the bearer tokens that a newer one replaced, now.
pub const SCIM_DIRECTORY_END_OVERLAP: &str = "/v1/scim-directories/{id}/end-bearer-token-overlap";
/// The users that identity providers provisioned, for apps.
pub const SCIM_USERS: &str = "/v1/scim/users";
/// One of them.
pub const SCIM_USER: &str = "/v1/scim/users/{id}";
/// The groups that identity providers provisioned, for apps.
pub const SCIM_GROUPS: &str = "/v1/scim/groups";
/// One of them.
pub const SCIM_GROUP: &str = "/v1/scim/groups/{id}";
/// The SCIM requests of identity providers, for support.
pub const SCIM_REQUESTS: &str = "/v1/scim-requests";
/// One SCIM request.
pub const SCIM_REQUEST: &str = "/v1/scim-requests/{id}";
/// The events of an environment, in order.
pub const EVENTS: &str = "/v1/events";
/// The webhooks of an environment.
pub const WEBHOOKS: &str = "/v1/webhooks";
/// One webhook.
pub const WEBHOOK: &str = "/v1/webhooks/{id}";
/// Rotates a webhook's secret.
pub const WEBHOOK_ROTATE: &str = "/v1/webhooks/{id}/rotate-secret";
/// Replays events to a webhook.
pub const WEBHOOK_REPLAY: &str = "/v1/webhooks/{id}/replay";
/// The webhook deliveries of an environment.
pub const WEBHOOK_DELIVERIES: &str = "/v1/webhook-deliveries";
/// One delivery.
pub const WEBHOOK_DELIVERY: &str = "/v1/webhook-deliveries/{id}";
/// Replays one delivery.
pub const WEBHOOK_DELIVERY_REPLAY: &str = "/v1/webhook-deliveries/{id}/replay";
/// The audit log of an environment.
pub const AUDIT_EVENTS: &str = "/v1/audit-events";
/// The audit log as JSON lines.
pub const AUDIT_EVENTS_EXPORT: &str = "/v1/audit-events/export";
/// One audit event.
pub const AUDIT_EVENT: &str = "/v1/audit-events/{id}";
/// A directory's SCIM base URL, which the identity provider is configured with.
pub const SCIM_BASE: &str = "/v1/scim/{directory}";

/// The setup pages' entry, where a one-time link leads; its button posts to it.
pub const SETUP: &str = "/setup";
/// The setup overview: what there is to set up, what is done, what is next.
pub const SETUP_HOME: &str = "/setup/home";
/// Ends the setup session.
pub const SETUP_LEAVE: &str = "/setup/leave";
/// The organization's SAML connections, and which identity provider to connect.
pub const SETUP_SAML: &str = "/setup/saml";
/// One step of connecting it.
pub const SETUP_SAML_STEP: &str = "/setup/saml/{connection}/{step}";
/// Our service-provider metadata, for upload at the identity provider.
pub const SETUP_SAML_METADATA: &str = "/setup/saml/{connection}/sp-metadata.xml";
/// The result of a test login.
pub const SETUP_SAML_TEST: &str = "/setup/saml/{connection}/test/{flow}";
/// The organization's SCIM directories, and which identity provider to connect.
pub const SETUP_SCIM: &str = "/setup/scim";
/// One step of connecting it.
pub const SETUP_SCIM_STEP: &str = "/setup/scim/{directory}/{step}";
/// The organization's domains.
pub const SETUP_DOMAINS: &str = "/setup/domains";
/// Checks the DNS record of a domain.
pub const SETUP_DOMAIN_CHECK: &str = "/setup/domains/{domain}/check";
/// Removes a domain.
pub const SETUP_DOMAIN_REMOVE: &str = "/setup/domains/{domain}/remove";
/// The vendor's colours, as a stylesheet.
pub const BRANDING_STYLE: &str = "/branding/{environment}/style.css";
/// The vendor's logo.
pub const BRANDING_LOGO: &str = "/branding/{environment}/logo";

/// Setup links for customers' admins.
pub const SETUP_URLS: &str = "/v1/setup-urls";
/// One of them.
pub const SETUP_URL: &str = "/v1/setup-urls/{id}";
/// The domains of an organization, with their states.
pub const ORGANIZATION_DOMAINS: &str = "/v1/organizations/{id}/domains";
/// One of them.
pub const ORGANIZATION_DOMAIN: &str = "/v1/organizations/{id}/domains/{domain}";
/// Approves a domain on the vendor's authority, without a DNS check.
pub const ORGANIZATION_DOMAIN_APPROVE: &str = "/v1/organizations/{id}/domains/{domain}/approve";
/// Checks the DNS record of a domain.
pub const ORGANIZATION_DOMAIN_CHECK: &str = "/v1/organizations/{id}/domains/{domain}/check";
/// The branding of an environment.
pub const ENVIRONMENT_BRANDING: &str = "/v1/environments/{id}/branding";
/// The logo of the branding.
pub const ENVIRONMENT_BRANDING_LOGO: &str = "/v1/environments/{id}/branding/logo";

/// Where the browser starts a login.
pub const SAML_INIT: &str = "/v1/saml/{connection}/init";
/// Assertion consumer service: where the identity provider posts its response.
pub const SAML_ACS: &str = "/v1/saml/{connection}/acs";
/// Service-provider metadata (SAML 2.0 Metadata §2.4.4).
pub const SAML_METADATA: &str = "/v1/saml/{connection}/metadata";
/// The entity id that new connections get; SSOReady's form.
pub const SAML_ENTITY: &str = "/v1/saml/{connection}";
/// Where a login by OpenID Connect begins.
pub const OIDC_INIT: &str = "/v1/oidc/{connection}/init";
/// The redirect URI of an OIDC connection.
pub const OIDC_CALLBACK: &str = "/v1/oidc/{connection}/callback";

/// The OAuth issuer (RFC 8414 §2).
pub const OAUTH_ISSUER: &str = "/v1/oauth";
/// The discovery document (OpenID Connect Discovery 1.0 §4).
pub const OAUTH_DISCOVERY: &str = "/v1/oauth/.well-known/openid-configuration";
/// The same document at the location of RFC 8414 §3.1.
pub const OAUTH_SERVER_METADATA: &str = "/.well-known/oauth-authorization-server/v1/oauth";
/// The authorization endpoint (RFC 6749 §3.1).
pub const OAUTH_AUTHORIZE: &str = "/v1/oauth/authorize";
/// The token endpoint (RFC 6749 §3.2).
pub const OAUTH_TOKEN: &str = "/v1/oauth/token";
/// The JWK Set (RFC 7517 §5).
pub const OAUTH_JWKS: &str = "/v1/oauth/jwks";
/// The userinfo endpoint (OpenID Connect Core 1.0 §5.3).
pub const OAUTH_USERINFO: &str = "/v1/oauth/userinfo";

/// The first segments of SecureAuth's APIs.
pub const SYSTEM_API: &str = "/api/system";
/// The changes of a workspace: SecureAuth's audit log.
pub const SYSTEM_AUDIT_EVENTS: &str = "/api/system/{tenant}/servers/{workspace}/audit-events";

/// Identity pools (SecureAuth's identity API).
pub const SECUREAUTH_POOLS: &str = "/api/identity/{tenant}/system/pools";
/// An identity pool.
pub const SECUREAUTH_POOL: &str = "/api/identity/{tenant}/system/pools/{pool}";
/// The identity pools of a workspace.
pub const SECUREAUTH_WORKSPACE_POOLS: &str = "/api/identity/{tenant}/system/workspace/{workspace}/pools";
/// Schemas of what is kept about users.
pub const SECUREAUTH_SCHEMAS: &str = "/api/identity/{tenant}/system/schemas";
/// A schema.
pub const SECUREAUTH_SCHEMA: &str = "/api/identity/{tenant}/system/schemas/{schema}";

/// Identity pools, by the path for administrators.
pub const SECUREAUTH_ADMIN_POOLS: &str = "/api/identity/{tenant}/admin/pools";
/// An identity pool, by the path for administrators.
pub const SECUREAUTH_ADMIN_POOL: &str = "/api/identity/{tenant}/admin/pools/{pool}";
/// The identity pools of a workspace, by the path for administrators.
pub const SECUREAUTH_ADMIN_WORKSPACE_POOLS: &str = "/api/identity/{tenant}/admin/workspace/{workspace}/pools";
/// An identity pool of a workspace.
pub const SECUREAUTH_ADMIN_WORKSPACE_POOL: &str =
    "/api/identity/{tenant}/admin/workspace/{workspace}/pools/{pool}";
/// Schemas, by the path for administrators.
pub const SECUREAUTH_ADMIN_SCHEMAS: &str = "/api/identity/{tenant}/admin/schemas";
/// A schema, by the path for administrators.
pub const SECUREAUTH_ADMIN_SCHEMA: &str = "/api/identity/{tenant}/admin/schemas/{schema}";
/// Users of an identity pool, by the path for administrators.
pub const SECUREAUTH_ADMIN_USERS: &str = "/api/identity/{tenant}/admin/pools/{pool}/users";
/// A user, by the path for administrators.
pub const SECUREAUTH_ADMIN_USER: &str = "/api/identity/{tenant}/admin/pools/{pool}/users/{user}";
/// One more identifier of a user, by the path for administrators.
pub const SECUREAUTH_ADMIN_USER_IDENTIFIERS_ADD: &str =
    "/api/identity/{tenant}/admin/pools/{pool}/users/{user}/identifiers/add";
/// One identifier of a user less, by the path for administrators.
pub const SECUREAUTH_ADMIN_USER_IDENTIFIERS_REMOVE: &str =
    "/api/identity/{tenant}/admin/pools/{pool}/users/{user}/identifiers/remove";
/// One more address of a user, by the path for administrators.
pub const SECUREAUTH_ADMIN_USER_ADDRESSES_ADD: &str =
    "/api/identity/{tenant}/admin/pools/{pool}/users/{user}/addresses/add";
/// A change of an address of a user, by the path for administrators.
pub const SECUREAUTH_ADMIN_USER_ADDRESSES_UPDATE: &str =
    "/api/identity/{tenant}/admin/pools/{pool}/users/{user}/addresses/update";
/// One address of a user less, by the path for administrators.
pub const SECUREAUTH_ADMIN_USER_ADDRESSES_REMOVE: &str =
    "/api/identity/{tenant}/admin/pools/{pool}/users/{user}/addresses/remove";
/// Whether a password can be used, by the path for administrators.
pub const SECUREAUTH_ADMIN_PASSWORD_STATE: &str =
    "/api/identity/{tenant}/admin/pools/{pool}/users/{user}/password/state";
/// Organizations and templates (SecureAuth's system API).
pub const SECUREAUTH_ORGANIZATIONS: &str = "/api/system/{tenant}/organizations";
/// An organization.
pub const SECUREAUTH_ORGANIZATION: &str = "/api/system/{tenant}/organizations/{organization}";
/// Its metadata.
pub const SECUREAUTH_ORGANIZATION_METADATA: &str =
    "/api/system/{tenant}/organizations/{organization}/metadata";
/// The same organizations (SecureAuth's admin API).
pub const ADMIN_ORGANIZATIONS: &str = "/api/admin/{tenant}/organizations";
/// An organization.
pub const ADMIN_ORGANIZATION: &str = "/api/admin/{tenant}/organizations/{organization}";
/// Its metadata.
pub const ADMIN_ORGANIZATION_METADATA: &str = "/api/admin/{tenant}/organizations/{organization}/metadata";
/// The organizations of the user who asks.
pub const ADMIN_USER_ORGANIZATIONS: &str = "/api/admin/{tenant}/user/organizations";

/// Users of an identity pool (SecureAuth's identity API).
pub const SECUREAUTH_USERS: &str = "/api/identity/{tenant}/system/pools/{pool}/users";
/// The user with an identifier or an address. It comes before the route of a user.
pub const SECUREAUTH_USER_BY_KEY: &str = "/api/identity/{tenant}/system/pools/{pool}/users/by_key";
/// A user.
pub const SECUREAUTH_USER: &str = "/api/identity/{tenant}/system/pools/{pool}/users/{user}";
/// One more identifier of a user.
pub const SECUREAUTH_USER_IDENTIFIERS_ADD: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/identifiers/add";
/// One identifier of a user less.
pub const SECUREAUTH_USER_IDENTIFIERS_REMOVE: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/identifiers/remove";
/// One more address of a user.
pub const SECUREAUTH_USER_ADDRESSES_ADD: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/addresses/add";
/// A change of an address of a user.
pub const SECUREAUTH_USER_ADDRESSES_UPDATE: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/addresses/update";
/// One address of a user less.
pub const SECUREAUTH_USER_ADDRESSES_REMOVE: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/addresses/remove";

/// Groups of the users of an identity pool (SecureAuth's identity API).
pub const SECUREAUTH_GROUPS: &str = "/api/identity/{tenant}/system/pools/{pool}/groups";
/// A group.
pub const SECUREAUTH_GROUP: &str = "/api/identity/{tenant}/system/pools/{pool}/groups/{group}";
/// The users in a group.
pub const SECUREAUTH_GROUP_USERS: &str = "/api/identity/{tenant}/system/pools/{pool}/groups/{group}/users";
/// A user in a group.
pub const SECUREAUTH_GROUP_USER: &str =
    "/api/identity/{tenant}/system/pools/{pool}/groups/{group}/users/{user}";
/// The groups of a user.
pub const SECUREAUTH_USER_GROUPS: &str = "/api/identity/{tenant}/system/pools/{pool}/users/{user}/groups";
/// A group of a user.
pub const SECUREAUTH_USER_GROUP: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/groups/{group}";

/// The same groups, by the path for administrators.
pub const SECUREAUTH_ADMIN_GROUPS: &str = "/api/identity/{tenant}/admin/pools/{pool}/groups";
/// A group.
pub const SECUREAUTH_ADMIN_GROUP: &str = "/api/identity/{tenant}/admin/pools/{pool}/groups/{group}";
/// The users in a group.
pub const SECUREAUTH_ADMIN_GROUP_USERS: &str =
    "/api/identity/{tenant}/admin/pools/{pool}/groups/{group}/users";
/// A user in a group.
pub const SECUREAUTH_ADMIN_GROUP_USER: &str =
    "/api/identity/{tenant}/admin/pools/{pool}/groups/{group}/users/{user}";
/// The groups of a user.
pub const SECUREAUTH_ADMIN_USER_GROUPS: &str =
    "/api/identity/{tenant}/admin/pools/{pool}/users/{user}/groups";
/// A group of a user.
pub const SECUREAUTH_ADMIN_USER_GROUP: &str =
    "/api/identity/{tenant}/admin/pools/{pool}/users/{user}/groups/{group}";

/// A password that its present one permits to change.
pub const SECUREAUTH_CHANGE_PASSWORD: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/change-password";
/// Whether a password can be used.
pub const SECUREAUTH_PASSWORD_STATE: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/password/state";
/// A code that resets a password, asked for.
pub const SECUREAUTH_RESET_PASSWORD_REQUEST: &str =
    "/api/identity/{tenant}/system/pools/{pool}/user/password/reset/request";
/// A password that is reset by a code, by identifier or id.
pub const SECUREAUTH_RESET_PASSWORD_CONFIRM: &str =
    "/api/identity/{tenant}/system/pools/{pool}/user/password/reset/confirm";
/// A password that is reset by a code.
pub const SECUREAUTH_RESET_PASSWORD_COMPLETE: &str =
    "/api/identity/{tenant}/system/pools/{pool}/user/password/reset/complete";
/// A password that is verified.
pub const SECUREAUTH_VERIFY_PASSWORD: &str =
    "/api/identity/{tenant}/system/pools/{pool}/user/password/v2/verify";
/// An authenticator app that its present code permits to replace.
pub const SECUREAUTH_CHANGE_TOTP: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/totp/change";
/// A code that resets an authenticator app, asked for.
pub const SECUREAUTH_RESET_TOTP_REQUEST: &str =
    "/api/identity/{tenant}/system/pools/{pool}/user/totp/reset/request";
/// An authenticator app that is reset by a code.
pub const SECUREAUTH_RESET_TOTP_COMPLETE: &str =
    "/api/identity/{tenant}/system/pools/{pool}/user/totp/reset/complete";
/// A one-time code that is returned.
pub const SECUREAUTH_GENERATE_CODE: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/code/generate";
/// A one-time code of whoever is named, returned.
pub const SECUREAUTH_GENERATE_CODE_FOR: &str =
    "/api/identity/{tenant}/system/pools/{pool}/user/code/generate";
/// A code that proves an address, asked for.
pub const SECUREAUTH_VERIFICATION_REQUEST: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/address/verification/request";
/// An address that is proven by a code.
pub const SECUREAUTH_VERIFICATION_COMPLETE: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/address/verification/complete";
/// An activation code, asked for.
pub const SECUREAUTH_SEND_ACTIVATION: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/activation/send";
/// An activation code, returned.
pub const SECUREAUTH_GENERATE_ACTIVATION: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/activation/generate";
/// A new user, activated by a code.
pub const SECUREAUTH_ACTIVATE: &str = "/api/identity/{tenant}/system/pools/{pool}/users/{user}/activate";
/// The user whom a code names, activated.
pub const SECUREAUTH_ACTIVATE_EXTENDED: &str = "/api/identity/{tenant}/system/pools/{pool}/user/activate";
/// Somebody who registers themselves.
pub const SECUREAUTH_REGISTER: &str = "/api/identity/{tenant}/system/pools/{pool}/user/register";
/// The options of a new passkey.
pub const SECUREAUTH_PASSKEY_BEGIN: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/webauthn/create/begin";
/// A new passkey.
pub const SECUREAUTH_PASSKEY_COMPLETE: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/webauthn/create/complete";
/// The name of a passkey.
pub const SECUREAUTH_PASSKEY_NAME: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/webauthn/{credential}/name";
/// A passkey.
pub const SECUREAUTH_PASSKEY: &str =
    "/api/identity/{tenant}/system/pools/{pool}/users/{user}/webauthn/{credential}";
/// A code that adds a passkey, asked for.
pub const SECUREAUTH_ADD_PASSKEY_REQUEST: &str =
    "/api/identity/{tenant}/system/pools/{pool}/user/webauthn/add/request";
/// A passkey that is added by a code.
pub const SECUREAUTH_ADD_PASSKEY_COMPLETE: &str =
    "/api/identity/{tenant}/system/pools/{pool}/user/webauthn/add/complete";

/// The token endpoint of an environment by WSO2's name, and its issuer.
pub const TENANT_TOKEN: &str = "/t/{tenant}/oauth2/token";
/// The token endpoint of the default environment by WSO2's name, and its issuer.
pub const DEFAULT_TENANT_TOKEN: &str = "/oauth2/token";
/// The metadata of both, each at its two locations.
pub const TENANT_DISCOVERIES: [&str; 4] = [
    "/oauth2/token/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/oauth2/token",
    "/t/{tenant}/oauth2/token/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/t/{tenant}/oauth2/token",
];
/// The JWK Sets of both.
pub const TENANT_JWKS: [&str; 2] = ["/oauth2/jwks", "/t/{tenant}/oauth2/jwks"];
/// The introspection endpoints of both.
pub const TENANT_INTROSPECTS: [&str; 2] = ["/oauth2/introspect", "/t/{tenant}/oauth2/introspect"];
/// The revocation endpoints of both.
pub const TENANT_REVOKES: [&str; 2] = ["/oauth2/revoke", "/t/{tenant}/oauth2/revoke"];

/// The console's first page.
pub const CONSOLE: &str = "/console";
/// The sign-in page of administrators.
pub const CONSOLE_SIGN_IN: &str = "/console/sign-in";
/// Where an administrator accepts an invitation.
pub const CONSOLE_JOIN: &str = "/console/join";
/// Ends a session.
pub const CONSOLE_SIGN_OUT: &str = "/console/sign-out";

/// The bundled test identity provider's first page, with IdP-initiated logins.
pub const TEST_IDP: &str = "/test-idp";
/// Its metadata.
pub const TEST_IDP_METADATA: &str = "/test-idp/metadata";
/// Its single sign-on service, for both bindings.
pub const TEST_IDP_SSO: &str = "/test-idp/sso";
/// Starts an IdP-initiated login.
pub const TEST_IDP_START: &str = "/test-idp/start";
/// Where its own pages post the chosen response.
pub const TEST_IDP_RESPOND: &str = "/test-idp/respond";

/// The SCIM client that provisions its users and groups.
pub const TEST_IDP_SCIM: &str = "/test-idp/scim";

/// The sample app.
pub const DEMO: &str = "/demo";
/// The users that identity providers provisioned to it.
pub const DEMO_PEOPLE: &str = "/demo/people";
/// The letters that the gateway wrote.
pub const DEMO_MAILBOX: &str = "/demo/mailbox";
/// One of them.
pub const DEMO_LETTER: &str = "/demo/mailbox/{letter}";
/// Its sign-in buttons.
pub const DEMO_SIGN_IN: &str = "/demo/sign-in";
/// Its redirect URL for access codes.
pub const DEMO_CALLBACK: &str = "/demo/callback";
/// Its OAuth redirect URI.
pub const DEMO_OAUTH_CALLBACK: &str = "/demo/oauth/callback";
/// Ends the sample app's session.
pub const DEMO_SIGN_OUT: &str = "/demo/sign-out";
