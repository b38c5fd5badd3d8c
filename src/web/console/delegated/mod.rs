//! What an organization's own administrators have of the console: below `/{tenant}/{workspace}/admin`, for their organization
//! alone, and as far as their roles permit. The pages are the console's; the first one and the audit log are made for them.

pub mod audit;
pub mod home;

use super::{domains, guests, invitations, members, roles, user_groups, users};
use crate::{
    links::console as path,
    web::kit::routing::{Routes, is_environment},
};

/// Registers the routes. Their first segment is an environment, so they come after every other route.
pub fn configure(routes: &mut Routes<'_>) {
    use users::{contact, credentials, form, invitation, list, new, show, status};
    routes.bases(&[path::DELEGATED]);
    macro_rules! pages {
        ($($pattern:ident: $($method:ident $handler:path),+;)*) => {$(
            routes.resource(path::delegated_route(path::$pattern), |resource| {
                resource.guard(is_environment())$(.$method($handler))+
            });
        )*};
    }
    pages! {
        OVERVIEW: get home::show;
        ORGANIZATION: get home::show;
        GUEST_INVITATIONS: post guests::remove;
        AUDIT_EVENTS: get audit::list;
        ORGANIZATION_USERS: get list::list;
        NEW_ORGANIZATION_USER: get new::new, post new::create;
        NEW_POOL_USER: get new::new, post new::create;
        USER: get show::show;
        EDIT_USER: get form::edit, post form::update;
        DELETE_USER: get status::confirm_deletion, post status::delete;
        USER_STATUS: post status::change;
        USER_IDENTIFIERS: get contact::new_identifier, post contact::change_identifiers;
        USER_ADDRESSES: get contact::new_address, post contact::change_addresses;
        USER_PASSWORD: get credentials::new_password, post credentials::set_password;
        USER_CREDENTIALS: post credentials::change;
        USER_GROUPS: get user_groups::of_user::new, post user_groups::of_user::change;
        USER_ROLES: post users::roles::change;
        USER_INVITATION: post invitation::change;
        USER_SESSIONS: post credentials::end_sessions;
        ORGANIZATION_MEMBERS: get members::list::list;
        ORGANIZATION_MEMBER: get members::show::show, post members::show::change;
        REMOVE_ORGANIZATION_MEMBER: get members::show::confirm_removal, post members::show::remove;
        ORGANIZATION_CHECKLIST: get members::checklist::show;
        ORGANIZATION_INVITATIONS: get invitations::list::list;
        NEW_ORGANIZATION_INVITATION: get invitations::form::new, post invitations::form::create;
        RESEND_ORGANIZATION_INVITATION: post invitations::list::resend;
        REVOKE_ORGANIZATION_INVITATION: post invitations::list::revoke;
        ORGANIZATION_ROLES: get roles::list::list;
        NEW_ORGANIZATION_ROLE: get roles::form::new, post roles::form::create;
        ORGANIZATION_ROLE: get roles::show::show;
        EDIT_ORGANIZATION_ROLE: get roles::form::edit, post roles::form::update;
        DELETE_ORGANIZATION_ROLE: get roles::delete::confirm, post roles::delete::remove;
        ORGANIZATION_ROLE_MEMBERS: post roles::members::change;
        DOMAINS: get domains::form::new, post domains::form::add;
        DOMAIN: get domains::show::show, post domains::show::update;
        CHECK_DOMAIN: post domains::show::check;
        VERIFY_DOMAIN: post domains::show::verify;
        DELETE_DOMAIN: get domains::delete::confirm, post domains::delete::remove;
        DELEGATED_SETUP: post home::set_up;
    }
}
