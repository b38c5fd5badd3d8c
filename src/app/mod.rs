//! What the service does, each file a story that reads top to bottom: authorise, load, decide, store,
//! commit.

mod error;
pub mod metadata;
pub mod oauth_clients;
pub mod sign_in;
pub mod signing_keys;
pub mod sp_keys;
mod state;
pub mod token;
pub mod userinfo;

pub mod import_metadata;
pub mod outgoing;

pub use error::{Error, Result};
pub use state::{Settings, State};
