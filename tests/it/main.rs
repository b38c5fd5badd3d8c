//! The running server, seen from outside: every scenario on SQLite and on PostgreSQL.

#![allow(missing_docs, reason = "a test's name is its documentation")]
#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod administrators;
mod administrators_sso;
mod api_access;
mod api_organizations;
mod api_resources;
mod api_saml;
mod api_saml_connections;
mod architecture;
mod audit;
mod cli;
mod console_access;
mod console_audit;
mod console_identity_providers;
mod console_keys;
mod console_organizations;
mod console_scim;
mod console_setup;
mod console_webhooks;
mod demo;
mod directories;
mod dns;
mod events;
mod flows;
mod front;
mod idempotency;
mod import_ssoready;
mod metadata_refresh;
mod oauth;
mod openapi;
mod organization_search;
mod pysaml2;
mod python_sdk;
mod python_sdk_scim;
mod saml_attacks;
mod saml_fuzz;
mod saml_shapes;
mod saml_world;
mod scim_bad_input;
mod scim_groups;
mod scim_kill;
mod scim_limits;
mod scim_lists;
mod scim_providers;
mod scim_races;
mod scim_tenancy;
mod scim_tester;
mod scim_users;
mod setup_links;
mod setup_walk;
mod sign_in;
mod support;
mod upgrade;
mod webhooks;
