//! The console: web pages on which the vendor's administrators manage an installation. Each page has one
//! file with its handlers and its view; a handler extracts, calls one function of `app`, and responds.

pub mod account;
pub mod administrators;
pub mod api_keys;
pub mod audit_events;
mod audit_words;
pub mod branding;
pub mod cookie;
#[cfg(test)]
mod directory_samples;
pub mod directory_tabs;
pub mod domains;
pub mod environment;
mod environment_form;
pub mod environments;
pub mod events;
pub mod flash;
pub mod flow;
pub mod flows;
pub mod here;
pub mod join;
mod json;
#[cfg(test)]
mod log_samples;
#[cfg(test)]
mod login_samples;
pub mod oauth_client;
pub mod oauth_clients;
pub mod organization;
pub mod organization_delete;
pub mod organization_form;
pub mod organizations;
pub mod overview;
mod product;
#[cfg(test)]
mod resource_samples;
pub mod saml_connection;
pub mod saml_connection_form;
#[cfg(test)]
mod samples;
pub mod scim_directories;
pub mod scim_directory;
pub mod scim_group;
pub mod scim_groups;
pub mod scim_refusals;
pub mod scim_request;
pub mod scim_requests;
pub mod scim_user;
pub mod scim_users;
pub mod setup_links;
pub mod shell;
pub mod sign_in;
pub mod sso;
pub mod visitor;
pub mod webhook;
mod webhook_form;
pub mod webhooks;
mod words;

use actix_web::web::{self, ServiceConfig};

use crate::links::console as path;

/// Registers the console's routes. actix takes the first match, so paths with fixed segments come before
/// paths with an environment's id in the same position.
pub fn configure(config: &mut ServiceConfig) {
    sign_in_routes(config);
    config
        .service(web::resource(path::HOME).get(environments::list))
        .service(web::resource(path::NEW_ENVIRONMENT).get(environments::new).post(environments::create));
    // Before the environment's routes: `{environment}` would match this segment.
    config
        .service(web::resource(path::INSTALLATION_AUDIT_EVENTS).get(audit_events::list_installation))
        .service(
            web::resource(path::EXPORT_INSTALLATION_AUDIT_EVENTS).get(audit_events::export_installation),
        );
    environment_routes(config);
    flow_routes(config);
    credential_routes(config);
    organization_routes(config);
    connection_routes(config);
    administrator_routes(config);
    directory_routes(config);
    event_routes(config);
    // Last: all other paths of one segment are fixed.
    config.service(web::resource(path::OVERVIEW).get(overview::show));
}

fn credential_routes(config: &mut ServiceConfig) {
    use oauth_client as client;
    config
        .service(web::resource(path::API_KEYS).get(api_keys::list))
        .service(web::resource(path::NEW_API_KEY).get(api_keys::new).post(api_keys::create))
        .service(web::resource(path::DELETE_API_KEY).get(api_keys::confirm).post(api_keys::remove))
        .service(web::resource(path::OAUTH_CLIENTS).get(oauth_clients::list))
        .service(web::resource(path::NEW_OAUTH_CLIENT).get(client::new).post(client::create))
        .service(web::resource(path::OAUTH_CLIENT).get(client::show))
        .service(web::resource(path::EDIT_OAUTH_CLIENT).get(client::edit).post(client::update))
        .service(web::resource(path::ROTATE_OAUTH_CLIENT).get(client::confirm_rotation).post(client::rotate))
        .service(web::resource(path::DELETE_OAUTH_CLIENT).get(client::confirm).post(client::remove));
}

fn connection_routes(config: &mut ServiceConfig) {
    use saml_connection as connection;
    use saml_connection_form as form;
    use scim_directory as directory;
    config
        .service(web::resource(path::NEW_SAML_CONNECTION).get(form::new).post(form::create))
        .service(web::resource(path::SAML_CONNECTION).get(connection::show))
        .service(web::resource(path::EDIT_SAML_CONNECTION).get(form::edit).post(form::update))
        .service(
            web::resource(path::DELETE_SAML_CONNECTION).get(connection::confirm).post(connection::remove),
        )
        .service(web::resource(path::REFRESH_SAML_CONNECTION).post(connection::refresh))
        .service(web::resource(path::TEST_SAML_CONNECTION).post(connection::test))
        .service(web::resource(path::SCIM_DIRECTORIES).get(scim_directories::list))
        .service(web::resource(path::NEW_SCIM_DIRECTORY).post(directory::create))
        .service(web::resource(path::SCIM_DIRECTORY).get(directory::show))
        .service(web::resource(path::EDIT_SCIM_DIRECTORY).get(directory::edit).post(directory::update))
        .service(
            web::resource(path::ROTATE_SCIM_DIRECTORY)
                .get(directory::confirm_rotation)
                .post(directory::rotate),
        )
        .service(web::resource(path::END_SCIM_OVERLAP).post(directory::end_overlap))
        .service(web::resource(path::DELETE_SCIM_DIRECTORY).get(directory::confirm).post(directory::remove));
}

fn organization_routes(config: &mut ServiceConfig) {
    use organization_form as form;
    config
        .service(web::resource(path::ORGANIZATIONS).get(organizations::list))
        .service(web::resource(path::NEW_ORGANIZATION).get(form::new).post(form::create))
        .service(web::resource(path::ORGANIZATION).get(organization::show))
        .service(web::resource(path::EDIT_ORGANIZATION).get(form::edit).post(form::update))
        .service(
            web::resource(path::DELETE_ORGANIZATION)
                .get(organization_delete::confirm)
                .post(organization_delete::remove),
        )
        .service(web::resource(path::DOMAINS).get(domains::new).post(domains::add))
        .service(web::resource(path::DOMAIN).get(domains::show))
        .service(web::resource(path::APPROVE_DOMAIN).get(domains::approve_redirect).post(domains::approve))
        .service(web::resource(path::CHECK_DOMAIN).post(domains::check))
        .service(web::resource(path::DELETE_DOMAIN).get(domains::confirm).post(domains::remove))
        .service(web::resource(path::NEW_SETUP_LINK).get(setup_links::new).post(setup_links::create))
        .service(web::resource(path::SETUP_LINKS).get(setup_links::list))
        .service(web::resource(path::REVOKE_SETUP_LINK).post(setup_links::revoke));
}

fn administrator_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::ADMINISTRATORS).get(administrators::list))
        .service(
            web::resource(path::INVITE_ADMINISTRATOR).get(administrators::new).post(administrators::invite),
        )
        .service(web::resource(path::ADMINISTRATOR).post(administrators::change))
        .service(web::resource(path::REVOKE_ADMIN_INVITATION).post(administrators::revoke));
}

/// Sign-in, invitation and account.
fn sign_in_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::SIGN_IN).get(sign_in::show).post(sign_in::with_password))
        .service(web::resource(path::SIGN_IN_PASSKEY).post(sign_in::with_passkey))
        .service(web::resource(path::SIGN_IN_SAML).get(sso::begin_saml))
        .service(web::resource(path::SIGN_IN_SAML_FINISH).get(sso::finish_saml))
        .service(web::resource(path::SIGN_IN_OIDC).get(sso::begin_oidc))
        .service(web::resource(path::SIGN_IN_OIDC_CALLBACK).get(sso::finish_oidc))
        .service(web::resource(path::SIGN_OUT).post(sign_in::sign_out))
        .service(web::resource(path::JOIN).get(join::show).post(join::join))
        .service(web::resource(path::ACCOUNT).get(account::show))
        .service(web::resource(path::ACCOUNT_NAME).post(account::rename))
        .service(web::resource(path::ACCOUNT_CONFIRM).post(account::confirm))
        .service(web::resource(path::ACCOUNT_CONFIRM_PASSKEY).post(account::confirm_with_passkey))
        .service(web::resource(path::ACCOUNT_PASSWORD).post(account::set_password))
        .service(web::resource(path::ACCOUNT_PASSKEYS).post(account::add_passkey))
        .service(web::resource(path::ACCOUNT_PASSKEY).post(account::change_passkey))
        .service(web::resource(path::ACCOUNT_SESSIONS).post(account::revoke_others))
        .service(web::resource(path::ACCOUNT_SESSION).post(account::revoke_session));
}

fn environment_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::ENVIRONMENT).get(environment::show))
        .service(web::resource(path::EDIT_ENVIRONMENT).get(environment::edit).post(environment::update))
        .service(web::resource(path::DELETE_ENVIRONMENT).get(environment::confirm).post(environment::remove))
        .service(web::resource(path::BRANDING).get(branding::show).post(branding::update))
        .service(web::resource(path::PREVIEW_BRANDING).get(branding::preview));
}

fn directory_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::SCIM_USERS).get(scim_users::list))
        .service(web::resource(path::SCIM_USER).get(scim_user::show))
        .service(web::resource(path::SCIM_GROUPS).get(scim_groups::list))
        .service(web::resource(path::SCIM_GROUP).get(scim_group::show))
        .service(web::resource(path::SCIM_REQUESTS).get(scim_requests::list))
        .service(web::resource(path::SCIM_REQUEST).get(scim_request::show));
}

fn event_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::EVENTS).get(events::list))
        .service(web::resource(path::WEBHOOKS).get(webhooks::list))
        .service(web::resource(path::NEW_WEBHOOK).get(webhooks::new).post(webhooks::create))
        .service(web::resource(path::WEBHOOK).get(webhook::show))
        .service(web::resource(path::EDIT_WEBHOOK).get(webhook::edit).post(webhook::update))
        .service(web::resource(path::ENABLE_WEBHOOK).post(webhook::enable))
        .service(web::resource(path::DISABLE_WEBHOOK).post(webhook::disable))
        .service(web::resource(path::REPLAY_WEBHOOK).post(webhook::replay))
        .service(web::resource(path::DELETE_WEBHOOK).get(webhook::confirm).post(webhook::remove))
        .service(web::resource(path::REPLAY_WEBHOOK_DELIVERY).post(webhook::replay_delivery))
        .service(web::resource(path::AUDIT_EVENTS).get(audit_events::list))
        .service(web::resource(path::EXPORT_AUDIT_EVENTS).get(audit_events::export));
}

fn flow_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::FLOWS).get(flows::list))
        .service(web::resource(path::FLOW).get(flow::show))
        .service(web::resource(path::CHECK_FLOW).get(flow::check_redirect).post(flow::check));
}

/// Turns a reason of `app::Error` into a sentence: capital letter and full stop.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let text = first + letters.as_str();
    if text.ends_with('.') { text } else { text + "." }
}
