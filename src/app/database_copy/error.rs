//! Why a copy of a database is refused or fails.

use crate::store;

/// The result of a part of a copy.
pub type Result<T, E = CopyError> = std::result::Result<T, E>;

/// Why a copy is refused or fails. The source is never changed; an unfinished target can be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source has another schema than this program's.
    #[error("the source {0}; run `ostiary migrate` on it, or the program that migrated it")]
    SourceSchema(String),
    /// Nothing was ever kept in the source.
    #[error("the source was never used: there is nothing to copy")]
    SourceUnused,
    /// The source is itself an unfinished copy.
    #[error("the source is an unfinished copy of another database: finish that first")]
    SourceUnfinished,
    /// Servers or others use the source.
    #[error(
        "the source is in use: stop the servers and close every other session on it, then run this again"
    )]
    SourceServed,
    /// Something writes to the source's file.
    #[error("the source is in use: {0}; stop whatever writes to it, then run this again")]
    SourceInUse(#[source] store::Error),
    /// The target holds something.
    #[error("the target holds something already (in {0}), and a copy goes into an empty database only")]
    TargetNotEmpty(String),
    /// The target has another schema than this program's.
    #[error("the target {0}")]
    TargetSchema(String),
    /// The target holds an unfinished copy of another source.
    #[error("the target holds an unfinished copy of another database: give an empty one")]
    TargetOfAnotherSource,
    /// The target's unfinished copy is of another version of the program.
    #[error(
        "the target holds an unfinished copy by another version of this program: go on with that one, or give an empty \
         database"
    )]
    TargetOfAnotherVersion,
    /// The target's unfinished copy was sealed with another master key.
    #[error(
        "the target holds an unfinished copy that is sealed with the master key {0}: go on with that key first"
    )]
    TargetOfAnotherKey(String),
    /// A table is not the same in both.
    #[error("the table {0} is not the same in both databases")]
    SchemasDiffer(String),
    /// Another process copies into the target too.
    #[error("another copy into the target is under way")]
    AnotherCopy,
    /// The copy differs from its source.
    #[error(
        "the table {table} differs: {from} rows in the source and {to} in the target, or not the same ones. The source \
         was changed since the copy began: begin again with an empty target"
    )]
    Differs {
        /// The table.
        table: String,
        /// The rows of the source.
        from: i64,
        /// The rows of the target.
        to: i64,
    },
    /// A statement failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}
