//! The setup pages: a customer's own IT admin connects the company's identity provider, step by step, in the
//! words of that product's screens, with the vendor's branding.
//!
//! `session` authenticates a browser that redeemed a link, `layout` is the document around every page, and
//! [`providers`] holds the instructions for each product. Which step is done follows from what is stored; every
//! step has a URL of its own.

use actix_web::web::{self, ServiceConfig};

use self::saml::{connection, step, test_result};
use crate::links::path;

mod cookie;
mod domains;
mod error;
mod form;
mod home;
mod layout;
mod link;
pub mod providers;
pub mod saml;
#[cfg(test)]
mod samples;
mod scim;
mod session;
mod steps;

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::SETUP).get(link::show).post(link::redeem))
        .service(web::resource(path::SETUP_HOME).get(home::show))
        .service(web::resource(path::SETUP_LEAVE).post(link::leave))
        .service(web::resource(path::SETUP_SAML).get(connection::choose).post(connection::create))
        .service(web::resource(path::SETUP_SAML_METADATA).get(connection::sp_metadata))
        .service(web::resource(path::SETUP_SAML_TEST).get(test_result::show))
        .service(web::resource(path::SETUP_SAML_STEP).get(step::step).post(step::submit))
        .service(web::resource(path::SETUP_SCIM).get(scim::choose).post(scim::create))
        .service(web::resource(path::SETUP_SCIM_STEP).get(scim::step).post(scim::submit))
        .service(web::resource(path::SETUP_DOMAINS).get(domains::list).post(domains::add))
        .service(web::resource(path::SETUP_DOMAIN_CHECK).post(domains::check))
        .service(web::resource(path::SETUP_DOMAIN_REMOVE).post(domains::remove));
}
