//! Every route, by who calls it.

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
    web::{self, ServiceConfig},
};

use super::{api, health, metrics, oauth, openapi, reference, saml, scim};
use crate::{
    app::{
        State,
        limits::{Caller, Door},
        request_memory::MAX_UNAUTHENTICATED_BODY,
    },
    links::{console as console_path, path},
    model::id::{SamlConnectionId, ScimDirectoryId},
    pages::{assets, branding, console, home, setup},
};

/// The largest form with a SAML response, in bytes: a document of 384 kB is 512 kB in base64, of which a form
/// encodes some characters threefold; an IdP that breaks the lines adds a twelfth.
const MAX_RESPONSE_FORM: usize = 640 * 1024;

/// Registers every route. Whatever takes GET takes HEAD: `middleware` sees to it. `directories` is the state
/// for what identity providers push: its connections are of their own share.
pub fn configure(config: &mut ServiceConfig, directories: &web::Data<State>) {
    // Load balancers and monitoring
    config
        .service(web::resource("/healthz").get(health::live))
        .service(web::resource("/readyz").get(health::ready))
        .service(web::resource("/metrics").get(metrics::guarded));

    // People with a browser
    config
        .service(web::resource(path::HOME).get(home::serve))
        .service(web::resource(path::ASSET).get(assets::serve))
        .service(web::resource(path::BRANDING_STYLE).get(branding::style))
        .service(web::resource(path::BRANDING_LOGO).get(branding::logo));

    // Customers' own admins, with a setup link
    setup::configure(config);

    // The vendor's people, in the console
    console::configure(config);

    // Browsers on their way to and from identity providers
    saml::configure(config);

    // OAuth clients' servers, and the browsers they send
    oauth::configure(config);

    // The vendor's backend, with an API key
    config
        .service(web::resource(path::OPENAPI).get(openapi::serve))
        .service(web::resource(path::API_REFERENCE).get(reference::overview))
        .service(web::resource(path::API_REFERENCE_SECTION).get(reference::section));
    api::configure(config);

    // Identity providers that push people and groups
    scim::configure(config, directories);

    // Whoever lost the way: `middleware` writes the words.
    config.default_service(web::to(async || HttpResponse::NotFound().finish()));
}

/// Where failures are counted. The ACS counts for itself: it knows whose they are (`sign_in::admit`).
pub(super) fn door(method: &Method, route: &str) -> Option<Door> {
    match route {
        path::SAML_REDEEM | path::OAUTH_TOKEN if *method == Method::POST => Some(Door::Credentials),
        path::OAUTH_AUTHORIZE | console_path::SIGN_IN_SAML | console_path::SIGN_IN_OIDC => {
            Some(Door::Beginnings)
        }
        route if route.starts_with(scim::BASE) => Some(Door::Directories),
        console_path::SIGN_IN | console_path::SIGN_IN_PASSKEY | console_path::JOIN
            if *method == Method::POST =>
        {
            Some(Door::SignIn)
        }
        _ => None,
    }
}

/// Under what failures count besides the client: the matched route, and the connection or directory that the
/// path names, whatever of it is asked for. A path that names none of ours shares the key of all such paths, so
/// that nobody makes keys of their own.
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

/// The largest body that a route takes of somebody who has not proved who they are, in bytes.
pub(super) fn max_unauthenticated_body(route: &str) -> usize {
    match route {
        path::SAML_ACS => MAX_RESPONSE_FORM,
        _ => MAX_UNAUTHENTICATED_BODY,
    }
}

/// Whether an answer with this status is a failure at the caller's door. At redeem and token only
/// wrong credentials count: wrong codes come from strangers' browsers by way of the vendor's own
/// servers, who must not be locked out for them.
pub(super) fn is_failure(caller: &Caller, status: StatusCode) -> bool {
    match caller.door() {
        Door::Credentials | Door::Directories | Door::Account => status == StatusCode::UNAUTHORIZED,
        Door::SignIn => matches!(status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND),
        Door::Responses | Door::IdpResponses | Door::LoginResponses => status.is_client_error(),
        Door::Beginnings => true,
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
