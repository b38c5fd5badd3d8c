//! The setup pages: a customer's own IT admin connects the company's identity provider, step by step, in the
//! words of that product's screens, with the vendor's branding.
//!
//! `session` authenticates a browser that redeemed a link, `layout` is the document around every page, and
//! [`providers`] holds the instructions for each product. Which step is done follows from what is stored; every
//! step has a URL of its own.

use self::saml::{connection, step, test_result};
use super::kit::routing::Routes;
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
pub(in crate::web) mod session;
mod steps;

/// Registers the routes.
pub fn configure(routes: &mut Routes<'_>) {
    routes
        .resource(path::SETUP, |resource| resource.get(link::show).post(link::redeem))
        .resource(path::SETUP_HOME, |resource| resource.get(home::show))
        .resource(path::SETUP_LEAVE, |resource| resource.post(link::leave))
        .resource(path::SETUP_SAML, |resource| resource.get(connection::choose).post(connection::create))
        .resource(path::SETUP_SAML_METADATA, |resource| resource.get(connection::sp_metadata))
        .resource(path::SETUP_SAML_TEST, |resource| resource.get(test_result::show))
        .resource(path::SETUP_SAML_STEP, |resource| resource.get(step::step).post(step::submit))
        .resource(path::SETUP_SCIM, |resource| resource.get(scim::choose).post(scim::create))
        .resource(path::SETUP_SCIM_STEP, |resource| resource.get(scim::step).post(scim::submit))
        .resource(path::SETUP_DOMAINS, |resource| resource.get(domains::list).post(domains::add))
        .resource(path::SETUP_DOMAIN_CHECK, |resource| resource.post(domains::check))
        .resource(path::SETUP_DOMAIN_REMOVE, |resource| resource.post(domains::remove));
}
