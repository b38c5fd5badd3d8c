//! The console: web pages on which the vendor's administrators manage an installation. Each page has one
//! file with its handlers and its view; a handler extracts, calls one function of `app`, and responds.

pub mod account;
pub mod administrators;
pub mod api_keys;
pub mod audit_events;
pub mod branding;
pub mod domains;
pub mod environments;
pub mod events;
pub mod flows;
pub mod kit;
pub mod oauth_clients;
pub mod organizations;
pub mod overview;
pub mod saml_connections;
#[cfg(test)]
mod samples;
pub mod scim_directories;
pub mod scim_groups;
pub mod scim_requests;
pub mod scim_users;
pub mod setup_links;
pub mod sign_in;
pub mod webhooks;

use actix_web::web::{self, ServiceConfig};

use self::sign_in::{invitation, sso};
use crate::links::console as path;

/// Registers the console's routes. actix takes the first match, so paths with fixed segments come before
/// paths with an environment's id in the same position.
pub fn configure(config: &mut ServiceConfig) {
    sign_in_routes(config);
    config.service(web::resource(path::HOME).get(environments::list::list)).service(
        web::resource(path::NEW_ENVIRONMENT).get(environments::form::new).post(environments::form::create),
    );
    // Before the environment's routes: `{environment}` would match this segment.
    config
        .service(web::resource(path::INSTALLATION_AUDIT_EVENTS).get(audit_events::list::list_installation))
        .service(
            web::resource(path::EXPORT_INSTALLATION_AUDIT_EVENTS)
                .get(audit_events::export::export_installation),
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
    config.service(web::resource(path::OVERVIEW).get(overview::show::show));
}

fn credential_routes(config: &mut ServiceConfig) {
    use oauth_clients::show as client;
    config
        .service(web::resource(path::API_KEYS).get(api_keys::list::list))
        .service(web::resource(path::NEW_API_KEY).get(api_keys::form::new).post(api_keys::form::create))
        .service(
            web::resource(path::DELETE_API_KEY).get(api_keys::delete::confirm).post(api_keys::delete::remove),
        )
        .service(web::resource(path::OAUTH_CLIENTS).get(oauth_clients::list::list))
        .service(
            web::resource(path::NEW_OAUTH_CLIENT)
                .get(oauth_clients::form::new)
                .post(oauth_clients::form::create),
        )
        .service(web::resource(path::OAUTH_CLIENT).get(client::show))
        .service(
            web::resource(path::EDIT_OAUTH_CLIENT)
                .get(oauth_clients::form::edit)
                .post(oauth_clients::form::update),
        )
        .service(
            web::resource(path::ROTATE_OAUTH_CLIENT)
                .get(oauth_clients::secret::confirm_rotation)
                .post(oauth_clients::secret::rotate),
        )
        .service(
            web::resource(path::DELETE_OAUTH_CLIENT)
                .get(oauth_clients::delete::confirm)
                .post(oauth_clients::delete::remove),
        );
}

fn connection_routes(config: &mut ServiceConfig) {
    use saml_connections::form;
    use saml_connections::show as connection;
    use scim_directories::show as directory;
    config
        .service(web::resource(path::NEW_SAML_CONNECTION).get(form::new).post(form::create))
        .service(web::resource(path::SAML_CONNECTION).get(connection::show))
        .service(web::resource(path::EDIT_SAML_CONNECTION).get(form::edit).post(form::update))
        .service(
            web::resource(path::DELETE_SAML_CONNECTION)
                .get(saml_connections::delete::confirm)
                .post(saml_connections::delete::remove),
        )
        .service(web::resource(path::REFRESH_SAML_CONNECTION).post(connection::refresh))
        .service(web::resource(path::TEST_SAML_CONNECTION).post(connection::test))
        .service(web::resource(path::SCIM_DIRECTORIES).get(scim_directories::list::list))
        .service(web::resource(path::NEW_SCIM_DIRECTORY).post(scim_directories::form::create))
        .service(web::resource(path::SCIM_DIRECTORY).get(directory::show))
        .service(
            web::resource(path::EDIT_SCIM_DIRECTORY)
                .get(scim_directories::form::edit)
                .post(scim_directories::form::update),
        )
        .service(
            web::resource(path::ROTATE_SCIM_DIRECTORY)
                .get(scim_directories::tokens::confirm_rotation)
                .post(scim_directories::tokens::rotate),
        )
        .service(web::resource(path::END_SCIM_OVERLAP).post(scim_directories::tokens::end_overlap))
        .service(
            web::resource(path::DELETE_SCIM_DIRECTORY)
                .get(scim_directories::delete::confirm)
                .post(scim_directories::delete::remove),
        );
}

fn organization_routes(config: &mut ServiceConfig) {
    use organizations::form;
    config
        .service(web::resource(path::ORGANIZATIONS).get(organizations::list::list))
        .service(web::resource(path::NEW_ORGANIZATION).get(form::new).post(form::create))
        .service(web::resource(path::ORGANIZATION).get(organizations::show::show))
        .service(web::resource(path::EDIT_ORGANIZATION).get(form::edit).post(form::update))
        .service(
            web::resource(path::DELETE_ORGANIZATION)
                .get(organizations::delete::confirm)
                .post(organizations::delete::remove),
        )
        .service(web::resource(path::DOMAINS).get(domains::form::new).post(domains::form::add))
        .service(web::resource(path::DOMAIN).get(domains::show::show))
        .service(
            web::resource(path::APPROVE_DOMAIN)
                .get(domains::approve::approve_redirect)
                .post(domains::approve::approve),
        )
        .service(web::resource(path::CHECK_DOMAIN).post(domains::show::check))
        .service(
            web::resource(path::DELETE_DOMAIN).get(domains::delete::confirm).post(domains::delete::remove),
        )
        .service(
            web::resource(path::NEW_SETUP_LINK).get(setup_links::form::new).post(setup_links::form::create),
        )
        .service(web::resource(path::SETUP_LINKS).get(setup_links::list::list))
        .service(web::resource(path::REVOKE_SETUP_LINK).post(setup_links::list::revoke));
}

fn administrator_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::ADMINISTRATORS).get(administrators::list::list))
        .service(
            web::resource(path::INVITE_ADMINISTRATOR)
                .get(administrators::invite::new)
                .post(administrators::invite::invite),
        )
        .service(web::resource(path::ADMINISTRATOR).post(administrators::list::change))
        .service(web::resource(path::REVOKE_ADMIN_INVITATION).post(administrators::list::revoke));
}

/// Sign-in, invitation and account.
fn sign_in_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::SIGN_IN).get(sign_in::form::show).post(sign_in::form::with_password))
        .service(web::resource(path::SIGN_IN_PASSKEY).post(sign_in::form::with_passkey))
        .service(web::resource(path::SIGN_IN_SAML).get(sso::begin_saml))
        .service(web::resource(path::SIGN_IN_SAML_FINISH).get(sso::finish_saml))
        .service(web::resource(path::SIGN_IN_OIDC).get(sso::begin_oidc))
        .service(web::resource(path::SIGN_IN_OIDC_CALLBACK).get(sso::finish_oidc))
        .service(web::resource(path::SIGN_OUT).post(sign_in::form::sign_out))
        .service(web::resource(path::JOIN).get(invitation::show).post(invitation::join))
        .service(web::resource(path::ACCOUNT).get(account::show::show))
        .service(web::resource(path::ACCOUNT_NAME).post(account::change::rename))
        .service(web::resource(path::ACCOUNT_CONFIRM).post(account::change::confirm))
        .service(web::resource(path::ACCOUNT_CONFIRM_PASSKEY).post(account::change::confirm_with_passkey))
        .service(web::resource(path::ACCOUNT_PASSWORD).post(account::change::set_password))
        .service(web::resource(path::ACCOUNT_PASSKEYS).post(account::change::add_passkey))
        .service(web::resource(path::ACCOUNT_PASSKEY).post(account::change::change_passkey))
        .service(web::resource(path::ACCOUNT_SESSIONS).post(account::change::revoke_others))
        .service(web::resource(path::ACCOUNT_SESSION).post(account::change::revoke_session));
}

fn environment_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::ENVIRONMENT).get(environments::show::show))
        .service(
            web::resource(path::EDIT_ENVIRONMENT)
                .get(environments::form::edit)
                .post(environments::form::update),
        )
        .service(
            web::resource(path::DELETE_ENVIRONMENT)
                .get(environments::delete::confirm)
                .post(environments::delete::remove),
        )
        .service(web::resource(path::BRANDING).get(branding::form::show).post(branding::form::update))
        .service(web::resource(path::PREVIEW_BRANDING).get(branding::preview::preview));
}

fn directory_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::SCIM_USERS).get(scim_users::list::list))
        .service(web::resource(path::SCIM_USER).get(scim_users::show::show))
        .service(web::resource(path::SCIM_GROUPS).get(scim_groups::list::list))
        .service(web::resource(path::SCIM_GROUP).get(scim_groups::show::show))
        .service(web::resource(path::SCIM_REQUESTS).get(scim_requests::list::list))
        .service(web::resource(path::SCIM_REQUEST).get(scim_requests::show::show));
}

fn event_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::EVENTS).get(events::list::list))
        .service(web::resource(path::WEBHOOKS).get(webhooks::list::list))
        .service(web::resource(path::NEW_WEBHOOK).get(webhooks::form::new).post(webhooks::form::create))
        .service(web::resource(path::WEBHOOK).get(webhooks::show::show))
        .service(web::resource(path::EDIT_WEBHOOK).get(webhooks::form::edit).post(webhooks::form::update))
        .service(web::resource(path::ENABLE_WEBHOOK).post(webhooks::show::enable))
        .service(web::resource(path::DISABLE_WEBHOOK).post(webhooks::show::disable))
        .service(web::resource(path::REPLAY_WEBHOOK).post(webhooks::replay::replay))
        .service(
            web::resource(path::DELETE_WEBHOOK).get(webhooks::delete::confirm).post(webhooks::delete::remove),
        )
        .service(web::resource(path::REPLAY_WEBHOOK_DELIVERY).post(webhooks::replay::replay_delivery))
        .service(web::resource(path::AUDIT_EVENTS).get(audit_events::list::list))
        .service(web::resource(path::EXPORT_AUDIT_EVENTS).get(audit_events::export::export));
}

fn flow_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::FLOWS).get(flows::list::list))
        .service(web::resource(path::FLOW).get(flows::show::show))
        .service(
            web::resource(path::CHECK_FLOW).get(flows::recheck::check_redirect).post(flows::recheck::check),
        );
}
