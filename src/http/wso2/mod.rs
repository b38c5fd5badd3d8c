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
mod applications;
pub mod call;
pub mod error;
mod organizations;

use super::method_not_allowed::method_not_allowed;
use crate::{links::wso2, web::kit::routing::Routes};
use access::Needs;
use applications::{apis, list, manage, oidc, share, shared};
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

const APPLICATION_VIEW: Needs = Needs::any(&["application_mgt_view"]);
/// The secret is for those who may make applications.
const APPLICATION_SETTINGS: Needs =
    Needs::any(&["application_mgt_view", "application_mgt_create", "application_mgt_update"]);
const APPLICATION_CREATE: Needs = Needs::at_root(&["application_mgt_create"]);
const APPLICATION_UPDATE: Needs = Needs::at_root(&["application_mgt_update"]);
const APPLICATION_DELETE: Needs = Needs::at_root(&["application_mgt_delete"]);
const SHARE: Needs = Needs::any(&["shared_application_create", "application_mgt_update"]);
const SHARE_VIEW: Needs = Needs::any(&["shared_application_view", "application_mgt_view"]);
const UNSHARE: Needs = Needs::any(&["shared_application_delete", "application_mgt_update"]);

routes! { configure_applications, applications_access, MANAGEMENT:
    APPLICATIONS: get list::list(APPLICATION_VIEW), post manage::create(APPLICATION_CREATE);
    SHARE_APPLICATION: post share::share(SHARE), patch share::change_roles(SHARE);
    SHARE_APPLICATION_WITH_ALL: post share::share_with_all(SHARE);
    UNSHARE_APPLICATION: post share::unshare(UNSHARE);
    UNSHARE_APPLICATION_WITH_ALL: post share::unshare_with_all(UNSHARE);
    APPLICATION: get manage::find(APPLICATION_VIEW), patch manage::update(APPLICATION_UPDATE), delete manage::remove(APPLICATION_DELETE);
    APPLICATION_PROTOCOLS: get oidc::list(APPLICATION_VIEW);
    APPLICATION_OIDC: get oidc::find(APPLICATION_SETTINGS), put oidc::replace(APPLICATION_UPDATE);
    APPLICATION_SECRET: post oidc::new_secret(APPLICATION_UPDATE);
    AUTHORIZED_APIS: get apis::list(APPLICATION_VIEW), post apis::authorize(APPLICATION_UPDATE);
    AUTHORIZED_API: patch apis::change(APPLICATION_UPDATE), delete apis::remove(APPLICATION_UPDATE);
    APPLICATION_SHARE: get shared::organizations(SHARE_VIEW), post share::share_as_before(SHARE);
    APPLICATION_SHARE_WITH: delete share::unshare_one(UNSHARE);
    SHARED_APPLICATIONS: get shared::shared_applications(SHARE_VIEW), delete share::unshare_all(UNSHARE);
    ORGANIZATION_APPLICATION_SHARE: get shared::organizations(SHARE_VIEW), post share::share_as_before(SHARE);
    ORGANIZATION_APPLICATION_SHARE_WITH: delete share::unshare_one(UNSHARE);
    ORGANIZATION_SHARED_APPLICATIONS: get shared::shared_applications(SHARE_VIEW), delete share::unshare_all(UNSHARE);
}

routes! { configure, access, MANAGEMENT:
    CHECK_NAME: post organizations::check_name(ORGANIZATION_VIEW);
}
