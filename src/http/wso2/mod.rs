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
mod discovery;
pub mod error;
mod guests;
pub mod openapi;
mod organizations;
mod scim;
mod scim_roles;

use super::method_not_allowed::method_not_allowed;
use crate::{links::wso2, web::kit::routing::Routes};
use access::Needs;
use applications::{apis, list, manage, oidc, share, shared};
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
const ROOT_VIEW: Needs = Needs::at_root(&["organization_view"]);
const ROOT_UPDATE: Needs = Needs::at_root(&["organization_update"]);
const ORGANIZATION_CREATE: Needs = Needs::any(&["organization_create"]);
const ORGANIZATION_UPDATE: Needs = Needs::any(&["organization_update"]);
const ORGANIZATION_DELETE: Needs = Needs::any(&["organization_delete"]);

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

const GUESTS_INVITE: Needs = Needs::in_organization(&["guest_mgt_invite_add"]);
const GUESTS_LIST: Needs = Needs::in_organization(&["guest_mgt_invite_list"]);
const GUESTS_DELETE: Needs = Needs::in_organization(&["guest_mgt_invite_delete"]);
/// Where the invited have their account, and where they are invited.
const GUESTS_INTROSPECT: Needs = Needs::any(&["guest_mgt_invite_list"]);

routes! { configure_guests, guests_access, MANAGEMENT:
    INVITE_GUESTS: post guests::invite(GUESTS_INVITE);
    GUEST_INVITATIONS: get guests::list(GUESTS_LIST);
    GUEST_INVITATION: delete guests::remove(GUESTS_DELETE);
    INTROSPECT_INVITATION: post guests::introspect(GUESTS_INTROSPECT);
}

/// Registers what takes no token: an invitation accepted by its code.
pub fn configure_acceptance(routes: &mut Routes<'_>) {
    for pattern in wso2::ACCEPT_INVITATION {
        routes.resource(pattern, |resource| {
            resource.post(guests::accept).default_service(method_not_allowed("POST".to_owned()))
        });
    }
}

routes! { configure_roles, roles_access, SCIM:
    ROLES:
        get scim_roles::list(Needs::any(&["role_mgt_view"])),
        post scim_roles::create(Needs::any(&["role_mgt_create"]));
    ROLES_SEARCH: post scim_roles::search(Needs::any(&["role_mgt_view"]));
    ROLE:
        get scim_roles::find(Needs::any(&["role_mgt_view"])),
        put scim_roles::replace(Needs::any(&["role_mgt_update"])),
        patch scim_roles::patch(Needs::any(&["role_mgt_update"])),
        delete scim_roles::remove(Needs::any(&["role_mgt_delete"]));
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
const GROUP_CREATE: Needs = Needs::any(&["group_mgt_create", "user_mgt_update"]);
const GROUP_LIST: Needs = Needs::any(&["group_mgt_list", "group_mgt_view", "user_mgt_list"]);
const GROUP_VIEW: Needs = Needs::any(&["group_mgt_view", "user_mgt_view"]);
const GROUP_UPDATE: Needs = Needs::any(&["group_mgt_update", "user_mgt_update"]);
const GROUP_DELETE: Needs = Needs::any(&["group_mgt_delete", "user_mgt_update"]);

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
