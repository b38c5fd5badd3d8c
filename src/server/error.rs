//! Why a start fails.

use std::{io, net::SocketAddr};

/// Why the server did not start, or a command could not open the installation.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened.
    #[error("the database {url} cannot be opened: {source}")]
    Database {
        /// The URL without its password.
        url: String,
        /// The cause.
        source: crate::store::Error,
    },
    /// The database lacks migrations, and the configuration forbids a start to apply them.
    #[error("the database {url} lacks migrations ({}): run `ostiary migrate`", missing.join(", "))]
    Migrations {
        /// The URL without its password.
        url: String,
        /// Their names.
        missing: Vec<String>,
    },
    /// There is no usable master key.
    #[error("the master key {0}")]
    MasterKey(String),
    /// The public URL is no origin.
    #[error("the public URL {0}")]
    PublicUrl(crate::links::OriginError),
    /// The address cannot be bound.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// Something that the server offers could not be set up.
    #[error(transparent)]
    App(#[from] crate::app::Error),
    /// A statement failed.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}
