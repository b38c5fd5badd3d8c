//! All SQL of the program: a thin layer over two native drivers, and one file per table or aggregate.
//!
//! The verbs are always the same: `find` (returns an `Option`), `list` (a page), `count`, `insert`, `upsert`,
//! `update`, `consume` (single use), `remove`; `lock` (a row, until the transaction ends) and `claim` (work, for one
//! replica). Every query is scoped by its environment, connection or key.

pub mod access_tokens;
pub mod administrators;
pub mod api_keys;
pub mod audit_events;
pub mod authentication_challenges;
pub mod authorization_codes;
pub mod authorization_grants;
mod batch;
pub mod brandings;
pub mod certificate_expiries;
pub mod clock;
mod columns;
mod connection;
mod db;
pub mod deleted_organizations;
pub mod environments;
mod error;
pub mod events;
pub mod federated_identities;
pub mod idempotency_keys;
pub mod import_lookups;
pub mod import_records;
pub mod invitations;
pub mod leases;
pub mod login_connections;
pub mod login_counts;
pub mod login_eligibility;
pub mod login_flow_counts;
pub mod login_flow_search;
pub mod login_flow_steps;
pub mod login_flows;
pub mod metadata_refreshes;
pub mod oauth_clients;
pub mod oauth_subjects;
pub mod organization_domains;
mod organization_words;
pub mod organizations;
pub mod passkeys;
pub mod passwords;
mod pool;
mod readiness;
pub mod removed_environments;
pub mod saml_assertions_seen;
pub mod saml_connections;
mod schema;
pub mod scim_directories;
pub mod scim_filter;
pub mod scim_groups;
pub mod scim_members;
pub mod scim_requests;
pub mod scim_resources;
pub mod scim_usage;
pub mod scim_users;
pub mod sessions;
pub mod settings;
pub mod setup_links;
mod shares;
pub mod signing_keys;
mod sql;
mod sqlite_file;
mod sqlite_options;
pub mod ssoready;
pub mod table;
pub mod webhook_deliveries;
pub mod webhooks;

pub use connection::{Conn, Dialect, Transaction};
pub use db::{Db, PoolSize};
pub use error::{Error, NewerSchema, Result, SchemaFault};
pub use shares::PoolShare;
pub use sql::{Parameter, Sql};
pub use sqlite_file::{FilePages, wal_of};
pub use sqlite_options::{Synchronous, synchronize_folder_of};
