//! What the service does, each file a story that reads top to bottom: authorise, load, decide, store,
//! commit.

mod error;
mod state;

pub mod import_metadata;
pub mod outgoing;

pub use error::{Error, Result};
pub use state::{Settings, State};
