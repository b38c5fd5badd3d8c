//! The two sides of a copy, and how far it has come.

use model::master_key::MasterKey;

use crate::store::{Db, PoolShare};

/// The table that is copied last.
pub(super) const SETTINGS: &str = "settings";

/// A database, and the master key that what it seals is sealed with.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The database.
    pub db: &'a Db,
    /// Its master key.
    pub key: &'a MasterKey,
}

/// How far a copy has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being done.
    pub phase: Phase,
    /// With which table.
    pub table: &'a str,
    /// How many of its rows are done.
    pub rows: i64,
    /// Of how many, where the source tells in time.
    pub of: Option<i64>,
}

/// What a copy does with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its rows are written.
    Copying,
    /// Columns are filled that refer to rows which were not there before.
    Filling,
    /// Both databases are read and compared.
    Comparing,
}

/// The connections for what takes long.
pub(super) fn jobs(db: &Db) -> Db {
    db.with_share(PoolShare::Jobs)
}
