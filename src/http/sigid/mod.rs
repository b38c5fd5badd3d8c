//! SigID's API: organizations of their own people, their members, domains and invitations. Wire types and handlers, one folder per
//! resource.
//!
//! A handler takes a [`call::Call`], whose caller is authenticated, enters an organization ([`call::Call::enter`]), makes one call of
//! `app` with the [`crate::app::members::Standing`] that this gives, and returns a [`error::SigidError`] where it fails. Lists answer
//! [`reply::list`] of a [`crate::app::pagination::Page`], whose parameters are [`call::Query::limit`] and [`call::Query::cursor`]
//! (`PageRequest::sized`).

pub mod audit_events;
pub mod call;
pub mod domains;
pub mod error;
pub mod invitations;
pub mod members;
pub mod organizations;
pub mod reply;
mod retries;
pub mod sessions;
pub mod switch;

use actix_web::middleware::from_fn;

use super::{idempotency, method_not_allowed::method_not_allowed};
use crate::{links::path, web::kit::routing::Routes};
use call::handler;

/// Registers the routes from one table.
macro_rules! routes {
    ($($path:ident: $($method:ident $module:ident::$handler:ident),+;)*) => {
        /// Every route: its path and the methods that it supports.
        pub const ROUTES: &[(&str, &[&str])] = &[$((path::$path, &[$(stringify!($method)),+])),*];

        /// Registers the routes.
        pub fn configure(routes: &mut Routes<'_>) {
            $(routes.resource(path::$path, |resource| {
                resource
                    $(.$method(handler($module::$handler)))+
                    .default_service(method_not_allowed([$(stringify!($method)),+].join(", ").to_uppercase()))
                    .wrap(from_fn(idempotency::handle::<retries::SigidWrites>))
            });)*
        }
    };
}

routes! {
    SIGID_SESSIONS: post sessions::create;
    SIGID_CURRENT_SESSION: get sessions::get_current, delete sessions::end_current;
    SIGID_SESSION: delete sessions::end;
    SIGID_ME: get sessions::me;
    SIGID_ORGANIZATIONS: get organizations::list, post organizations::create;
    SIGID_DOMAINS: get domains::list, post domains::create;
    SIGID_DOMAIN: get domains::get, patch domains::update, delete domains::delete;
    SIGID_DOMAIN_VERIFY: post domains::verify;
    SIGID_DOMAIN_CONFIRM: post domains::confirm;
    SIGID_INVITATIONS: get invitations::list, post invitations::create;
    SIGID_INVITATIONS_BULK: post invitations::create_many;
    SIGID_INVITATION: delete invitations::revoke;
    SIGID_RESEND_INVITATION: post invitations::resend;
    SIGID_ACCEPT_INVITATION: post invitations::accept;
    SIGID_INVITATION_PREVIEW: get invitations::preview;
    SIGID_SWITCH: post switch::switch;
    SIGID_ORGANIZATION: get organizations::get, put organizations::replace, delete organizations::remove;
    SIGID_MEMBERS: get members::list, post members::add;
    SIGID_MEMBER: get members::get, patch members::change, delete members::remove;
    SIGID_MEMBER_ROLE: patch members::change_role;
    SIGID_TRANSFER: post members::transfer;
    SIGID_ORGANIZATION_AUDIT_EVENTS: get audit_events::list;
    SIGID_AUDIT_EVENTS: get audit_events::list_all;
}
