//! The server and the installation that it runs on.
//!
//! [`Server::build`] is the object that production and tests start. [`open`] opens the same installation for a
//! command, without a server.

mod error;
mod gateway;
mod installation;
pub mod master_key;
pub mod open_file_limit;
mod serve;
mod server_lock;
mod signals;
mod test_service_providers;

pub use error::StartError;
pub use gateway::DemoServices;
pub use installation::{last_public_url, open, open_database, settings};
pub use serve::{Server, ServerBuilder, block_on};
pub use server_lock::is_served;
