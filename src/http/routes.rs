//! Every route, grouped by surface.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};

use super::{
    account, api_documents, health, metrics, oauth, oidc, saml, scim, secureauth, sign_in, ssoready, wso2,
};
use crate::{
    links::path,
    web::{
        branding, console, home,
        kit::{
            assets,
            routing::{RouteTable, Routes, Surface},
        },
        setup,
    },
};

/// Registers every route and records it in `table`, and answers unknown ones. Routes with GET also accept HEAD (`middleware`).
pub fn configure(config: &mut ServiceConfig, table: &mut RouteTable) {
    table.configure(config, register);
    // Unknown routes: `middleware` adds the body.
    config.default_service(web::to(async || HttpResponse::NotFound().finish()));
}

/// Registers every route.
pub fn register(routes: &mut Routes<'_>) {
    routes
        // Load balancers and monitoring
        .surface(Surface::Health, "", |routes| {
            routes
                .resource("/healthz", |resource| resource.get(health::live))
                .resource("/readyz", |resource| resource.get(health::ready))
                .resource("/metrics", |resource| resource.get(metrics::serve_with_token));
        })
        // Browsers
        .surface(Surface::Site, "", |routes| {
            routes
                .resource(path::HOME, |resource| resource.get(home::serve))
                .resource(path::ASSET, |resource| resource.get(assets::serve))
                .resource(path::BRANDING_STYLE, |resource| resource.get(branding::style))
                .resource(path::BRANDING_LOGO, |resource| resource.get(branding::logo))
                .resource(path::OPENAPI, |resource| resource.get(api_documents::openapi))
                .resource(path::API_REFERENCE, |resource| resource.get(api_documents::overview))
                .resource(path::API_REFERENCE_SECTION, |resource| resource.get(api_documents::section));
        })
        // Customers' admins, with a setup link
        .surface(Surface::Setup, path::SETUP, setup::configure)
        // The vendor's administrators, in the console
        .surface(Surface::Console, path::CONSOLE, console::configure)
        // Browsers during a SAML login
        .surface(Surface::Saml, "/v1/saml", saml::configure)
        // … and during one by OpenID Connect
        .surface(Surface::Saml, "/v1/oidc", oidc::configure)
        // OAuth clients, and browsers that they redirect
        .surface(Surface::Oauth, path::OAUTH_ISSUER, oauth::configure)
        // Clients of an environment, by WSO2's paths
        .surface(Surface::Issuer, "", oauth::issuers::configure)
        // Service clients of a tenant, with an access token
        .surface(Surface::Secureauth, path::SYSTEM_API, secureauth::configure)
        // Programs and people with an access token of WSO2's scopes
        .surface(Surface::Wso2, "", wso2::configure)
        // The same, and SCIM clients of an organization's own users and roles
        .surface(Surface::Wso2Scim, "", wso2::configure_scim)
        .surface(Surface::Wso2Scim, "", wso2::configure_roles)
        .surface(Surface::Wso2, "", wso2::configure_applications)
        // The vendor's backend, with an API key. Before SCIM: `/v1/scim/users` and `/v1/scim/groups` belong to it.
        .surface(Surface::Ssoready, "/v1", ssoready::configure)
        // SCIM clients of identity providers
        .surface(Surface::Scim, "/v1/scim", scim::configure)
        // Clients of an environment's workspaces. Last: the first segment matches every address that no route above has.
        .surface(Surface::Issuer, "", oauth::issuers::configure_workspaces)
        // People who sign in at an organization, and the applications that sent them
        .surface(Surface::Oauth, "", sign_in::configure)
        // The same people in their own accounts
        .surface(Surface::Oauth, "", account::configure)
        // Those of them who administer their organization
        .surface(Surface::Console, "", console::delegated::configure);
}
