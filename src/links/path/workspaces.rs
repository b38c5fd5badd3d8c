//! The routes of an environment's issuers: their endpoints, and the pages of the people of an organization.

/// Sets a credential by the code of a letter: a password, an authenticator app, a passkey.
pub const WORKSPACE_RESET: &str = "/{tenant}/{workspace}/sign-in/reset";
/// Asks for a letter by which somebody gets in again.
pub const WORKSPACE_FORGOTTEN: &str = "/{tenant}/{workspace}/sign-in/forgot";
/// Where people register themselves.
pub const WORKSPACE_REGISTER: &str = "/{tenant}/{workspace}/sign-in/register";
/// Proves an address by the code of a letter.
pub const WORKSPACE_VERIFY: &str = "/{tenant}/{workspace}/sign-in/verify";
/// The issuer of a workspace: `system`, or an organization (RFC 8414 §2).
pub const WORKSPACE_ISSUER: &str = "/{tenant}/{workspace}";
/// Its metadata (OpenID Connect Discovery 1.0 §4).
pub const WORKSPACE_DISCOVERY: &str = "/{tenant}/{workspace}/.well-known/openid-configuration";
/// The same document at the location of RFC 8414 §3.1.
pub const WORKSPACE_SERVER_METADATA: &str = "/.well-known/oauth-authorization-server/{tenant}/{workspace}";
/// Its JWK Set.
pub const WORKSPACE_JWKS: &str = "/{tenant}/{workspace}/.well-known/jwks.json";
/// Its token endpoint.
pub const WORKSPACE_TOKEN: &str = "/{tenant}/{workspace}/oauth2/token";
/// Its introspection endpoint (RFC 7662).
pub const WORKSPACE_INTROSPECT: &str = "/{tenant}/{workspace}/oauth2/introspect";
/// Its revocation endpoint (RFC 7009).
pub const WORKSPACE_REVOKE: &str = "/{tenant}/{workspace}/oauth2/revoke";
/// Its authorization endpoint (RFC 6749 §3.1).
pub const WORKSPACE_AUTHORIZE: &str = "/{tenant}/{workspace}/oauth2/authorize";
/// Its userinfo endpoint (OpenID Connect Core 1.0 §5.3).
pub const WORKSPACE_USERINFO: &str = "/{tenant}/{workspace}/userinfo";
/// Where people sign out of it (OpenID Connect RP-Initiated Logout 1.0 §2).
pub const WORKSPACE_LOGOUT: &str = "/{tenant}/{workspace}/oidc/logout";
/// Its sign-in page.
pub const WORKSPACE_SIGN_IN: &str = "/{tenant}/{workspace}/sign-in";
/// A passkey instead of a password.
pub const WORKSPACE_SIGN_IN_PASSKEY: &str = "/{tenant}/{workspace}/sign-in/passkey";
/// Where a passkey is added while somebody signs in.
pub const WORKSPACE_SIGN_IN_NEW_PASSKEY: &str = "/{tenant}/{workspace}/sign-in/passkey/new";
/// Where an authenticator app is set up while somebody signs in.
pub const WORKSPACE_SIGN_IN_AUTHENTICATOR: &str = "/{tenant}/{workspace}/sign-in/authenticator";
/// Where a sign-in goes on for which nothing else is asked.
pub const WORKSPACE_SIGN_IN_CONTINUE: &str = "/{tenant}/{workspace}/sign-in/continue";
/// The second factor.
pub const WORKSPACE_SIGN_IN_CODE: &str = "/{tenant}/{workspace}/sign-in/code";
/// Another password, where the present one must be changed.
pub const WORKSPACE_SIGN_IN_PASSWORD: &str = "/{tenant}/{workspace}/sign-in/password";
/// Where somebody goes on to the sign-in of their company.
pub const WORKSPACE_COMPANY: &str = "/{tenant}/{workspace}/sign-in/company";
/// Where they come back from it.
pub const WORKSPACE_COMPANY_FINISH: &str = "/{tenant}/{workspace}/sign-in/company/finish";
/// Where they go back to the application from it, without having signed in.
pub const WORKSPACE_COMPANY_DECLINE: &str = "/{tenant}/{workspace}/sign-in/company/decline";
/// What somebody is invited to, by the link of an invitation.
pub const WORKSPACE_INVITATION: &str = "/{tenant}/{workspace}/sign-in/invitation";
/// Where somebody who is signed in accepts it.
pub const WORKSPACE_INVITATION_JOIN: &str = "/{tenant}/{workspace}/sign-in/invitation/join";
/// Where somebody without an account makes one by it.
pub const WORKSPACE_INVITATION_NEW: &str = "/{tenant}/{workspace}/sign-in/invitation/new";
/// Where somebody asks for the letter that proves their address.
pub const WORKSPACE_INVITATION_SEND: &str = "/{tenant}/{workspace}/sign-in/invitation/send";
/// Where somebody signs out who is signed in with another account.
pub const WORKSPACE_INVITATION_LEAVE: &str = "/{tenant}/{workspace}/sign-in/invitation/sign-out";
/// The organizations of a user.
pub const WORKSPACE_ACCOUNT_ORGANIZATIONS: &str = "/{tenant}/{workspace}/account/organizations";
/// Where a user leaves one.
pub const WORKSPACE_ACCOUNT_LEAVE: &str = "/{tenant}/{workspace}/account/organizations/{own}/leave";
/// Where its owner hands it over.
pub const WORKSPACE_ACCOUNT_TRANSFER: &str = "/{tenant}/{workspace}/account/organizations/{own}/transfer";
/// Where a user accepts an invitation for an address that they have proven.
pub const WORKSPACE_ACCOUNT_INVITATION: &str = "/{tenant}/{workspace}/account/invitations/{invitation}";
/// Where a new user sets a password.
pub const WORKSPACE_ACTIVATE: &str = "/{tenant}/{workspace}/sign-in/activate";
/// A user's own account.
pub const WORKSPACE_ACCOUNT: &str = "/{tenant}/{workspace}/account";
/// Its profile.
pub const WORKSPACE_ACCOUNT_PROFILE: &str = "/{tenant}/{workspace}/account/profile";
/// Its addresses.
pub const WORKSPACE_ACCOUNT_ADDRESSES: &str = "/{tenant}/{workspace}/account/addresses";
/// Proves one of them by a code.
pub const WORKSPACE_ACCOUNT_VERIFY: &str = "/{tenant}/{workspace}/account/addresses/verify";
/// Sends the code again.
pub const WORKSPACE_ACCOUNT_SEND: &str = "/{tenant}/{workspace}/account/addresses/send";
/// Makes one of them what the user signs in with, too.
pub const WORKSPACE_ACCOUNT_IDENTIFIER: &str = "/{tenant}/{workspace}/account/addresses/sign-in";
/// Removes one of them.
pub const WORKSPACE_ACCOUNT_REMOVE: &str = "/{tenant}/{workspace}/account/addresses/remove";
/// Its password.
pub const WORKSPACE_ACCOUNT_PASSWORD: &str = "/{tenant}/{workspace}/account/password";
/// Its passkeys.
pub const WORKSPACE_ACCOUNT_PASSKEYS: &str = "/{tenant}/{workspace}/account/passkeys";
/// One of them.
pub const WORKSPACE_ACCOUNT_PASSKEY: &str = "/{tenant}/{workspace}/account/passkeys/{passkey}";
/// Its second factor.
pub const WORKSPACE_ACCOUNT_SECOND_FACTOR: &str = "/{tenant}/{workspace}/account/second-factor";
/// Sets up an authenticator app.
pub const WORKSPACE_ACCOUNT_APP: &str = "/{tenant}/{workspace}/account/second-factor/app";
/// Makes new recovery codes.
pub const WORKSPACE_ACCOUNT_RECOVERY_CODES: &str = "/{tenant}/{workspace}/account/second-factor/codes";
/// Its sessions.
pub const WORKSPACE_ACCOUNT_SESSIONS: &str = "/{tenant}/{workspace}/account/sessions";
/// One of them.
pub const WORKSPACE_ACCOUNT_SESSION: &str = "/{tenant}/{workspace}/account/sessions/{session}";
/// What is kept about the user.
pub const WORKSPACE_ACCOUNT_DATA: &str = "/{tenant}/{workspace}/account/data";
/// All of that in one file.
pub const WORKSPACE_ACCOUNT_FILE: &str = "/{tenant}/{workspace}/account/data/account.json";
/// Erases the account.
pub const WORKSPACE_ACCOUNT_ERASE: &str = "/{tenant}/{workspace}/account/erase";
/// Where the user accepts an invitation to an organization.
pub const WORKSPACE_ACCOUNT_GUEST_INVITATION: &str = "/{tenant}/{workspace}/account/guest-invitation";
/// Where the link of an invitation leads.
pub const WORKSPACE_ACCOUNT_OPEN_GUEST_INVITATION: &str =
    "/{tenant}/{workspace}/account/guest-invitation/open";
/// Where the user proves once more who they are.
pub const WORKSPACE_ACCOUNT_CONFIRM: &str = "/{tenant}/{workspace}/account/confirm";
/// Signs out of it.
pub const WORKSPACE_ACCOUNT_SIGN_OUT: &str = "/{tenant}/{workspace}/account/sign-out";
