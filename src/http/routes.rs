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
    },
    links::{console as console_path, path},
    pages::{assets, branding, console, home, setup},
};

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

/// Where failures are counted.
pub(super) fn door(method: &Method, route: &str) -> Option<Door> {
    match route {
        path::SAML_REDEEM | path::OAUTH_TOKEN if *method == Method::POST => Some(Door::Credentials),
        path::SAML_ACS if *method == Method::POST => Some(Door::Responses),
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

/// What is behind a door, besides which failures count for the client: what a path names; of a directory's,
/// the directory, whatever of it is asked for.
pub(super) fn behind(door: Door, path: &str) -> &str {
    match door {
        Door::Directories => {
            let end = path.match_indices('/').nth(3).map_or(path.len(), |(at, _)| at);
            &path[..end]
        }
        _ => path,
    }
}

/// Whether an answer with this status is a failure at the caller's door. At redeem and token only
/// wrong credentials count: wrong codes come from strangers' browsers by way of the vendor's own
/// servers, who must not be locked out for them.
pub(super) fn is_failure(caller: &Caller, status: StatusCode) -> bool {
    match caller.door() {
        Door::Credentials | Door::Directories | Door::Account => status == StatusCode::UNAUTHORIZED,
        Door::SignIn => matches!(status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND),
        Door::Responses => status.is_client_error(),
        Door::Beginnings => true,
    }
}
