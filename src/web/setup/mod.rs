//! The setup pages: a customer's own IT admin connects the company's identity provider, step by step, in the
//! words of that product's screens, with the vendor's branding.
//!
//! `visitor` authenticates a browser that redeemed a link, `layout` is the document around every page, and
//! [`providers`] holds the instructions for each product. Which step is done follows from what is stored; every
//! step has a URL of its own.

mod cookie;
mod domains;
mod home;
mod layout;
mod link;
pub mod providers;
mod saml;
#[cfg(test)]
mod samples;
mod scim;
mod session;
mod steps;
mod test_result;

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, ServiceConfig},
};

use crate::links::path;

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::SETUP).get(link::show).post(link::redeem))
        .service(web::resource(path::SETUP_HOME).get(home::show))
        .service(web::resource(path::SETUP_LEAVE).post(link::leave))
        .service(web::resource(path::SETUP_SAML).get(saml::choose).post(saml::create))
        .service(web::resource(path::SETUP_SAML_METADATA).get(saml::sp_metadata))
        .service(web::resource(path::SETUP_SAML_TEST).get(test_result::show))
        .service(web::resource(path::SETUP_SAML_STEP).get(saml::step).post(saml::submit))
        .service(web::resource(path::SETUP_SCIM).get(scim::choose).post(scim::create))
        .service(web::resource(path::SETUP_SCIM_STEP).get(scim::step).post(scim::submit))
        .service(web::resource(path::SETUP_DOMAINS).get(domains::list).post(domains::add))
        .service(web::resource(path::SETUP_DOMAIN_CHECK).post(domains::check))
        .service(web::resource(path::SETUP_DOMAIN_REMOVE).post(domains::remove));
}

/// Redirects to another of our pages.
fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}
