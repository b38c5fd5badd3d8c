//! SecureAuth Connect's APIs: the system, the admin and the identity API of a tenant. Wire types and handlers, one file per
//! resource.
//!
//! A handler takes a [`call::Call`], which is authenticated for the environment in the path, and returns a
//! [`error::SecureauthError`] where it fails. Ids are 32 hexadecimal digits ([`reply::hex_id`]) and are read in every encoding.
//!
//! Each route stands in one table with what it takes: an action that the scopes of the access token permit, or a user's token.
//! That is asked before a byte of the body is read, and there is no other way to a [`call::Call`].

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
use crate::{
    app::permissions::Action::{
        self, AuditEventsView, IdentityPoolsManage, IdentityPoolsView, OrganizationsManage,
        OrganizationsView, UsersManage, UsersRegister, UsersView,
    },
    links::path,
    web::kit::routing::Routes,
};
use call::{OfUser, handler};

/// A way to call the surface: the path, the method, and the action that the caller's scopes must permit; `None`: a user's token.
pub type Access = (&'static str, &'static str, Option<Action>);

/// Registers the routes and adds them to the OpenAPI document, both from one table. The twins are other paths of routes that are
/// described there. After each handler stands what it takes.
macro_rules! routes {
    (
        $($path:ident: $($method:ident $module:ident::$handler:ident($needs:ident)),+;)*
        @twins $($twin:ident: $($twin_method:ident $twin_module:ident::$twin_handler:ident($twin_needs:ident)),+;)*
    ) => {
        /// Every route but the twins: its path and the methods that it supports.
        pub const ROUTES: &[(&str, &[&str])] = &[$((path::$path, &[$(stringify!($method)),+])),*];

        /// Every way to call the routes and the twins.
        pub fn access() -> Vec<Access> {
            vec![
                $($((path::$path, stringify!($method), $needs.into())),+,)*
                $($((path::$twin, stringify!($twin_method), $twin_needs.into())),+,)*
            ]
        }

        /// Registers the routes.
        pub fn configure(routes: &mut Routes<'_>) {
            $(routes.resource(path::$path, |resource| {
                resource
                    $(.$method(handler($needs, $module::$handler)))+
                    .default_service(method_not_allowed([$(stringify!($method)),+].join(", ").to_uppercase()))
            });)*
            $(routes.resource(path::$twin, |resource| {
                resource
                    $(.$twin_method(handler($twin_needs, $twin_module::$twin_handler)))+
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
    SECUREAUTH_CHANGE_PASSWORD: post passwords::change(UsersManage);
    SECUREAUTH_PASSWORD_STATE: put passwords::set_state(UsersManage);
    SECUREAUTH_RESET_PASSWORD_REQUEST: post resets::request_password(UsersManage);
    SECUREAUTH_RESET_PASSWORD_CONFIRM: post resets::confirm_password(UsersManage);
    SECUREAUTH_RESET_PASSWORD_COMPLETE: post resets::complete_password(UsersManage);
    SECUREAUTH_VERIFY_PASSWORD: post passwords::verify(UsersManage);
    SECUREAUTH_CHANGE_TOTP: post passwords::change_totp(UsersManage);
    SECUREAUTH_RESET_TOTP_REQUEST: post resets::request_totp(UsersManage);
    SECUREAUTH_RESET_TOTP_COMPLETE: post resets::complete_totp(UsersManage);
    SECUREAUTH_GENERATE_CODE: post codes::generate(UsersManage);
    SECUREAUTH_GENERATE_CODE_FOR: post codes::generate_for(UsersManage);
    SECUREAUTH_VERIFICATION_REQUEST: post codes::request_verification(UsersManage);
    SECUREAUTH_VERIFICATION_COMPLETE: post codes::complete_verification(UsersManage);
    SECUREAUTH_SEND_ACTIVATION: post activation::send(UsersManage);
    SECUREAUTH_GENERATE_ACTIVATION: post codes::generate_activation(UsersManage);
    SECUREAUTH_ACTIVATE: post activation::activate(UsersManage);
    SECUREAUTH_ACTIVATE_EXTENDED: post activation::activate_extended(UsersManage);
    SECUREAUTH_REGISTER: post activation::register(UsersRegister);
    SECUREAUTH_PASSKEY_BEGIN: post passkeys::begin(UsersManage);
    SECUREAUTH_PASSKEY_COMPLETE: post passkeys::complete(UsersManage);
    SECUREAUTH_PASSKEY_NAME: put passkeys::name(UsersManage);
    SECUREAUTH_PASSKEY: delete passkeys::delete(UsersManage);
    SECUREAUTH_ADD_PASSKEY_REQUEST: post resets::request_passkey(UsersManage);
    SECUREAUTH_ADD_PASSKEY_COMPLETE: post resets::complete_passkey(UsersManage);
    SYSTEM_AUDIT_EVENTS: get audit_events::list(AuditEventsView);
    SECUREAUTH_POOLS: get pools::list(IdentityPoolsView), post pools::create(IdentityPoolsManage);
    SECUREAUTH_POOL:
        get pools::get(IdentityPoolsView),
        put pools::update(IdentityPoolsManage),
        delete pools::delete(IdentityPoolsManage);
    SECUREAUTH_WORKSPACE_POOLS: get workspace_pools::list(IdentityPoolsView);
    SECUREAUTH_ADMIN_WORKSPACE_POOLS:
        get workspace_pools::list_for_administrators(IdentityPoolsView),
        post workspace_pools::create(IdentityPoolsManage);
    SECUREAUTH_ADMIN_WORKSPACE_POOL: delete workspace_pools::delete(IdentityPoolsManage);
    SECUREAUTH_SCHEMAS: get schemas::list(IdentityPoolsView), post schemas::create(IdentityPoolsManage);
    SECUREAUTH_SCHEMA:
        get schemas::get(IdentityPoolsView),
        put schemas::update(IdentityPoolsManage),
        delete schemas::delete(IdentityPoolsManage);
    SECUREAUTH_ORGANIZATIONS: get organizations::list(OrganizationsView), post organizations::create(OrganizationsManage);
    SECUREAUTH_ORGANIZATION:
        get organizations::get(OrganizationsView),
        put organizations::update(OrganizationsManage),
        delete organizations::delete(OrganizationsManage);
    SECUREAUTH_ORGANIZATION_METADATA: put organizations::update_metadata(OrganizationsManage);
    ADMIN_USER_ORGANIZATIONS: get user_organizations::list(OfUser);
    SECUREAUTH_USERS: get users::list(UsersView), post users::create(UsersManage);
    SECUREAUTH_USER_BY_KEY: post users::by_key(UsersView);
    SECUREAUTH_USER: get users::get(UsersView), put users::update(UsersManage), delete users::delete(UsersManage);
    SECUREAUTH_USER_IDENTIFIERS_ADD: post user_identifiers::add(UsersManage);
    SECUREAUTH_USER_IDENTIFIERS_REMOVE: post user_identifiers::remove(UsersManage);
    SECUREAUTH_USER_ADDRESSES_ADD: post user_addresses::add(UsersManage);
    SECUREAUTH_USER_ADDRESSES_UPDATE: post user_addresses::update(UsersManage);
    SECUREAUTH_USER_ADDRESSES_REMOVE: post user_addresses::remove(UsersManage);
    SECUREAUTH_GROUPS: get groups::list(UsersView), post groups::create(UsersManage);
    SECUREAUTH_GROUP: get groups::get(UsersView), put groups::update(UsersManage), delete groups::delete(UsersManage);
    SECUREAUTH_GROUP_USERS: get group_members::list(UsersView);
    SECUREAUTH_GROUP_USER: put group_members::add(UsersManage), delete group_members::remove(UsersManage);
    SECUREAUTH_USER_GROUPS: get group_members::list_groups(UsersView);
    SECUREAUTH_USER_GROUP: get group_members::is_in(UsersView);
    @twins
    ADMIN_ORGANIZATIONS: get organizations::list(OrganizationsView), post organizations::create(OrganizationsManage);
    ADMIN_ORGANIZATION:
        get organizations::get(OrganizationsView),
        put organizations::update(OrganizationsManage),
        delete organizations::delete(OrganizationsManage);
    ADMIN_ORGANIZATION_METADATA: put organizations::update_metadata(OrganizationsManage);
    SECUREAUTH_ADMIN_POOLS: get pools::list(IdentityPoolsView), post pools::create(IdentityPoolsManage);
    SECUREAUTH_ADMIN_POOL:
        get pools::get(IdentityPoolsView),
        put pools::update(IdentityPoolsManage),
        delete pools::delete(IdentityPoolsManage);
    SECUREAUTH_ADMIN_SCHEMAS: get schemas::list(IdentityPoolsView), post schemas::create(IdentityPoolsManage);
    SECUREAUTH_ADMIN_SCHEMA:
        get schemas::get(IdentityPoolsView),
        put schemas::update(IdentityPoolsManage),
        delete schemas::delete(IdentityPoolsManage);
    SECUREAUTH_ADMIN_USERS: get users::list(UsersView), post users::create(UsersManage);
    SECUREAUTH_ADMIN_USER: get users::get(UsersView), put users::update(UsersManage), delete users::delete(UsersManage);
    SECUREAUTH_ADMIN_USER_IDENTIFIERS_ADD: post user_identifiers::add(UsersManage);
    SECUREAUTH_ADMIN_USER_IDENTIFIERS_REMOVE: post user_identifiers::remove(UsersManage);
    SECUREAUTH_ADMIN_USER_ADDRESSES_ADD: post user_addresses::add(UsersManage);
    SECUREAUTH_ADMIN_USER_ADDRESSES_UPDATE: post user_addresses::update(UsersManage);
    SECUREAUTH_ADMIN_USER_ADDRESSES_REMOVE: post user_addresses::remove(UsersManage);
    SECUREAUTH_ADMIN_PASSWORD_STATE: put passwords::set_state(UsersManage);
    SECUREAUTH_ADMIN_GROUPS: get groups::list(UsersView), post groups::create(UsersManage);
    SECUREAUTH_ADMIN_GROUP: get groups::get(UsersView), put groups::update(UsersManage), delete groups::delete(UsersManage);
    SECUREAUTH_ADMIN_GROUP_USERS: get group_members::list(UsersView);
    SECUREAUTH_ADMIN_GROUP_USER: put group_members::add(UsersManage), delete group_members::remove(UsersManage);
    SECUREAUTH_ADMIN_USER_GROUPS: get group_members::list_groups(UsersView);
    SECUREAUTH_ADMIN_USER_GROUP: get group_members::is_in(UsersView);
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
    fn a_twin_is_called_as_its_route_and_takes_the_same() {
        let all = access();
        let of = |at: &str| -> Vec<_> {
            all.iter().filter(|(path, ..)| *path == at).map(|(_, method, needs)| (*method, *needs)).collect()
        };
        let twins = all.iter().map(|(path, ..)| *path).filter(|at| ROUTES.iter().all(|(path, _)| path != at));
        let twins: BTreeSet<_> = twins.collect();
        assert!(twins.len() > 10, "{twins:?}");
        for twin in twins {
            assert_eq!(of(twin), of(&twin.replacen("/admin/", "/system/", 1)), "{twin}");
        }
    }

    #[test]
    fn what_reads_takes_less_than_what_writes() {
        for (path, method, needs) in access() {
            let reads = needs.is_none_or(|action| action.as_str().ends_with(".view"));
            let finds = path == path::SECUREAUTH_USER_BY_KEY;
            assert_eq!(reads, method == "get" || finds, "{method} {path}");
        }
    }
}
