//! Errors of storage calls.

use std::io;

use sqlx::{error::DatabaseError, sqlite::SqliteError};

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
    /// A text that was to be stored or searched for holds NUL, which PostgreSQL has no place for. No stored text does.
    #[error("a text must not contain NUL")]
    Nul,
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
    /// Every connection of the pool share, or a lock, stayed in use for too long. The call may be retried.
    #[error("the database is busy")]
    Busy,
    /// The database cannot be reached, or cannot write at present: its disk is full, or it is read-only. The call may be
    /// retried.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused a statement.
    #[error(transparent)]
    Database(sqlx::Error),
    /// A pooler before PostgreSQL gives the statements of one session to several server processes.
    #[error(
        "a pooler before it gives each transaction another session (PgBouncer: pool_mode = transaction or statement), and \
         time limits, locks and prepared statements belong to a session; set pool_mode = session for this database, or \
         connect to PostgreSQL itself"
    )]
    Pooler,
    /// A migration failed or does not fit the database.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// This program cannot migrate the database.
    #[error("the database {0}")]
    Schema(#[from] SchemaFault),
}

/// Why this program cannot serve a database. The text completes "the database …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaFault {
    /// It lacks migrations that this program contains; their names.
    #[error("lacks migrations: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// Its schema lacks what this program needs.
    #[error(
        "needs a newer program: one that contains migration {floor:04}, and this one ends with {newest:04}{}",
        by_version(.migrated_by.as_deref())
    )]
    Newer {
        /// The migration that a program must contain.
        floor: i64,
        /// The newest one that this program contains.
        newest: i64,
        /// The version of the program that applied the newest migration, if it is known.
        migrated_by: Option<String>,
    },
}

/// The database has migrations that this program does not contain, and may be served by it. The text completes "the
/// database …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "has a newer schema than this program: it has migration {applied:04}, and this program ends with {newest:04}{}; it is \
     served as it is",
    by_version(.migrated_by.as_deref())
)]
pub struct NewerSchema {
    /// The newest migration that the database has.
    pub applied: i64,
    /// The newest one that this program contains.
    pub newest: i64,
    /// The version of the program that applied the newest migration, if it is known.
    pub migrated_by: Option<String>,
}

fn by_version(version: Option<&str>) -> String {
    version.map(|version| format!("; ostiary {version} migrated it")).unwrap_or_default()
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_connection_lost(&error) || matches!(error, sqlx::Error::PoolClosed) {
            return Self::Unavailable(error);
        }
        let Some(database) = error.as_database_error() else { return Self::Database(error) };
        if database.is_unique_violation() {
            return Self::Duplicate;
        }
        if database.is_foreign_key_violation() {
            return Self::MissingReference;
        }
        match fault(database) {
            Some(Fault::Busy) => Self::Busy,
            Some(Fault::Lost | Fault::Unavailable) => Self::Unavailable(error),
            None => Self::Database(error),
        }
    }
}

/// What an error code of a database says about the database, and not about the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// A lock was not free in time.
    Busy,
    /// It cannot do what it is asked for at present.
    Unavailable,
    /// And this connection will not do it later either.
    Lost,
}

/// SQLSTATE codes (PostgreSQL, appendix A) and the result codes of SQLite.
fn fault(error: &dyn DatabaseError) -> Option<Fault> {
    let code = error.code()?;
    if error.try_downcast_ref::<SqliteError>().is_some() {
        // The lower eight bits of an extended result code are its primary result code.
        return match code.parse::<u32>().ok()? & 0xff {
            5 | 6 => Some(Fault::Busy),                   // SQLITE_BUSY, SQLITE_LOCKED
            8 | 10 | 13 | 14 => Some(Fault::Unavailable), // SQLITE_READONLY, _IOERR, _FULL, _CANTOPEN
            _ => None,
        };
    }
    match code.as_ref() {
        "55P03" | "57014" => Some(Fault::Busy), // lock_not_available, query_canceled (by a time limit)
        // A server that became read-only is another one than the writable one, or was restarted since.
        "25006" => Some(Fault::Lost),
        // idle_in_transaction_session_timeout, idle_session_timeout, admin_shutdown, crash_shutdown, cannot_connect_now
        "25P03" | "57P01" | "57P02" | "57P03" | "57P05" => Some(Fault::Lost),
        code if code.starts_with("08") => Some(Fault::Lost),
        // Insufficient resources, and errors of the system below.
        code if code.starts_with("53") || code.starts_with("58") => Some(Fault::Unavailable),
        _ => None,
    }
}

/// Whether an error means that the connection must not be used again.
pub(super) fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            true
        }
        sqlx::Error::Database(error) => fault(error.as_ref()) == Some(Fault::Lost),
        _ => false,
    }
}

/// Why a statement failed, for `/metrics`. `None` for what its caller expects: a key that is in use, or a row that is gone.
pub(super) fn failure_reason(error: &sqlx::Error) -> Option<&'static str> {
    if is_connection_lost(error) {
        return Some("connection");
    }
    if matches!(error, sqlx::Error::RowNotFound) {
        return None;
    }
    let Some(database) = error.as_database_error() else { return Some("other") };
    match fault(database) {
        _ if database.is_unique_violation() || database.is_foreign_key_violation() => None,
        Some(Fault::Busy) => Some("busy"),
        Some(Fault::Lost | Fault::Unavailable) => Some("unavailable"),
        None => Some("other"),
    }
}

/// Whether the server had closed the connection; as opposed to one that does not answer in time.
pub(super) fn is_connection_closed(error: &sqlx::Error) -> bool {
    let timed_out = matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut);
    is_connection_lost(error) && !timed_out
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
