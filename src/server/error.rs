//! Why a start fails.

use std::{io, net::SocketAddr};

use crate::store::SchemaFault;

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
    /// The database lacks migrations, and the configuration forbids a start to apply them; or it needs a newer program.
    #[error("the database {url} {fault}{}", remedy(fault))]
    Schema {
        /// The URL without its password.
        url: String,
        /// Why it does not fit.
        fault: SchemaFault,
    },
    /// A copy of another database into it was interrupted.
    #[error(
        "the database {url} holds an unfinished copy of another one: run `ostiary copy` again, which goes on where it ended"
    )]
    UnfinishedCopy {
        /// The URL without its password.
        url: String,
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

fn remedy(fault: &SchemaFault) -> &'static str {
    match fault {
        SchemaFault::Missing(_) => "; run `ostiary migrate`",
        SchemaFault::Newer { .. } => "; start the version of ostiary that migrated it, or a later one",
    }
}
