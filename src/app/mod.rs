//! What the service does, each file a story that reads top to bottom: authorise, load, decide, store,
//! commit.

mod error;
pub mod oauth_clients;
pub mod signing_keys;
mod state;
pub mod token;
pub mod userinfo;

pub mod import_metadata;
pub mod outgoing;

pub use error::{Error, Result};
pub use state::{Settings, State};
