//! The REST API that SSOReady's SDKs speak (contracts §2): wire types, one file a resource, and the
//! handlers beside them. Every field of an answer is always there.

pub mod api_keys;
pub mod environments;
pub mod events;
pub mod fields;
pub mod oauth_clients;
pub mod organizations;
pub mod saml;
pub mod saml_connections;
pub mod scim_directories;
pub mod scim_groups;
pub mod scim_requests;
pub mod scim_users;
pub mod webhooks;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, ServiceConfig},
};

use super::problem::Problem;
use crate::{
    app::{Error, page::PageQuery},
    links::path,
};

/// What a handler of the API gives back.
pub type Answer = Result<HttpResponse, Problem>;

/// Registers the API's routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::SAML_REDIRECT).post(saml::redirect).default_service(only("POST")))
        .service(web::resource(path::SAML_REDEEM).post(saml::redeem).default_service(only("POST")))
        .service(
            web::resource(path::ORGANIZATIONS)
                .get(organizations::list)
                .post(organizations::create)
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource(path::ORGANIZATION)
                .get(organizations::find)
                .patch(organizations::update)
                .delete(organizations::remove)
                .default_service(only("GET, PATCH, DELETE")),
        )
        .service(
            web::resource(path::SAML_CONNECTIONS)
                .get(saml_connections::list)
                .post(saml_connections::create)
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource(path::SAML_CONNECTION)
                .get(saml_connections::find)
                .patch(saml_connections::update)
                .delete(saml_connections::remove)
                .default_service(only("GET, PATCH, DELETE")),
        );
    configure_directories(config);
}

/// Directories, and what is in them and happens there. The paths below `/v1/scim/` come before the SCIM
/// server's own, which begin with a directory's id there.
fn configure_directories(config: &mut ServiceConfig) {
    config
        .service(
            web::resource(path::SCIM_DIRECTORIES)
                .get(scim_directories::list)
                .post(scim_directories::create)
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource(path::SCIM_DIRECTORY)
                .get(scim_directories::find)
                .patch(scim_directories::update)
                .delete(scim_directories::remove)
                .default_service(only("GET, PATCH, DELETE")),
        )
        .service(
            web::resource(path::SCIM_DIRECTORY_ROTATE)
                .post(scim_directories::rotate)
                .default_service(only("POST")),
        )
        .service(
            web::resource(path::SCIM_DIRECTORY_END_OVERLAP)
                .post(scim_directories::end_overlap)
                .default_service(only("POST")),
        )
        .service(web::resource(path::SCIM_USERS).get(scim_users::list).default_service(only("GET")))
        .service(web::resource(path::SCIM_USER).get(scim_users::find).default_service(only("GET")))
        .service(web::resource(path::SCIM_GROUPS).get(scim_groups::list).default_service(only("GET")))
        .service(web::resource(path::SCIM_GROUP).get(scim_groups::find).default_service(only("GET")))
        .service(web::resource(path::SCIM_REQUESTS).get(scim_requests::list).default_service(only("GET")))
        .service(web::resource(path::SCIM_REQUEST).get(scim_requests::find).default_service(only("GET")))
        .service(web::resource(path::EVENTS).get(events::list).default_service(only("GET")))
        .service(
            web::resource(path::WEBHOOKS)
                .get(webhooks::list)
                .post(webhooks::create)
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource(path::WEBHOOK)
                .get(webhooks::find)
                .patch(webhooks::update)
                .delete(webhooks::remove)
                .default_service(only("GET, PATCH, DELETE")),
        )
        .service(web::resource(path::WEBHOOK_REPLAY).post(webhooks::replay).default_service(only("POST")))
        .service(
            web::resource(path::WEBHOOK_DELIVERIES)
                .get(webhooks::list_deliveries)
                .default_service(only("GET")),
        )
        .service(
            web::resource(path::WEBHOOK_DELIVERY).get(webhooks::find_delivery).default_service(only("GET")),
        )
        .service(
            web::resource(path::WEBHOOK_DELIVERY_REPLAY)
                .post(webhooks::replay_delivery)
                .default_service(only("POST")),
        );
}

/// The answer to a method that a path does not take (RFC 9110 §15.5.6); `middleware` writes the words.
fn only(allowed: &'static str) -> actix_web::Route {
    web::to(move || {
        std::future::ready(HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allowed)).finish())
    })
}

/// Which page of a list the caller wants.
fn page_query(query: &fields::Query) -> PageQuery {
    PageQuery { token: query.text("pageToken"), size: query.text("pageSize") }
}

fn query(request: &HttpRequest) -> fields::Query {
    fields::Query::parse(request.query_string())
}

/// An answer that says no more than that it was done. It has a body all the same: the Go SDK takes an
/// empty one for an error (contracts §9.3).
fn done() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({}))
}

fn api(error: Error) -> Problem {
    Problem::api(error)
}
