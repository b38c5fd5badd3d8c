//! WSO2 Identity Server's APIs: management of organizations, applications and roles, and SCIM of an organization's own users.
//!
//! Each path has six forms ([`crate::links::wso2`]): at the root and in an organization, of the default environment or of a named one. At
//! the root a token takes the scopes `internal_…`, in an organization a token that was switched to it takes `internal_org_…`.
//! A handler takes a [`call::Call`], which is authenticated for the environment and the organization of the path. Ids are UUIDs
//! ([`call::uuid`]) and are read in every encoding.
//!
//! Each route stands in a table with what it takes. That is asked before a byte of the body is read, and there is no other way to
//! a [`call::Call`].

pub mod access;
pub mod call;
pub mod error;
mod organizations;
mod scim;

use super::method_not_allowed::method_not_allowed;
use crate::{links::wso2, web::kit::routing::Routes};
use access::Needs;
use call::handler;
use scim::{discovery as scim_discovery, groups as scim_groups, users as scim_users};

/// A way to call these APIs: the path in one of its forms, the method, and what it takes.
pub type Access = (&'static str, &'static str, Needs);

/// Registers the routes in all of their forms. After each handler stands what it takes.
macro_rules! routes {
    ($configure:ident, $access:ident, $base:ident: $(
        $path:ident: $($method:ident $module:ident::$handler:ident($needs:expr)),+;
    )*) => {
        /// Every way to call the routes.
        pub fn $access() -> Vec<Access> {
            let mut all = Vec::new();
            $(for pattern in wso2::$path {
                $(all.push((pattern, stringify!($method), $needs));)+
            })*
            all
        }

        /// Registers the routes.
        pub fn $configure(routes: &mut Routes<'_>) {
            routes.bases(&wso2::$base);
            $(for pattern in wso2::$path {
                routes.resource(pattern, |resource| {
                    resource
                        $(.$method(handler($needs, $module::$handler)))+
                        .default_service(method_not_allowed([$(stringify!($method)),+].join(", ").to_uppercase()))
                });
            })*
        }
    };
}

const ORGANIZATION_VIEW: Needs = Needs::any(&["organization_view"]);

routes! { configure, access, MANAGEMENT:
    CHECK_NAME: post organizations::check_name(ORGANIZATION_VIEW);
}

/// Who may read users, groups or roles reads what the SCIM server can do, too.
const SCIM_DISCOVERY: Needs = Needs::any(&[
    "group_mgt_create",
    "group_mgt_view",
    "group_mgt_list",
    "group_mgt_update",
    "group_mgt_delete",
    "user_mgt_create",
    "user_mgt_view",
    "user_mgt_list",
    "user_mgt_update",
    "user_mgt_delete",
    "role_mgt_create",
    "role_mgt_view",
    "role_mgt_update",
    "role_mgt_delete",
]);
const USER_CREATE: Needs = Needs::any(&["user_mgt_create"]);
const USER_LIST: Needs = Needs::any(&["user_mgt_list"]);
const USER_VIEW: Needs = Needs::any(&["user_mgt_view"]);
const USER_UPDATE: Needs = Needs::any(&["user_mgt_update"]);
const USER_DELETE: Needs = Needs::any(&["user_mgt_delete"]);
// Who may do something with users may do it with groups of them.
const GROUP_CREATE: Needs = Needs::any(&["group_mgt_create", "user_mgt_create"]);
const GROUP_LIST: Needs = Needs::any(&["group_mgt_list", "group_mgt_view", "user_mgt_list"]);
const GROUP_VIEW: Needs = Needs::any(&["group_mgt_view", "user_mgt_view"]);
const GROUP_UPDATE: Needs = Needs::any(&["group_mgt_update", "user_mgt_update"]);
const GROUP_DELETE: Needs = Needs::any(&["group_mgt_delete", "user_mgt_delete"]);

routes! { configure_scim, access_scim, SCIM:
    SCIM_USERS:
        get scim_users::list(USER_LIST),
        post scim_users::create(USER_CREATE);
    SCIM_USER_SEARCH: post scim_users::search(USER_LIST);
    SCIM_USER:
        get scim_users::find(USER_VIEW),
        put scim_users::replace(USER_UPDATE),
        patch scim_users::patch(USER_UPDATE),
        delete scim_users::remove(USER_DELETE);
    SCIM_GROUPS:
        get scim_groups::list(GROUP_LIST),
        post scim_groups::create(GROUP_CREATE);
    SCIM_GROUP_SEARCH: post scim_groups::search(GROUP_LIST);
    SCIM_GROUP:
        get scim_groups::find(GROUP_VIEW),
        put scim_groups::replace(GROUP_UPDATE),
        patch scim_groups::patch(GROUP_UPDATE),
        delete scim_groups::remove(GROUP_DELETE);
    SCIM_SERVICE_PROVIDER_CONFIG: get scim_discovery::service_provider_config(SCIM_DISCOVERY);
    SCIM_RESOURCE_TYPES: get scim_discovery::resource_types(SCIM_DISCOVERY);
    SCIM_RESOURCE_TYPE: get scim_discovery::resource_type(SCIM_DISCOVERY);
    SCIM_SCHEMAS: get scim_discovery::schemas(SCIM_DISCOVERY);
    SCIM_SCHEMA: get scim_discovery::schema(SCIM_DISCOVERY);
}
