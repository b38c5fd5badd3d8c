//! What the service does, each file a story that reads top to bottom: authorise, load, decide, store,
//! commit.

mod error;
mod state;

pub use error::{Error, Result};
pub use state::{Settings, State};
