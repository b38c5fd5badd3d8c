//! Every route, grouped by caller.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};

use super::{health, metrics, oauth, openapi, reference, saml, scim, ssoready};
use crate::{
    app::State,
    links::path,
    web::{branding, console, home, kit::assets, setup},
};

/// Registers every route. Routes with GET also accept HEAD (`middleware`). `directories` is the state of the SCIM
/// routes, with its own share of database connections.
pub fn configure(config: &mut ServiceConfig, directories: &web::Data<State>) {
    // Load balancers and monitoring
    config
        .service(web::resource("/healthz").get(health::live))
        .service(web::resource("/readyz").get(health::ready))
        .service(web::resource("/metrics").get(metrics::serve_with_token));

    // Browsers
    config
        .service(web::resource(path::HOME).get(home::serve))
        .service(web::resource(path::ASSET).get(assets::serve))
        .service(web::resource(path::BRANDING_STYLE).get(branding::style))
        .service(web::resource(path::BRANDING_LOGO).get(branding::logo));

    // Customers' admins, with a setup link
    setup::configure(config);

    // The vendor's administrators, in the console
    console::configure(config);

    // Browsers during a SAML login
    saml::configure(config);

    // OAuth clients, and browsers that they redirect
    oauth::configure(config);

    // The vendor's backend, with an API key
    config
        .service(web::resource(path::OPENAPI).get(openapi::serve))
        .service(web::resource(path::API_REFERENCE).get(reference::overview))
        .service(web::resource(path::API_REFERENCE_SECTION).get(reference::section));
    ssoready::configure(config);

    // SCIM clients of identity providers
    scim::configure(config, directories);

    // Unknown routes: `middleware` adds the body.
    config.default_service(web::to(async || HttpResponse::NotFound().finish()));
}
