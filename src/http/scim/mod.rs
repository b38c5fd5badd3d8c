//! The SCIM server of a directory (RFC 7644), as identity providers call it: `/v1/scim/scim_directory_…`.
//!
//! Everything under it is answered in SCIM's JSON, whoever asks for what; every request that opened its
//! directory is noted, off the request's path.

mod answer;
mod call;
mod discovery;
mod log;
mod resources;

use actix_web::{
    HttpResponse,
    http::header,
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::app::State;

/// A directory's SCIM base. What begins otherwise is not SCIM's: `/v1/scim/users` is the app's API.
/// The route of every directory, to which what is asked for is added.
pub(super) const BASE: &str = "/v1/scim/{directory:scim_directory_[^/]*}";

/// Registers the routes. They work with `state`, whose connections are those of directories.
pub fn configure(config: &mut ServiceConfig, state: &web::Data<State>) {
    config.service(
        web::scope(BASE)
            .app_data(state.clone())
            .wrap(from_fn(log::note))
            .service(
                web::resource("/{kind:Users|Groups}")
                    .get(resources::list)
                    .post(resources::create)
                    .default_service(only("GET, POST")),
            )
            .service(
                web::resource("/{kind:Users|Groups}/.search")
                    .post(resources::search)
                    .default_service(only("POST")),
            )
            .service(
                web::resource("/{kind:Users|Groups}/{id}")
                    .get(resources::find)
                    .put(resources::replace)
                    .patch(resources::patch)
                    .delete(resources::remove)
                    .default_service(only("GET, PUT, PATCH, DELETE")),
            )
            .service(web::resource("/Bulk").post(resources::bulk).default_service(only("POST")))
            .service(web::resource("/.search").post(resources::search_all).default_service(only("POST")))
            .service(web::resource("/Me").to(discovery::not_served))
            .service(
                web::resource("/ServiceProviderConfig")
                    .get(discovery::service_provider_config)
                    .default_service(only("GET")),
            )
            .service(
                web::resource("/ResourceTypes").get(discovery::resource_types).default_service(only("GET")),
            )
            .service(
                web::resource("/ResourceTypes/{id}")
                    .get(discovery::resource_type)
                    .default_service(only("GET")),
            )
            .service(web::resource("/Schemas").get(discovery::schemas).default_service(only("GET")))
            .service(web::resource("/Schemas/{id}").get(discovery::schema).default_service(only("GET")))
            .default_service(web::to(discovery::nothing_here)),
    );
}

/// The answer to a method that a path does not take (RFC 9110 §15.5.6); `middleware` writes the words.
fn only(allowed: &'static str) -> actix_web::Route {
    web::to(move || {
        std::future::ready(HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allowed)).finish())
    })
}
