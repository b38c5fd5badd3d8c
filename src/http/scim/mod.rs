//! The SCIM server of a directory (RFC 7644): `/v1/scim/scim_directory_…`.
//!
//! Every response below it is SCIM JSON. Every authenticated request is logged in the background.

mod call;
mod discovery;
mod extensions;
mod request_log;
mod resources;
pub(super) mod response;

use actix_web::{
    middleware::{NormalizePath, from_fn},
    web,
};

use super::method_not_allowed::method_not_allowed;
use crate::web::kit::routing::Routes;

/// The route prefix of every directory. Other paths below `/v1/scim/` belong to the API, such as `/v1/scim/users`.
pub(super) const BASE: &str = "/v1/scim/{directory:scim_directory_[^/]*}";

/// Registers the routes.
pub fn configure(routes: &mut Routes<'_>) {
    routes.scope(BASE, |scope| {
        scope
            .wrap(from_fn(request_log::log_request))
            // `/Users/?filter=…`, and `//Users` of a base URL that was entered with a slash at its end.
            .wrap(NormalizePath::trim())
            .service(
                web::resource("/{kind:Users|Groups}")
                    .get(resources::list)
                    .post(resources::create)
                    .default_service(method_not_allowed("GET, POST")),
            )
            .service(
                web::resource("/{kind:Users|Groups}/.search")
                    .post(resources::search)
                    .default_service(method_not_allowed("POST")),
            )
            .service(
                web::resource("/{kind:Users|Groups}/{id}")
                    .get(resources::find)
                    .put(resources::replace)
                    .patch(resources::patch)
                    .delete(resources::remove)
                    .default_service(method_not_allowed("GET, PUT, PATCH, DELETE")),
            )
            .service(web::resource("/Bulk").post(resources::bulk).default_service(method_not_allowed("POST")))
            .service(
                web::resource("/.search")
                    .post(resources::search_all)
                    .default_service(method_not_allowed("POST")),
            )
            .service(web::resource("/Me").to(discovery::not_implemented))
            .service(
                web::resource("/ServiceProviderConfig")
                    .get(discovery::service_provider_config)
                    .default_service(method_not_allowed("GET")),
            )
            .service(
                web::resource("/ResourceTypes")
                    .get(discovery::resource_types)
                    .default_service(method_not_allowed("GET")),
            )
            .service(
                web::resource("/ResourceTypes/{id}")
                    .get(discovery::resource_type)
                    .default_service(method_not_allowed("GET")),
            )
            .service(
                web::resource("/Schemas").get(discovery::schemas).default_service(method_not_allowed("GET")),
            )
            .service(
                web::resource("/Schemas/{id}")
                    .get(discovery::schema)
                    .default_service(method_not_allowed("GET")),
            )
            .default_service(web::to(discovery::not_found))
    });
}
