//! The pages on which users look after their own account at an organization.

mod addresses;
mod call;
mod confirm;
mod data;
mod guest_invitation;
mod organizations;
mod overview;
mod passkeys;
mod password;
mod profile;
mod second_factor;
mod sessions;

pub(super) use call::AccountError;

use crate::{
    links::path,
    web::kit::routing::{Routes, is_environment},
};

/// Registers the routes. Their first segment is an environment, so they come after every other route.
pub fn configure(routes: &mut Routes<'_>) {
    routes
        .resource(path::WORKSPACE_ACCOUNT, |resource| resource.guard(is_environment()).get(overview::show))
        .resource(path::WORKSPACE_ACCOUNT_PROFILE, |resource| {
            resource.guard(is_environment()).get(profile::show).post(profile::update)
        })
        .resource(path::WORKSPACE_ACCOUNT_ADDRESSES, |resource| {
            resource.guard(is_environment()).get(addresses::show).post(addresses::add)
        })
        .resource(path::WORKSPACE_ACCOUNT_VERIFY, |resource| {
            resource.guard(is_environment()).post(addresses::verify)
        })
        .resource(path::WORKSPACE_ACCOUNT_SEND, |resource| {
            resource.guard(is_environment()).post(addresses::send_again)
        })
        .resource(path::WORKSPACE_ACCOUNT_IDENTIFIER, |resource| {
            resource.guard(is_environment()).post(addresses::sign_in_with)
        })
        .resource(path::WORKSPACE_ACCOUNT_REMOVE, |resource| {
            resource.guard(is_environment()).post(addresses::remove)
        })
        .resource(path::WORKSPACE_ACCOUNT_PASSWORD, |resource| {
            resource.guard(is_environment()).get(password::show).post(password::set)
        })
        .resource(path::WORKSPACE_ACCOUNT_PASSKEYS, |resource| {
            resource.guard(is_environment()).get(passkeys::show).post(passkeys::add)
        })
        .resource(path::WORKSPACE_ACCOUNT_PASSKEY, |resource| {
            resource.guard(is_environment()).post(passkeys::change)
        })
        .resource(path::WORKSPACE_ACCOUNT_SECOND_FACTOR, |resource| {
            resource.guard(is_environment()).get(second_factor::show).post(second_factor::remove)
        })
        .resource(path::WORKSPACE_ACCOUNT_APP, |resource| {
            resource.guard(is_environment()).get(second_factor::begin).post(second_factor::complete)
        })
        .resource(path::WORKSPACE_ACCOUNT_RECOVERY_CODES, |resource| {
            resource.guard(is_environment()).post(second_factor::new_recovery_codes)
        })
        .resource(path::WORKSPACE_ACCOUNT_SESSIONS, |resource| {
            resource.guard(is_environment()).get(sessions::show).post(sessions::end_others)
        })
        .resource(path::WORKSPACE_ACCOUNT_SESSION, |resource| {
            resource.guard(is_environment()).post(sessions::end)
        })
        .resource(path::WORKSPACE_ACCOUNT_DATA, |resource| resource.guard(is_environment()).get(data::show))
        .resource(path::WORKSPACE_ACCOUNT_FILE, |resource| {
            resource.guard(is_environment()).get(data::download)
        })
        .resource(path::WORKSPACE_ACCOUNT_ERASE, |resource| {
            resource.guard(is_environment()).get(data::confirm_erasure).post(data::erase)
        })
        .resource(path::WORKSPACE_ACCOUNT_OPEN_GUEST_INVITATION, |resource| {
            resource.guard(is_environment()).get(guest_invitation::open)
        })
        .resource(path::WORKSPACE_ACCOUNT_GUEST_INVITATION, |resource| {
            resource.guard(is_environment()).get(guest_invitation::show).post(guest_invitation::accept)
        })
        .resource(path::WORKSPACE_ACCOUNT_ORGANIZATIONS, |resource| {
            resource.guard(is_environment()).get(organizations::show)
        })
        .resource(path::WORKSPACE_ACCOUNT_LEAVE, |resource| {
            resource.guard(is_environment()).get(organizations::confirm_leaving).post(organizations::leave)
        })
        .resource(path::WORKSPACE_ACCOUNT_TRANSFER, |resource| {
            resource
                .guard(is_environment())
                .get(organizations::confirm_transfer)
                .post(organizations::transfer)
        })
        .resource(path::WORKSPACE_ACCOUNT_INVITATION, |resource| {
            resource.guard(is_environment()).post(organizations::join)
        })
        .resource(path::WORKSPACE_ACCOUNT_CONFIRM, |resource| {
            resource.guard(is_environment()).get(confirm::show).post(confirm::confirm)
        })
        .resource(path::WORKSPACE_ACCOUNT_SIGN_OUT, |resource| {
            resource.guard(is_environment()).post(sessions::sign_out)
        });
}
