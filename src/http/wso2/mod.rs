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
mod discovery;
pub mod error;
mod organizations;

use super::method_not_allowed::method_not_allowed;
use crate::{links::wso2, web::kit::routing::Routes};
use access::Needs;
use call::handler;

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
const ROOT_VIEW: Needs = Needs::at_root(&["organization_view"]);
const ROOT_UPDATE: Needs = Needs::at_root(&["organization_update"]);
const ORGANIZATION_CREATE: Needs = Needs::any(&["organization_create"]);
const ORGANIZATION_UPDATE: Needs = Needs::any(&["organization_update"]);
const ORGANIZATION_DELETE: Needs = Needs::any(&["organization_delete"]);

routes! { configure, access, MANAGEMENT:
    CHECK_NAME: post organizations::check_name(ORGANIZATION_VIEW);
    CHECK_HANDLE: post organizations::check_handle(ORGANIZATION_VIEW);
    OWN_ORGANIZATION:
        get organizations::get_own(ORGANIZATION_VIEW), patch organizations::patch_own(ORGANIZATION_UPDATE);
    ORGANIZATION_METADATA: get organizations::metadata(ORGANIZATION_VIEW);
    ORGANIZATION_META_ATTRIBUTES: get organizations::meta_attributes(ORGANIZATION_VIEW);
    ORGANIZATIONS_DISCOVERY: get discovery::list(ORGANIZATION_VIEW), post discovery::create(ORGANIZATION_UPDATE);
    CHECK_DISCOVERY: post discovery::check(ORGANIZATION_VIEW);
    ORGANIZATION_DISCOVERY:
        get discovery::get(ORGANIZATION_VIEW),
        put discovery::replace(ORGANIZATION_UPDATE),
        delete discovery::delete(ORGANIZATION_UPDATE);
    DISCOVERY_SETTINGS:
        get discovery::get_settings(ROOT_VIEW),
        post discovery::create_settings(ROOT_UPDATE),
        put discovery::replace_settings(ROOT_UPDATE),
        delete discovery::delete_settings(ROOT_UPDATE);
    ORGANIZATIONS: get organizations::list(ORGANIZATION_VIEW), post organizations::create(ORGANIZATION_CREATE);
    ORGANIZATION:
        get organizations::get(ORGANIZATION_VIEW),
        patch organizations::patch(ORGANIZATION_UPDATE),
        put organizations::replace(ORGANIZATION_UPDATE),
        delete organizations::delete(ORGANIZATION_DELETE);
}
