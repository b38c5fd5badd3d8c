//! How many rows one statement reads, writes or deletes.

/// How many rows one statement reads or writes: SQLite and PostgreSQL both allow 32,766 parameters.
pub(super) const BATCH_SIZE: usize = 500;

/// How many rows one clean-up statement deletes.
pub(super) const DELETE_BATCH_SIZE: i64 = 1000;
