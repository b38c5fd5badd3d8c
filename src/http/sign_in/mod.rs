//! Where people sign in at an organization: its authorization endpoint, its pages, userinfo and signing out.

mod authorize;
mod company;
mod enrolment;
mod forgotten;
mod invitation;
mod letters;
mod logout;
mod new_password;
mod pages;
mod passkey;
pub(in crate::http) mod place;
mod registration;
mod replies;
mod userinfo;
mod verification;

pub(super) use pages::sign_in_again;

use actix_web::{http::Method, web};

use super::oauth::preflight;
use crate::{
    links::path,
    web::kit::routing::{Routes, is_environment},
};

/// Registers the endpoints of the root by WSO2's paths, whose first segments are reserved. Its pages are those of the root's issuer.
pub fn configure_tenants(routes: &mut Routes<'_>) {
    for address in path::TENANT_AUTHORIZES {
        routes.resource(address, |resource| resource.get(authorize::get).post(authorize::post));
    }
    for address in path::TENANT_USERINFOS {
        routes.resource(address, |resource| {
            resource
                .get(userinfo::userinfo)
                .post(userinfo::userinfo)
                .route(web::method(Method::OPTIONS).to(preflight))
        });
    }
    for address in path::TENANT_LOGOUTS {
        routes.resource(address, |resource| resource.get(logout::get).post(logout::post));
    }
}

/// Registers the routes. Their first segment is an environment, so they come after every other route.
pub fn configure(routes: &mut Routes<'_>) {
    routes
        .resource(path::WORKSPACE_ISSUER, |resource| resource.guard(is_environment()).get(pages::root))
        .resource(path::WORKSPACE_AUTHORIZE, |resource| {
            resource.guard(is_environment()).get(authorize::get).post(authorize::post)
        })
        .resource(path::WORKSPACE_USERINFO, |resource| {
            resource
                .guard(is_environment())
                .get(userinfo::userinfo)
                .post(userinfo::userinfo)
                .route(web::method(Method::OPTIONS).to(preflight))
        })
        .resource(path::WORKSPACE_LOGOUT, |resource| {
            resource.guard(is_environment()).get(logout::get).post(logout::post)
        })
        .resource(path::WORKSPACE_SIGN_IN, |resource| {
            resource.guard(is_environment()).get(pages::show).post(pages::with_password)
        })
        .resource(path::WORKSPACE_SIGN_IN_PASSKEY, |resource| {
            resource.guard(is_environment()).post(passkey::with_passkey)
        })
        .resource(path::WORKSPACE_SIGN_IN_NEW_PASSKEY, |resource| {
            resource.guard(is_environment()).post(enrolment::add_passkey)
        })
        .resource(path::WORKSPACE_SIGN_IN_AUTHENTICATOR, |resource| {
            resource.guard(is_environment()).post(enrolment::enrol_app)
        })
        .resource(path::WORKSPACE_SIGN_IN_CONTINUE, |resource| {
            resource.guard(is_environment()).post(enrolment::go_on_without)
        })
        .resource(path::WORKSPACE_SIGN_IN_CODE, |resource| {
            resource.guard(is_environment()).post(pages::with_code)
        })
        .resource(path::WORKSPACE_SIGN_IN_PASSWORD, |resource| {
            resource.guard(is_environment()).post(pages::change_password)
        })
        .resource(path::WORKSPACE_COMPANY, |resource| resource.guard(is_environment()).post(company::begin))
        .resource(path::WORKSPACE_COMPANY_FINISH, |resource| {
            resource.guard(is_environment()).get(company::finish)
        })
        .resource(path::WORKSPACE_COMPANY_DECLINE, |resource| {
            resource.guard(is_environment()).get(company::decline)
        })
        .resource(path::WORKSPACE_ACTIVATE, |resource| {
            resource.guard(is_environment()).get(new_password::show_activation).post(new_password::activate)
        })
        .resource(path::WORKSPACE_FORGOTTEN, |resource| {
            resource.guard(is_environment()).get(forgotten::show).post(forgotten::send)
        })
        .resource(path::WORKSPACE_RESET, |resource| {
            resource.guard(is_environment()).get(new_password::show_reset).post(new_password::reset)
        })
        .resource(path::WORKSPACE_VERIFY, |resource| {
            resource.guard(is_environment()).get(verification::show).post(verification::verify)
        })
        .resource(path::WORKSPACE_INVITATION, |resource| {
            resource.guard(is_environment()).get(invitation::show)
        })
        .resource(path::WORKSPACE_INVITATION_JOIN, |resource| {
            resource.guard(is_environment()).post(invitation::join)
        })
        .resource(path::WORKSPACE_INVITATION_NEW, |resource| {
            resource.guard(is_environment()).post(invitation::make_account)
        })
        .resource(path::WORKSPACE_INVITATION_SEND, |resource| {
            resource.guard(is_environment()).post(invitation::send)
        })
        .resource(path::WORKSPACE_INVITATION_LEAVE, |resource| {
            resource.guard(is_environment()).post(invitation::sign_out)
        })
        .resource(path::WORKSPACE_REGISTER, |resource| {
            resource.guard(is_environment()).get(registration::show).post(registration::register)
        });
}
