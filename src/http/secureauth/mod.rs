//! SecureAuth Connect's APIs: the system, the admin and the identity API of a tenant. Wire types and handlers, one file per
//! resource.
//!
//! A handler takes a [`call::Call`], which is authenticated for the environment in the path, and returns a
//! [`error::SecureauthError`] where it fails. Ids are 32 hexadecimal digits ([`reply::hex_id`]) and are read in every encoding.

pub mod audit_events;
pub mod call;
pub mod credentials;
mod durations;
pub mod error;
pub mod groups;
mod names;
pub mod openapi;
pub mod organizations;
pub mod pools;
pub mod reply;
pub mod schemas;
mod sorted;
pub mod users;

use utoipa::OpenApi;

use credentials::{activation, codes, passkeys, passwords, resets};
use groups::members as group_members;
use organizations::of_user as user_organizations;
use pools::workspaces as workspace_pools;
use users::{addresses as user_addresses, identifiers as user_identifiers};

use super::method_not_allowed::method_not_allowed;
use crate::{links::path, web::kit::routing::Routes};

/// Registers the routes and adds them to the OpenAPI document, both from one table. The twins are other paths of routes that are
/// described there.
macro_rules! routes {
    (
        $($path:ident: $($method:ident $module:ident::$handler:ident),+;)*
        @twins $($twin:ident: $($twin_method:ident $twin_module:ident::$twin_handler:ident),+;)*
    ) => {
        /// Every route but the twins: its path and the methods that it supports.
        pub const ROUTES: &[(&str, &[&str])] = &[$((path::$path, &[$(stringify!($method)),+])),*];

        /// Every twin: its path and the methods that it supports.
        pub const TWINS: &[(&str, &[&str])] = &[$((path::$twin, &[$(stringify!($twin_method)),+])),*];

        /// Registers the routes.
        pub fn configure(routes: &mut Routes<'_>) {
            $(routes.resource(path::$path, |resource| {
                resource
                    $(.$method($module::$handler))+
                    .default_service(method_not_allowed([$(stringify!($method)),+].join(", ").to_uppercase()))
            });)*
            $(routes.resource(path::$twin, |resource| {
                resource
                    $(.$twin_method($twin_module::$twin_handler))+
                    .default_service(method_not_allowed([$(stringify!($twin_method)),+].join(", ").to_uppercase()))
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
    SECUREAUTH_POOLS: get pools::list, post pools::create;
    SECUREAUTH_POOL: get pools::get, put pools::update, delete pools::delete;
    SECUREAUTH_WORKSPACE_POOLS: get workspace_pools::list;
    SECUREAUTH_ADMIN_WORKSPACE_POOLS: get workspace_pools::list_for_administrators, post workspace_pools::create;
    SECUREAUTH_ADMIN_WORKSPACE_POOL: delete workspace_pools::delete;
    SECUREAUTH_SCHEMAS: get schemas::list, post schemas::create;
    SECUREAUTH_SCHEMA: get schemas::get, put schemas::update, delete schemas::delete;
    SECUREAUTH_ORGANIZATIONS: get organizations::list, post organizations::create;
    SECUREAUTH_ORGANIZATION: get organizations::get, put organizations::update, delete organizations::delete;
    SECUREAUTH_ORGANIZATION_METADATA: put organizations::update_metadata;
    ADMIN_USER_ORGANIZATIONS: get user_organizations::list;
    SECUREAUTH_USERS: get users::list, post users::create;
    SECUREAUTH_USER_BY_KEY: post users::by_key;
    SECUREAUTH_USER: get users::get, put users::update, delete users::delete;
    SECUREAUTH_USER_IDENTIFIERS_ADD: post user_identifiers::add;
    SECUREAUTH_USER_IDENTIFIERS_REMOVE: post user_identifiers::remove;
    SECUREAUTH_USER_ADDRESSES_ADD: post user_addresses::add;
    SECUREAUTH_USER_ADDRESSES_UPDATE: post user_addresses::update;
    SECUREAUTH_USER_ADDRESSES_REMOVE: post user_addresses::remove;
    SECUREAUTH_GROUPS: get groups::list, post groups::create;
    SECUREAUTH_GROUP: get groups::get, put groups::update, delete groups::delete;
    SECUREAUTH_GROUP_USERS: get group_members::list;
    SECUREAUTH_GROUP_USER: put group_members::add, delete group_members::remove;
    SECUREAUTH_USER_GROUPS: get group_members::list_groups;
    SECUREAUTH_USER_GROUP: get group_members::is_in;
    @twins
    ADMIN_ORGANIZATIONS: get organizations::list, post organizations::create;
    ADMIN_ORGANIZATION: get organizations::get, put organizations::update, delete organizations::delete;
    ADMIN_ORGANIZATION_METADATA: put organizations::update_metadata;
    SECUREAUTH_ADMIN_POOLS: get pools::list, post pools::create;
    SECUREAUTH_ADMIN_POOL: get pools::get, put pools::update, delete pools::delete;
    SECUREAUTH_ADMIN_SCHEMAS: get schemas::list, post schemas::create;
    SECUREAUTH_ADMIN_SCHEMA: get schemas::get, put schemas::update, delete schemas::delete;
    SECUREAUTH_ADMIN_USERS: get users::list, post users::create;
    SECUREAUTH_ADMIN_USER: get users::get, put users::update, delete users::delete;
    SECUREAUTH_ADMIN_USER_IDENTIFIERS_ADD: post user_identifiers::add;
    SECUREAUTH_ADMIN_USER_IDENTIFIERS_REMOVE: post user_identifiers::remove;
    SECUREAUTH_ADMIN_USER_ADDRESSES_ADD: post user_addresses::add;
    SECUREAUTH_ADMIN_USER_ADDRESSES_UPDATE: post user_addresses::update;
    SECUREAUTH_ADMIN_USER_ADDRESSES_REMOVE: post user_addresses::remove;
    SECUREAUTH_ADMIN_PASSWORD_STATE: put passwords::set_state;
    SECUREAUTH_ADMIN_GROUPS: get groups::list, post groups::create;
    SECUREAUTH_ADMIN_GROUP: get groups::get, put groups::update, delete groups::delete;
    SECUREAUTH_ADMIN_GROUP_USERS: get group_members::list;
    SECUREAUTH_ADMIN_GROUP_USER: put group_members::add, delete group_members::remove;
    SECUREAUTH_ADMIN_USER_GROUPS: get group_members::list_groups;
    SECUREAUTH_ADMIN_USER_GROUP: get group_members::is_in;
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

    #[test]
    fn a_twin_has_the_methods_of_its_route() {
        for (path, methods) in TWINS {
            let path = path.replacen("/admin/", "/system/", 1);
            let route = ROUTES.iter().find(|(route, _)| *route == path);
            assert_eq!(route.map(|(_, methods)| *methods), Some(*methods), "{path}");
        }
    }
}
