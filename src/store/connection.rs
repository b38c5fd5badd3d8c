//! Connections and statements: one SQL text for two native drivers.
//!
//! [`Conn`] is a borrowed connection, [`Transaction`] a unit of work, and [`Statement`] binds parameters and runs.
//! No code outside `store` names a driver.

use std::{
    borrow::Cow,
    ops,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use sqlx::{
    AssertSqlSafe, Decode, Encode, FromRow, Postgres, Row as _, Sqlite, Type,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    error::{Error, Result},
    sql::{Parameter, Sql, placeholders},
};

/// A value that both databases can store.
pub trait Value<'t>: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres> {}
impl<'t, T> Value<'t> for T where T: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres> {}

/// A row type that both databases can produce.
pub trait Record: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}
impl<T> Record for T where T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

/// The kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, embedded.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// Counts statements. Tests use it to measure the cost of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct StatementCounts {
    /// In total.
    pub(super) all: Arc<AtomicU64>,
    /// In the transaction with the most statements.
    pub(super) longest: Arc<AtomicU64>,
}

/// A connection, inside or outside a transaction: the first argument of every storage function.
#[derive(Debug)]
pub struct Conn {
    handle: Handle,
    counter: StatementCounter,
    /// The permit of its share; dropped after the connection.
    _permit: Option<OwnedSemaphorePermit>,
}

/// Counts the statements of a connection. Those of a transaction are reported when it ends.
#[derive(Debug)]
struct StatementCounter {
    statements: u64,
    is_transaction: bool,
    reported: StatementCounts,
}

impl StatementCounter {
    fn count(&mut self) {
        self.statements += 1;
        self.reported.all.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for StatementCounter {
    fn drop(&mut self) {
        if self.is_transaction {
            self.reported.longest.fetch_max(self.statements, Ordering::Relaxed);
        }
    }
}

/// A connection of one of the drivers.
#[derive(Debug)]
pub(super) enum Handle {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    SqliteTransaction(sqlx::Transaction<'static, Sqlite>),
    PostgresTransaction(sqlx::Transaction<'static, Postgres>),
}

impl Conn {
    /// The connection of a pool, with the permit of its share.
    pub(super) fn new(
        handle: Handle,
        statements: StatementCounts,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let is_transaction = matches!(handle, Handle::SqliteTransaction(_) | Handle::PostgresTransaction(_));
        let counter = StatementCounter { statements: 0, is_transaction, reported: statements };
        Self { handle, counter, _permit: permit }
    }

    /// Starts a statement: the same text, with `$1` placeholders, for both databases.
    pub fn sql(&mut self, text: &'static str) -> Statement<'_> {
        self.counter.count();
        let run = match &mut self.handle {
            Handle::Sqlite(c) => DriverQuery::Sqlite(sqlx::query(text), c),
            Handle::SqliteTransaction(c) => DriverQuery::Sqlite(sqlx::query(text), c),
            Handle::Postgres(c) => DriverQuery::Postgres(sqlx::query(text), c),
            Handle::PostgresTransaction(c) => DriverQuery::Postgres(sqlx::query(text), c),
        };
        Statement { run, bound: 0, text: Cow::Borrowed(text) }
    }

    /// Starts a statement that was assembled at run time. It is not kept in the statement cache, because the
    /// number of such texts is unbounded.
    pub fn dynamic(&mut self, sql: Sql) -> Statement<'_> {
        self.counter.count();
        let Sql { text, values } = sql;
        // Safe: a `Sql` consists of literals, and values are parameters only.
        macro_rules! query {
            ($arm:path, $c:expr) => {
                $arm(sqlx::query(AssertSqlSafe(text.clone())).persistent(false), $c)
            };
        }
        let run = match &mut self.handle {
            Handle::Sqlite(c) => query!(DriverQuery::Sqlite, c),
            Handle::SqliteTransaction(c) => query!(DriverQuery::Sqlite, c),
            Handle::Postgres(c) => query!(DriverQuery::Postgres, c),
            Handle::PostgresTransaction(c) => query!(DriverQuery::Postgres, c),
        };
        let statement = Statement { run, bound: 0, text: Cow::Owned(text) };
        values.into_iter().fold(statement, |statement, value| match value {
            Parameter::Text(value) => statement.bind(value),
            Parameter::Integer(value) => statement.bind(value),
            Parameter::Boolean(value) => statement.bind(value),
        })
    }

    /// The kind of database.
    pub fn dialect(&self) -> Dialect {
        match &self.handle {
            Handle::Sqlite(_) | Handle::SqliteTransaction(_) => Dialect::Sqlite,
            Handle::Postgres(_) | Handle::PostgresTransaction(_) => Dialect::Postgres,
        }
    }
}

/// A unit of work. Dropped without [`Transaction::commit`], it rolls back.
#[derive(Debug)]
pub struct Transaction(pub(super) Conn);

impl Transaction {
    /// Commits.
    pub async fn commit(self) -> Result<()> {
        match self.0.handle {
            Handle::SqliteTransaction(transaction) => transaction.commit().await?,
            Handle::PostgresTransaction(transaction) => transaction.commit().await?,
            Handle::Sqlite(_) | Handle::Postgres(_) => {} // only `Db::write` creates transactions
        }
        Ok(())
    }
}

impl ops::Deref for Transaction {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl ops::DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

/// A statement whose parameters are still to be bound.
#[must_use = "a statement does nothing until it is run"]
pub struct Statement<'c> {
    run: DriverQuery<'c>,
    bound: usize,
    text: Cow<'static, str>,
}

enum DriverQuery<'c> {
    Sqlite(Query<'static, Sqlite, SqliteArguments>, &'c mut sqlx::SqliteConnection),
    Postgres(Query<'static, Postgres, PgArguments>, &'c mut sqlx::PgConnection),
}

/// A value that both databases can read.
pub trait Readable:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}
impl<T> Readable for T where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

/// One fetched row, still in its driver's form.
pub struct Row {
    fetched: DriverRow,
    prefix: &'static str,
}

enum DriverRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self { fetched: DriverRow::Sqlite(row), prefix: "" }
    }
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self { fetched: DriverRow::Postgres(row), prefix: "" }
    }
}

impl Row {
    /// The value of a column.
    pub fn get<T: Readable>(&self, column: &'static str) -> Result<T> {
        let name = match self.prefix {
            "" => Cow::Borrowed(column),
            prefix => Cow::Owned(format!("{prefix}{column}")),
        };
        Ok(match &self.fetched {
            DriverRow::Sqlite(row) => row.try_get(name.as_ref())?,
            DriverRow::Postgres(row) => row.try_get(name.as_ref())?,
        })
    }

    /// The part of a joined row whose columns have this prefix, as a row of its own.
    pub(super) fn part(self, prefix: &'static str) -> Self {
        Self { prefix, ..self }
    }

    /// The value of a TEXT column, parsed. [`Error::Inconsistent`]: this program never writes such a value.
    pub fn parse<T>(&self, column: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let text: String = self.get(column)?;
        parse(&text).ok_or_else(|| self.inconsistent(column))
    }

    /// The value of a TEXT column that may be NULL, parsed.
    pub fn parse_optional<T>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| parse(&text).ok_or_else(|| self.inconsistent(column))).transpose()
    }

    /// The error for a column that holds something that this program never writes. The caller adds the table.
    pub fn inconsistent(&self, column: &'static str) -> Error {
        Error::inconsistent("", column, "")
    }

    pub(super) fn decode<T: Record>(&self) -> Result<T> {
        Ok(match &self.fetched {
            DriverRow::Sqlite(row) => T::from_row(row)?,
            DriverRow::Postgres(row) => T::from_row(row)?,
        })
    }
}

impl<'c> Statement<'c> {
    /// Binds the next `$n`.
    pub fn bind<'t, T: Value<'t>>(self, value: T) -> Self {
        let run = match self.run {
            DriverQuery::Sqlite(query, c) => DriverQuery::Sqlite(query.bind(value), c),
            DriverQuery::Postgres(query, c) => DriverQuery::Postgres(query.bind(value), c),
        };
        Self { run, bound: self.bound + 1, text: self.text }
    }

    /// Runs the statement and returns the number of affected rows.
    pub async fn execute(self) -> Result<u64> {
        Ok(match self.checked() {
            DriverQuery::Sqlite(query, c) => query.execute(c).await?.rows_affected(),
            DriverQuery::Postgres(query, c) => query.execute(c).await?.rows_affected(),
        })
    }

    /// The only row.
    pub async fn one<T: Record>(self) -> Result<T> {
        self.optional().await?.ok_or(Error::Database(sqlx::Error::RowNotFound))
    }

    /// The row, if there is one.
    pub async fn optional<T: Record>(self) -> Result<Option<T>> {
        self.first_row().await?.map(|row| row.decode()).transpose()
    }

    /// Every row: for statements with a `LIMIT`, or with a bound given by the schema.
    pub async fn all<T: Record>(self) -> Result<Vec<T>> {
        self.rows().await?.iter().map(Row::decode).collect()
    }

    // The driver calls are not generic, so that they are compiled only once.

    pub(super) async fn first_row(self) -> Result<Option<Row>> {
        Ok(match self.checked() {
            DriverQuery::Sqlite(query, c) => query.fetch_optional(c).await?.map(Row::from),
            DriverQuery::Postgres(query, c) => query.fetch_optional(c).await?.map(Row::from),
        })
    }

    pub(super) async fn rows(self) -> Result<Vec<Row>> {
        Ok(match self.checked() {
            DriverQuery::Sqlite(query, c) => query.fetch_all(c).await?.into_iter().map(Row::from).collect(),
            DriverQuery::Postgres(query, c) => query.fetch_all(c).await?.into_iter().map(Row::from).collect(),
        })
    }

    /// SQLite reads an unbound parameter as NULL, so debug builds check the number of values.
    fn checked(self) -> DriverQuery<'c> {
        debug_assert_eq!(
            placeholders(&self.text),
            self.bound,
            "placeholders and values differ: {}",
            self.text
        );
        self.run
    }
}
