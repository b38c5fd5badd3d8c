//! The limits of routes: which failures count for the caller's rate limit and under which key, and how large a body may
//! be.

use actix_web::http::{Method, StatusCode};
use base::id::{SamlConnectionId, ScimDirectoryId};

use super::scim;
use crate::{
    app::limits::{
        body_allowance::MAX_UNAUTHENTICATED_BODY,
        rate_limiter::{RateLimit, RateLimitKey},
    },
    links::{console as console_path, path, wso2},
};

/// The largest form with a SAML response, in bytes: a document of 384 kB is 512 kB in base64; form encoding triples
/// some characters, and line breaks add a twelfth.
const MAX_RESPONSE_FORM: usize = 640 * 1024;

/// The rate limit of a route. The ACS counts its failures itself, by login (`login::check_rate_limit`).
pub(super) fn rate_limit(method: &Method, route: &str) -> Option<RateLimit> {
    match route {
        path::SAML_REDEEM | path::OAUTH_TOKEN if *method == Method::POST => Some(RateLimit::Credentials),
        path::OAUTH_AUTHORIZE
        | path::WORKSPACE_AUTHORIZE
        | console_path::SIGN_IN_SAML
        | console_path::SIGN_IN_OIDC => Some(RateLimit::LoginStart),
        route if route.starts_with(scim::BASE) => Some(RateLimit::Directories),
        console_path::SIGN_IN
        | console_path::SIGN_IN_PASSKEY
        | console_path::JOIN
        | path::WORKSPACE_SIGN_IN
        | path::WORKSPACE_SIGN_IN_CODE
        | path::WORKSPACE_ACTIVATE
        | path::WORKSPACE_RESET
        | path::WORKSPACE_VERIFY
        | path::WORKSPACE_INVITATION_JOIN
        | path::WORKSPACE_INVITATION_NEW
        | path::SIGID_ACCEPT_INVITATION
        | path::SIGID_SESSIONS
            if *method == Method::POST =>
        {
            Some(RateLimit::ConsoleSignIn)
        }
        path::WORKSPACE_SIGN_IN if *method == Method::GET => Some(RateLimit::LoginStart),
        route if path::TENANT_AUTHORIZES.contains(&route) => Some(RateLimit::LoginStart),
        route if wso2::ACCEPT_INVITATION.contains(&route) => Some(RateLimit::LoginStart),
        path::WORKSPACE_FORGOTTEN | path::WORKSPACE_REGISTER | path::WORKSPACE_INVITATION_SEND
            if *method == Method::POST =>
        {
            Some(RateLimit::LetterRequests)
        }
        _ => None,
    }
}

/// The key under which failures count, besides the client: the matched route and the connection or directory in the
/// path. All paths without a valid id share one key, so that clients cannot create keys.
pub(super) fn limit_key(route: &str, request_path: &str) -> String {
    let named = |at| request_path.split('/').nth(at).unwrap_or_default();
    if route == path::SAML_ACS {
        let connection = named(3).parse::<SamlConnectionId>();
        return connection.map_or_else(|_| route.to_owned(), |id| format!("{route} {id}"));
    }
    if route.starts_with(scim::BASE) {
        let directory = named(3).parse::<ScimDirectoryId>();
        return directory.map_or_else(|_| scim::BASE.to_owned(), |id| format!("{} {id}", scim::BASE));
    }
    route.to_owned()
}

/// The largest body that a route accepts of an unauthenticated caller, in bytes.
pub(super) fn max_unauthenticated_body(route: &str) -> usize {
    match route {
        path::SAML_ACS => MAX_RESPONSE_FORM,
        _ => MAX_UNAUTHENTICATED_BODY,
    }
}

/// Whether a response with this status counts as a failure for the caller's rate limit. At redeem and token only wrong
/// credentials count: wrong codes originate from browsers and reach us through the vendor's servers, which must not
/// be locked out.
pub(super) fn is_failure(caller: &RateLimitKey, status: StatusCode) -> bool {
    match caller.limit() {
        RateLimit::Credentials
        | RateLimit::Clients
        | RateLimit::Directories
        | RateLimit::Account
        | RateLimit::SecondFactor => status == StatusCode::UNAUTHORIZED,
        RateLimit::ConsoleSignIn => matches!(status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND),
        RateLimit::SamlResponses | RateLimit::IdpSamlResponses | RateLimit::LoginSamlResponses => {
            status.is_client_error()
        }
        RateLimit::LoginStart | RateLimit::LetterRequests | RateLimit::DomainChecks => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_for_what_is_named_and_not_for_how() {
        let acs = |connection: &str| limit_key(path::SAML_ACS, &format!("/v1/saml/{connection}/acs"));
        let one = SamlConnectionId::from_bits(1).to_string();
        let other = SamlConnectionId::from_bits(2).to_string();
        assert_ne!(acs(&one), acs(&other));
        assert_eq!(acs("x"), acs("y"));
        assert_eq!(acs(&one.to_uppercase()), acs("x"));
        assert_eq!(acs(&format!("{one}%2F")), acs("x"));

        let users = format!("{}/Users", scim::BASE);
        let directory = ScimDirectoryId::from_bits(1);
        let scim = |route: &str, rest: &str| limit_key(route, &format!("/v1/scim/{rest}"));
        assert_eq!(
            scim(&users, &format!("{directory}/Users")),
            scim(scim::BASE, &format!("{directory}/nowhere/x"))
        );
        assert_ne!(scim(&users, &format!("{directory}/Users")), scim(&users, "scim_directory_x/Users"));
        assert_eq!(scim(&users, "scim_directory_y/Users"), scim(scim::BASE, "scim_directory_x"));

        assert_eq!(
            limit_key(path::OAUTH_TOKEN, "/v1/oauth/token"),
            limit_key(path::OAUTH_TOKEN, "/anything")
        );
        assert_ne!(limit_key(path::OAUTH_TOKEN, ""), limit_key(path::SAML_REDEEM, ""));
    }
}
