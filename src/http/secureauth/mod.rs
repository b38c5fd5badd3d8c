//! SecureAuth Connect's APIs: the system, the admin and the identity API of a tenant. Wire types and handlers, one file per
//! resource.
//!
//! A handler takes a [`call::Call`], which is authenticated for the environment in the path, and returns a
//! [`error::SecureauthError`] where it fails. Ids are 32 hexadecimal digits ([`reply::hex_id`]) and are read in every encoding.

pub mod audit_events;
pub mod call;
pub mod credentials;
pub mod error;
pub mod openapi;
pub mod organizations;
pub mod reply;
pub mod users;

use utoipa::OpenApi;

use users::{addresses as user_addresses, identifiers as user_identifiers};

use credentials::{activation, codes, passkeys, passwords, resets};
use organizations::admin as admin_organizations;

use super::method_not_allowed::method_not_allowed;
use crate::{links::path, web::kit::routing::Routes};

/// Registers the routes and adds them to the OpenAPI document, both from one table.
macro_rules! routes {
    ($($path:ident: $($method:ident $module:ident::$handler:ident),+;)*) => {
        /// Every route: its path and the methods that it supports.
        pub const ROUTES: &[(&str, &[&str])] = &[$((path::$path, &[$(stringify!($method)),+])),*];

        /// Registers the routes.
        pub fn configure(routes: &mut Routes<'_>) {
            $(routes.resource(path::$path, |resource| {
                resource
                    $(.$method($module::$handler))+
                    .default_service(method_not_allowed([$(stringify!($method)),+].join(", ").to_uppercase()))
            });)*
        }

        /// The handlers' OpenAPI annotations.
        #[derive(OpenApi)]
        #[openapi(paths($($($module::$handler),+),*), components(schemas(error::Body<'_>)))]
        pub struct Handlers;
    };
}

routes! {
    SECUREAUTH_CHANGE_PASSWORD: post passwords::change;
    SECUREAUTH_PASSWORD_STATE: put passwords::set_state;
    SECUREAUTH_RESET_PASSWORD_REQUEST: post resets::request_password;
    SECUREAUTH_RESET_PASSWORD_CONFIRM: post resets::confirm_password;
    SECUREAUTH_RESET_PASSWORD_COMPLETE: post resets::complete_password;
    SECUREAUTH_VERIFY_PASSWORD: post passwords::verify;
    SECUREAUTH_CHANGE_TOTP: post passwords::change_totp;
    SECUREAUTH_RESET_TOTP_REQUEST: post resets::request_totp;
    SECUREAUTH_RESET_TOTP_COMPLETE: post resets::complete_totp;
    SECUREAUTH_GENERATE_CODE: post codes::generate;
    SECUREAUTH_GENERATE_CODE_FOR: post codes::generate_for;
    SECUREAUTH_VERIFICATION_REQUEST: post codes::request_verification;
    SECUREAUTH_VERIFICATION_COMPLETE: post codes::complete_verification;
    SECUREAUTH_SEND_ACTIVATION: post activation::send;
    SECUREAUTH_GENERATE_ACTIVATION: post codes::generate_activation;
    SECUREAUTH_ACTIVATE: post activation::activate;
    SECUREAUTH_ACTIVATE_EXTENDED: post activation::activate_extended;
    SECUREAUTH_REGISTER: post activation::register;
    SECUREAUTH_PASSKEY_BEGIN: post passkeys::begin;
    SECUREAUTH_PASSKEY_COMPLETE: post passkeys::complete;
    SECUREAUTH_PASSKEY_NAME: put passkeys::name;
    SECUREAUTH_PASSKEY: delete passkeys::delete;
    SECUREAUTH_ADD_PASSKEY_REQUEST: post resets::request_passkey;
    SECUREAUTH_ADD_PASSKEY_COMPLETE: post resets::complete_passkey;
    SYSTEM_AUDIT_EVENTS: get audit_events::list;
    SECUREAUTH_ORGANIZATIONS: get organizations::list, post organizations::create;
    SECUREAUTH_ORGANIZATION: get organizations::get, put organizations::update, delete organizations::delete;
    SECUREAUTH_ORGANIZATION_METADATA: put organizations::update_metadata;
    ADMIN_ORGANIZATIONS: get admin_organizations::list, post admin_organizations::create;
    ADMIN_ORGANIZATION: get admin_organizations::get, put admin_organizations::update, delete admin_organizations::delete;
    ADMIN_ORGANIZATION_METADATA: put admin_organizations::update_metadata;
    ADMIN_USER_ORGANIZATIONS: get admin_organizations::list_of_user;
    SECUREAUTH_USERS: get users::list, post users::create;
    SECUREAUTH_USER_BY_KEY: post users::by_key;
    SECUREAUTH_USER: get users::get, put users::update, delete users::delete;
    SECUREAUTH_USER_IDENTIFIERS_ADD: post user_identifiers::add;
    SECUREAUTH_USER_IDENTIFIERS_REMOVE: post user_identifiers::remove;
    SECUREAUTH_USER_ADDRESSES_ADD: post user_addresses::add;
    SECUREAUTH_USER_ADDRESSES_UPDATE: post user_addresses::update;
    SECUREAUTH_USER_ADDRESSES_REMOVE: post user_addresses::remove;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let document = serde_json::to_value(Handlers::openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let described: BTreeSet<(String, String)> = paths
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().keys().map(|method| (path.clone(), method.clone()))
            })
            .collect();
        let routes = ROUTES.iter().flat_map(|(path, methods)| {
            methods.iter().map(|method| ((*path).to_owned(), (*method).to_owned()))
        });
        assert_eq!(
            described,
            routes.collect(),
            "`path =` or the method of a handler is not that of its line"
        );
    }
}
