//! The running server, seen from outside: every scenario on SQLite and on PostgreSQL.

#![allow(missing_docs, reason = "a test's name is its documentation")]

mod demo;
mod directories;
mod events;
mod oauth;
mod pysaml2;
mod scim_bad_input;
mod scim_groups;
mod scim_lists;
mod scim_providers;
mod scim_races;
mod scim_tenancy;
mod scim_tester;
mod scim_users;
mod sign_in;
mod support;
mod webhooks;
