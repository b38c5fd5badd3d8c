//! Errors of storage calls.

/// The result of a storage call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a storage call failed. Its text is for the log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique constraint is violated. The caller knows which field it covers.
    #[error("a row with this key already exists")]
    Duplicate,
    /// A foreign key refers to a row that does not exist.
    #[error("a referenced row does not exist")]
    MissingReference,
    /// A stored value cannot be parsed: this program never writes such a value.
    #[error("{table}.{column} of {row} holds a value that cannot be read")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
    },
    /// Every connection of the pool share stayed in use for too long. The call may be retried.
    #[error("the share of connections is used up")]
    Busy,
    /// The database failed or could not be reached.
    #[error(transparent)]
    Database(sqlx::Error),
    /// A migration failed or does not fit the database.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(database) if database.is_unique_violation() => Self::Duplicate,
            Some(database) if database.is_foreign_key_violation() => Self::MissingReference,
            _ => Self::Database(error),
        }
    }
}

impl Error {
    /// A stored value that cannot be read.
    pub fn inconsistent(table: &'static str, column: &'static str, row: impl ToString) -> Self {
        Self::Inconsistent { table, column, row: row.to_string() }
    }

    /// Whether the database aborted the transaction because of a deadlock or a serialization failure. The
    /// transaction may be retried.
    pub fn is_deadlock(&self) -> bool {
        match self {
            Self::Database(error) => error
                .as_database_error()
                .and_then(|error| error.code())
                .is_some_and(|code| matches!(code.as_ref(), "40P01" | "40001")),
            _ => false,
        }
    }

    /// Whether the statement names a table that does not exist, because the database has never been migrated.
    pub(super) fn is_missing_table(&self) -> bool {
        match self {
            Self::Database(error) => error.as_database_error().is_some_and(|e| {
                e.code().as_deref() == Some("42P01") || e.message().starts_with("no such table")
            }),
            _ => false,
        }
    }
}
