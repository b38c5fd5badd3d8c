//! The use cases of the service. Each one authorises the caller, loads, decides, stores and commits, in that
//! order.

pub mod accounts;
pub mod administrators;
pub mod applications;
pub mod audit;
pub mod authorization_server;
pub mod background_tasks;
pub mod connections;
mod console_connection;
pub mod database_copy;
pub mod delegates;
pub mod directories;
pub mod environments;
mod error;
pub mod events;
pub mod field_values;
pub mod guests;
pub mod idempotency;
pub mod import_ssoready;
pub mod input;
pub mod invitations;
pub mod json_schema;
pub mod keys;
pub mod lease;
pub mod limits;
pub mod login;
pub mod mail;
pub mod members;
pub mod organizations;
pub mod outgoing;
pub mod pagination;
pub mod panics;
pub mod permissions;
pub mod principal;
pub mod resource;
mod retry;
pub mod roles;
mod settings;
pub mod setup;
pub mod sorted_list;
mod state;
pub mod support;
pub mod webhooks;

pub use administrators::settings::{ConsoleSettings, OidcProvider};
pub use error::{Error, Result, Rule, RuleKind};
pub use settings::Settings;
pub use state::State;

pub use crate::store::{PoolShare, for_client};
