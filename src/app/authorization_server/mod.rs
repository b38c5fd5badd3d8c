//! The authorization server: OAuth 2.0 and OpenID Connect for the apps, and the redirect and redeem calls of
//! SSOReady's API, which are the same code flow under other names.

pub mod access_token_keys;
pub mod access_tokens;
pub mod authorize;
pub mod clients;
pub mod issuer_clients;
pub mod issuer_token;
pub mod issuers;
pub mod organization_switch;
pub mod redeem;
pub mod redirect;
pub mod scopes;
pub mod sign_in;
pub mod signing_keys;
pub mod token;
pub mod user_scopes;
pub mod userinfo;
