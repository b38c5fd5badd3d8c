//! The REST API of SSOReady's SDKs: wire types and handlers, one file per resource. Every field of a
//! response is always present.

pub mod api_keys;
pub mod applications;
pub mod audit_events;
pub mod branding;
pub mod call;
pub mod domains;
pub mod environments;
pub mod events;
pub mod fields;
pub mod idempotency;
pub mod oauth_clients;
pub mod oidc_connections;
mod organizations;
pub mod reply;
pub mod saml;
pub mod saml_connections;
pub mod saml_flows;
pub mod schema;
pub mod scim_directories;
pub mod scim_groups;
pub mod scim_requests;
pub mod scim_users;
pub mod setup_links;
pub mod webhooks;

use actix_web::middleware::from_fn;
use utoipa::OpenApi;

use super::method_not_allowed::method_not_allowed;
use crate::{links::path, web::kit::routing::Routes};

/// Registers the API's routes and adds them to the OpenAPI document, both from one table.
macro_rules! routes {
    ($($path:ident: $($method:ident $module:ident::$handler:ident),+;)*) => {
        /// Every route of the API: its path and the methods that it supports.
        pub const ROUTES: &[(&str, &[&str])] = &[$((path::$path, &[$(stringify!($method)),+])),*];

        /// Registers the API's routes.
        pub fn configure(routes: &mut Routes<'_>) {
            $(routes.resource(path::$path, |resource| {
                resource
                    $(.$method($module::$handler))+
                    .default_service(method_not_allowed([$(stringify!($method)),+].join(", ").to_uppercase()))
                    .wrap(from_fn(idempotency::handle))
            });)*
        }

        /// The handlers' OpenAPI annotations.
        #[derive(OpenApi)]
        #[openapi(paths($($($module::$handler),+),*), components(schemas(schema::Error)))]
        pub struct Handlers;
    };
}

// The paths below `/v1/scim/` are registered before those of the SCIM server, which begin with a directory's id.
routes! {
    SAML_REDIRECT: post saml::redirect;
    SAML_REDEEM: post saml::redeem;
    ENVIRONMENTS: get environments::list;
    ENVIRONMENT: get environments::find, patch environments::update, delete environments::remove;
    API_KEYS: get api_keys::list, post api_keys::create;
    API_KEY: get api_keys::find, patch api_keys::update, delete api_keys::remove;
    OAUTH_CLIENTS: get oauth_clients::list, post oauth_clients::create;
    OAUTH_CLIENT: get oauth_clients::find, patch oauth_clients::update, delete oauth_clients::remove;
    OAUTH_CLIENT_ROTATE: post oauth_clients::rotate_secret;
    APPLICATIONS: get applications::list, post applications::create;
    APPLICATION: get applications::find, patch applications::update, delete applications::remove;
    APPLICATION_ROTATE: post applications::rotate_secret;
    ORGANIZATIONS: get organizations::list, post organizations::create;
    ORGANIZATION: get organizations::find, patch organizations::update, delete organizations::remove;
    SAML_CONNECTIONS: get saml_connections::list, post saml_connections::create;
    SAML_CONNECTION: get saml_connections::find, patch saml_connections::update, delete saml_connections::remove;
    SAML_CONNECTION_REFRESH: post saml_connections::refresh_metadata;
    OIDC_CONNECTIONS: get oidc_connections::list, post oidc_connections::create;
    OIDC_CONNECTION: get oidc_connections::find, patch oidc_connections::update, delete oidc_connections::remove;
    SAML_FLOWS: get saml_flows::list;
    SAML_FLOW: get saml_flows::find;
    SAML_FLOW_CHECK: post saml_flows::check;
    SCIM_DIRECTORIES: get scim_directories::list, post scim_directories::create;
    SCIM_DIRECTORY: get scim_directories::find, patch scim_directories::update, delete scim_directories::remove;
    SCIM_DIRECTORY_ROTATE: post scim_directories::rotate;
    SCIM_DIRECTORY_END_OVERLAP: post scim_directories::end_overlap;
    SCIM_USERS: get scim_users::list;
    SCIM_USER: get scim_users::find;
    SCIM_GROUPS: get scim_groups::list;
    SCIM_GROUP: get scim_groups::find;
    SCIM_REQUESTS: get scim_requests::list;
    SCIM_REQUEST: get scim_requests::find;
    EVENTS: get events::list;
    WEBHOOKS: get webhooks::list, post webhooks::create;
    WEBHOOK: get webhooks::find, patch webhooks::update, delete webhooks::remove;
    WEBHOOK_ROTATE: post webhooks::rotate_secret;
    WEBHOOK_REPLAY: post webhooks::replay;
    WEBHOOK_DELIVERIES: get webhooks::list_deliveries;
    WEBHOOK_DELIVERY: get webhooks::find_delivery;
    WEBHOOK_DELIVERY_REPLAY: post webhooks::replay_delivery;
    SETUP_URLS: get setup_links::list, post setup_links::create;
    SETUP_URL: get setup_links::find, delete setup_links::revoke;
    ORGANIZATION_DOMAINS: get domains::list, post domains::create;
    ORGANIZATION_DOMAIN: get domains::find, delete domains::remove;
    ORGANIZATION_DOMAIN_APPROVE: post domains::approve;
    ORGANIZATION_DOMAIN_CHECK: post domains::check;
    ENVIRONMENT_BRANDING: get branding::find, patch branding::update;
    ENVIRONMENT_BRANDING_LOGO: put branding::set_logo, delete branding::remove_logo;
    AUDIT_EVENTS: get audit_events::list;
    AUDIT_EVENTS_EXPORT: get audit_events::export;
    AUDIT_EVENT: get audit_events::find;
}
