//! The console: web pages on which the vendor's administrators manage an installation. Each page has one
//! file with its handlers and its view; a handler extracts, calls one function of `app`, and responds.

pub mod account;
pub mod administrators;
pub mod api_keys;
pub mod applications;
pub mod audit_events;
pub mod branding;
pub mod delegated;
pub mod domains;
pub mod environments;
pub mod events;
pub mod flows;
pub mod identity_pools;
pub mod identity_schemas;
pub mod kit;
pub mod letters;
pub mod oauth_clients;
pub mod oidc_connections;
pub mod organizations;
pub mod overview;
pub mod roles;
pub mod saml_connections;
#[cfg(test)]
mod samples;
pub mod scim_directories;
pub mod scim_groups;
pub mod scim_requests;
pub mod scim_users;
pub mod setup_links;
pub mod sign_in;
pub mod templates;
pub mod user_groups;
pub mod users;
pub mod webhooks;

use model::{
    api_key::ApiKey, application::Application, environment::Environment, oauth_client::OauthClient,
    organization::Organization, webhook::Webhook,
};

use self::{
    kit::resource::{confirm_deletion, delete, edit, update},
    sign_in::{invitation, sso},
};
use super::kit::routing::Routes;
use crate::links::console as path;

/// Registers the console's routes. actix takes the first match, so paths with fixed segments come before
/// paths with an environment's id in the same position.
pub fn configure(routes: &mut Routes<'_>) {
    sign_in_routes(routes);
    routes
        .resource(path::HOME, |resource| resource.get(environments::list::list))
        .resource(path::NEW_ENVIRONMENT, |resource| {
            resource.get(environments::form::new).post(environments::form::create)
        });
    // Before the environment's routes: `{environment}` would match this segment.
    routes
        .resource(path::INSTALLATION_AUDIT_EVENTS, |resource| {
            resource.get(audit_events::list::list_installation)
        })
        .resource(path::EXPORT_INSTALLATION_AUDIT_EVENTS, |resource| {
            resource.get(audit_events::export::export_installation)
        });
    environment_routes(routes);
    flow_routes(routes);
    credential_routes(routes);
    application_routes(routes);
    organization_routes(routes);
    user_routes(routes);
    role_routes(routes);
    pool_routes(routes);
    connection_routes(routes);
    administrator_routes(routes);
    directory_routes(routes);
    event_routes(routes);
    // Last: all other paths of one segment are fixed.
    routes.resource(path::OVERVIEW, |resource| resource.get(overview::show::show));
}

fn credential_routes(routes: &mut Routes<'_>) {
    use oauth_clients::show as client;
    routes
        .resource(path::API_KEYS, |resource| resource.get(api_keys::list))
        .resource(path::NEW_API_KEY, |resource| resource.get(api_keys::new).post(api_keys::create))
        .resource(path::EDIT_API_KEY, |resource| resource.get(edit::<ApiKey>).post(update::<ApiKey>))
        .resource(path::DELETE_API_KEY, |resource| {
            resource.get(confirm_deletion::<ApiKey>).post(delete::<ApiKey>)
        })
        .resource(path::OAUTH_CLIENTS, |resource| resource.get(oauth_clients::list::list))
        .resource(path::NEW_OAUTH_CLIENT, |resource| {
            resource.get(oauth_clients::form::new).post(oauth_clients::form::create)
        })
        .resource(path::OAUTH_CLIENT, |resource| resource.get(client::show))
        .resource(path::EDIT_OAUTH_CLIENT, |resource| {
            resource.get(edit::<OauthClient>).post(update::<OauthClient>)
        })
        .resource(path::ROTATE_OAUTH_CLIENT, |resource| {
            resource.get(oauth_clients::secret::confirm_rotation).post(oauth_clients::secret::rotate)
        })
        .resource(path::DELETE_OAUTH_CLIENT, |resource| {
            resource.get(confirm_deletion::<OauthClient>).post(delete::<OauthClient>)
        });
}

fn application_routes(routes: &mut Routes<'_>) {
    use applications::{form, list, secret, sharing, show};
    routes
        .resource(path::APPLICATIONS, |resource| resource.get(list::list))
        .resource(path::NEW_APPLICATION, |resource| resource.get(form::new).post(form::create))
        .resource(path::NEW_SERVICE_CLIENT, |resource| {
            resource.get(form::new_service_client).post(form::create_service_client)
        })
        .resource(path::APPLICATION, |resource| resource.get(show::show))
        .resource(path::EDIT_APPLICATION, |resource| {
            resource.get(edit::<Application>).post(update::<Application>)
        })
        .resource(path::APPLICATION_SHARING, |resource| resource.get(sharing::show).post(sharing::change))
        .resource(path::ROTATE_APPLICATION, |resource| {
            resource.get(secret::confirm_rotation).post(secret::rotate)
        })
        .resource(path::DELETE_APPLICATION, |resource| {
            resource.get(confirm_deletion::<Application>).post(delete::<Application>)
        });
}

fn connection_routes(routes: &mut Routes<'_>) {
    use saml_connections::form;
    use saml_connections::show as connection;
    use scim_directories::show as directory;
    routes
        .resource(path::NEW_SAML_CONNECTION, |resource| resource.get(form::new).post(form::create))
        .resource(path::SAML_CONNECTION, |resource| resource.get(connection::show))
        .resource(path::EDIT_SAML_CONNECTION, |resource| resource.get(form::edit).post(form::update))
        .resource(path::DELETE_SAML_CONNECTION, |resource| {
            resource.get(saml_connections::delete::confirm).post(saml_connections::delete::remove)
        })
        .resource(path::REFRESH_SAML_CONNECTION, |resource| resource.post(connection::refresh))
        .resource(path::TEST_SAML_CONNECTION, |resource| resource.post(connection::test))
        .resource(path::NEW_OIDC_CONNECTION, |resource| {
            resource.get(oidc_connections::form::new).post(oidc_connections::form::create)
        })
        .resource(path::OIDC_CONNECTION, |resource| resource.get(oidc_connections::show::show))
        .resource(path::EDIT_OIDC_CONNECTION, |resource| {
            resource.get(oidc_connections::form::edit).post(oidc_connections::form::update)
        })
        .resource(path::DELETE_OIDC_CONNECTION, |resource| {
            resource.get(oidc_connections::delete::confirm).post(oidc_connections::delete::remove)
        })
        .resource(path::TEST_OIDC_CONNECTION, |resource| resource.post(oidc_connections::show::test))
        .resource(path::SCIM_DIRECTORIES, |resource| resource.get(scim_directories::list::list))
        .resource(path::NEW_SCIM_DIRECTORY, |resource| resource.post(scim_directories::form::create))
        .resource(path::SCIM_DIRECTORY, |resource| resource.get(directory::show))
        .resource(path::EDIT_SCIM_DIRECTORY, |resource| {
            resource.get(scim_directories::form::edit).post(scim_directories::form::update)
        })
        .resource(path::ROTATE_SCIM_DIRECTORY, |resource| {
            resource.get(scim_directories::tokens::confirm_rotation).post(scim_directories::tokens::rotate)
        })
        .resource(path::END_SCIM_OVERLAP, |resource| resource.post(scim_directories::tokens::end_overlap))
        .resource(path::DELETE_SCIM_DIRECTORY, |resource| {
            resource.get(scim_directories::delete::confirm).post(scim_directories::delete::remove)
        });
}

fn organization_routes(routes: &mut Routes<'_>) {
    use organizations::{children, metadata, new};
    routes
        .resource(path::ORGANIZATIONS, |resource| resource.get(organizations::list::list))
        .resource(path::NEW_ORGANIZATION, |resource| resource.get(new::new).post(new::create))
        .resource(path::TEMPLATES, |resource| resource.get(templates::list::list))
        .resource(path::NEW_TEMPLATE, |resource| {
            resource.get(templates::form::new).post(templates::form::create)
        })
        .resource(path::DEFAULT_TEMPLATE, |resource| resource.post(templates::show::set_default))
        .resource(path::ORGANIZATION_CHILDREN, |resource| resource.get(children::list))
        .resource(path::EDIT_ORGANIZATION_METADATA, |resource| {
            resource.get(metadata::edit).post(metadata::update)
        })
        .resource(path::EDIT_METADATA_SCHEMA, |resource| {
            resource.get(metadata::edit_schema).post(metadata::update_schema)
        })
        .resource(path::ORGANIZATION, |resource| resource.get(organizations::show::show))
        .resource(path::EDIT_ORGANIZATION, |resource| {
            resource.get(edit::<Organization>).post(update::<Organization>)
        })
        .resource(path::DELETE_ORGANIZATION, |resource| {
            resource.get(confirm_deletion::<Organization>).post(delete::<Organization>)
        })
        .resource(path::DOMAINS, |resource| resource.get(domains::form::new).post(domains::form::add))
        .resource(path::DOMAIN, |resource| resource.get(domains::show::show))
        .resource(path::APPROVE_DOMAIN, |resource| {
            resource.get(domains::approve::approve_redirect).post(domains::approve::approve)
        })
        .resource(path::CHECK_DOMAIN, |resource| resource.post(domains::show::check))
        .resource(path::DELETE_DOMAIN, |resource| {
            resource.get(domains::delete::confirm).post(domains::delete::remove)
        })
        .resource(path::NEW_SETUP_LINK, |resource| {
            resource.get(setup_links::form::new).post(setup_links::form::create)
        })
        .resource(path::SETUP_LINKS, |resource| resource.get(setup_links::list::list))
        .resource(path::REVOKE_SETUP_LINK, |resource| resource.post(setup_links::list::revoke));
}

fn pool_routes(routes: &mut Routes<'_>) {
    use identity_pools::{delete, form, list, show};
    use identity_schemas as schema;
    use user_groups as group;
    routes
        .resource(path::IDENTITY_POOLS, |resource| resource.get(list::list))
        .resource(path::NEW_IDENTITY_POOL, |resource| resource.get(form::new).post(form::create))
        .resource(path::ORGANIZATION_POOLS, |resource| resource.get(list::list))
        .resource(path::NEW_ORGANIZATION_POOL, |resource| resource.get(form::new).post(form::create))
        .resource(path::IDENTITY_POOL, |resource| resource.get(show::show))
        .resource(path::EDIT_IDENTITY_POOL, |resource| resource.get(form::edit).post(form::update))
        .resource(path::DELETE_IDENTITY_POOL, |resource| resource.get(delete::confirm).post(delete::remove))
        .resource(path::POOL_GROUPS, |resource| resource.get(group::list::list))
        .resource(path::NEW_POOL_GROUP, |resource| resource.get(group::form::new).post(group::form::create))
        .resource(path::USER_GROUP, |resource| resource.get(group::show::show))
        .resource(path::EDIT_USER_GROUP, |resource| resource.get(group::form::edit).post(group::form::update))
        .resource(path::DELETE_USER_GROUP, |resource| {
            resource.get(group::delete::confirm).post(group::delete::remove)
        })
        .resource(path::USER_GROUP_MEMBERS, |resource| resource.post(group::show::change_members))
        .resource(path::IDENTITY_SCHEMAS, |resource| resource.get(schema::list::list))
        .resource(path::NEW_IDENTITY_SCHEMA, |resource| {
            resource.get(schema::form::new).post(schema::form::create)
        })
        .resource(path::IDENTITY_SCHEMA, |resource| resource.get(schema::show::show))
        .resource(path::EDIT_IDENTITY_SCHEMA, |resource| {
            resource.get(schema::form::edit).post(schema::form::update)
        })
        .resource(path::DELETE_IDENTITY_SCHEMA, |resource| {
            resource.get(schema::delete::confirm).post(schema::delete::remove)
        });
}

fn role_routes(routes: &mut Routes<'_>) {
    use roles::{delete, form, list, members, show};
    routes
        .resource(path::ROLES, |resource| resource.get(list::list))
        .resource(path::NEW_ROLE, |resource| resource.get(form::new).post(form::create))
        .resource(path::ROLE, |resource| resource.get(show::show))
        .resource(path::EDIT_ROLE, |resource| resource.get(form::edit).post(form::update))
        .resource(path::DELETE_ROLE, |resource| resource.get(delete::confirm).post(delete::remove))
        .resource(path::ROLE_MEMBERS, |resource| resource.post(members::change))
        .resource(path::ORGANIZATION_ROLES, |resource| resource.get(list::list))
        .resource(path::NEW_ORGANIZATION_ROLE, |resource| resource.get(form::new).post(form::create))
        .resource(path::ORGANIZATION_ROLE, |resource| resource.get(show::show))
        .resource(path::EDIT_ORGANIZATION_ROLE, |resource| resource.get(form::edit).post(form::update))
        .resource(path::DELETE_ORGANIZATION_ROLE, |resource| {
            resource.get(delete::confirm).post(delete::remove)
        })
        .resource(path::ORGANIZATION_ROLE_MEMBERS, |resource| resource.post(members::change));
}

fn user_routes(routes: &mut Routes<'_>) {
    use users::{contact, credentials, form, list, show, status};
    routes
        .resource(path::USERS, |resource| resource.get(list::list))
        .resource(path::NEW_USER, |resource| resource.get(form::new).post(form::create))
        .resource(path::ORGANIZATION_USERS, |resource| resource.get(list::list))
        .resource(path::NEW_ORGANIZATION_USER, |resource| resource.get(form::new).post(form::create))
        .resource(path::POOL_USERS, |resource| resource.get(list::list))
        .resource(path::NEW_POOL_USER, |resource| resource.get(form::new).post(form::create))
        .resource(path::USER, |resource| resource.get(show::show))
        .resource(path::EDIT_USER, |resource| resource.get(form::edit).post(form::update))
        .resource(path::DELETE_USER, |resource| resource.get(status::confirm_deletion).post(status::delete))
        .resource(path::USER_STATUS, |resource| resource.post(status::change))
        .resource(path::USER_IDENTIFIERS, |resource| {
            resource.get(contact::new_identifier).post(contact::change_identifiers)
        })
        .resource(path::USER_ADDRESSES, |resource| {
            resource.get(contact::new_address).post(contact::change_addresses)
        })
        .resource(path::USER_PASSWORD, |resource| {
            resource.get(credentials::new_password).post(credentials::set_password)
        })
        .resource(path::USER_CREDENTIALS, |resource| resource.post(credentials::change))
        .resource(path::USER_CODES, |resource| {
            resource.get(credentials::new_code).post(credentials::make_code)
        })
        .resource(path::USER_GROUPS, |resource| {
            resource.get(user_groups::of_user::new).post(user_groups::of_user::change)
        })
        .resource(path::USER_SESSIONS, |resource| resource.post(credentials::end_sessions));
}

fn administrator_routes(routes: &mut Routes<'_>) {
    routes
        .resource(path::ADMINISTRATORS, |resource| resource.get(administrators::list::list))
        .resource(path::INVITE_ADMINISTRATOR, |resource| {
            resource.get(administrators::invite::new).post(administrators::invite::invite)
        })
        .resource(path::ADMINISTRATOR, |resource| resource.post(administrators::list::change))
        .resource(path::REVOKE_ADMIN_INVITATION, |resource| resource.post(administrators::list::revoke));
}

/// Sign-in, invitation and account.
fn sign_in_routes(routes: &mut Routes<'_>) {
    routes
        .resource(path::SIGN_IN, |resource| {
            resource.get(sign_in::form::show).post(sign_in::form::with_password)
        })
        .resource(path::SIGN_IN_PASSKEY, |resource| resource.post(sign_in::form::with_passkey))
        .resource(path::SIGN_IN_SAML, |resource| resource.get(sso::begin_saml))
        .resource(path::SIGN_IN_SAML_FINISH, |resource| resource.get(sso::finish_saml))
        .resource(path::SIGN_IN_OIDC, |resource| resource.get(sso::begin_oidc))
        .resource(path::SIGN_IN_OIDC_CALLBACK, |resource| resource.get(sso::finish_oidc))
        .resource(path::SIGN_OUT, |resource| resource.post(sign_in::form::sign_out))
        .resource(path::JOIN, |resource| resource.get(invitation::show).post(invitation::join))
        .resource(path::ACCOUNT, |resource| resource.get(account::show::show))
        .resource(path::ACCOUNT_NAME, |resource| resource.post(account::change::rename))
        .resource(path::ACCOUNT_CONFIRM, |resource| resource.post(account::change::confirm))
        .resource(path::ACCOUNT_CONFIRM_PASSKEY, |resource| {
            resource.post(account::change::confirm_with_passkey)
        })
        .resource(path::ACCOUNT_PASSWORD, |resource| resource.post(account::change::set_password))
        .resource(path::ACCOUNT_PASSKEYS, |resource| resource.post(account::change::add_passkey))
        .resource(path::ACCOUNT_PASSKEY, |resource| resource.post(account::change::change_passkey))
        .resource(path::ACCOUNT_SESSIONS, |resource| resource.post(account::change::revoke_others))
        .resource(path::ACCOUNT_SESSION, |resource| resource.post(account::change::revoke_session));
}

fn environment_routes(routes: &mut Routes<'_>) {
    routes
        .resource(path::ENVIRONMENT, |resource| resource.get(environments::show::show))
        .resource(path::EDIT_ENVIRONMENT, |resource| {
            resource.get(edit::<Environment>).post(update::<Environment>)
        })
        .resource(path::DELETE_ENVIRONMENT, |resource| {
            resource.get(confirm_deletion::<Environment>).post(delete::<Environment>)
        })
        .resource(path::BRANDING, |resource| resource.get(branding::form::show).post(branding::form::update))
        .resource(path::PREVIEW_BRANDING, |resource| resource.get(branding::preview::preview));
}

fn directory_routes(routes: &mut Routes<'_>) {
    routes
        .resource(path::SCIM_USERS, |resource| resource.get(scim_users::list::list))
        .resource(path::SCIM_USER, |resource| resource.get(scim_users::show::show))
        .resource(path::SCIM_GROUPS, |resource| resource.get(scim_groups::list::list))
        .resource(path::SCIM_GROUP, |resource| resource.get(scim_groups::show::show))
        .resource(path::SCIM_REQUESTS, |resource| resource.get(scim_requests::list::list))
        .resource(path::SCIM_REQUEST, |resource| resource.get(scim_requests::show::show));
}

fn event_routes(routes: &mut Routes<'_>) {
    routes
        .resource(path::EVENTS, |resource| resource.get(events::list::list))
        .resource(path::LETTERS, |resource| resource.get(letters::list::list))
        .resource(path::RESEND_LETTER, |resource| resource.post(letters::list::resend))
        .resource(path::WEBHOOKS, |resource| resource.get(webhooks::list::list))
        .resource(path::NEW_WEBHOOK, |resource| {
            resource.get(webhooks::form::new).post(webhooks::form::create)
        })
        .resource(path::WEBHOOK, |resource| resource.get(webhooks::show::show))
        .resource(path::EDIT_WEBHOOK, |resource| resource.get(edit::<Webhook>).post(update::<Webhook>))
        .resource(path::ENABLE_WEBHOOK, |resource| resource.post(webhooks::show::enable))
        .resource(path::DISABLE_WEBHOOK, |resource| resource.post(webhooks::show::disable))
        .resource(path::REPLAY_WEBHOOK, |resource| resource.post(webhooks::replay::replay))
        .resource(path::DELETE_WEBHOOK, |resource| {
            resource.get(confirm_deletion::<Webhook>).post(delete::<Webhook>)
        })
        .resource(path::REPLAY_WEBHOOK_DELIVERY, |resource| resource.post(webhooks::replay::replay_delivery))
        .resource(path::AUDIT_EVENTS, |resource| resource.get(audit_events::list::list))
        .resource(path::EXPORT_AUDIT_EVENTS, |resource| resource.get(audit_events::export::export));
}

fn flow_routes(routes: &mut Routes<'_>) {
    routes
        .resource(path::FLOWS, |resource| resource.get(flows::list::list))
        .resource(path::FLOW, |resource| resource.get(flows::show::show))
        .resource(path::CHECK_FLOW, |resource| {
            resource.get(flows::recheck::check_redirect).post(flows::recheck::check)
        });
}
