//! Connections and statements: one SQL text for two native drivers.
//!
//! [`Conn`] is a borrowed connection, [`Transaction`] a unit of work, and [`Statement`] binds parameters and runs.
//! No code outside `store` names a driver.

use std::{
    borrow::Cow,
    ops,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    Arguments as _, AssertSqlSafe, Decode, Encode, FromRow, Postgres, Row as _, SqlSafeStr as _, SqlStr,
    Sqlite, Type,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};
use tokio::time::timeout;

use super::{
    error::{Error, Result, is_connection_closed},
    pool::{Lease, Patience, Permit, Pool},
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
    /// When a transaction was last committed.
    committed: Arc<Mutex<Option<Instant>>>,
}

impl StatementCounts {
    /// Whether a transaction was committed in this time.
    pub(super) fn committed_within(&self, time: Duration) -> bool {
        let last = *self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|at| at.elapsed() < time)
    }
}

/// A connection, inside or outside a transaction: the first argument of every storage function.
#[derive(Debug)]
pub struct Conn {
    handle: Handle,
    patience: Patience,
    counter: StatementCounter,
    /// The permit of its share, which its connections keep as well.
    permit: Option<Arc<Permit>>,
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

/// A connection of one of the drivers. A read on PostgreSQL can change to another one of the pool.
#[derive(Debug)]
pub(super) enum Handle {
    Sqlite(Lease<Sqlite>),
    Postgres(Lease<Postgres>, Pool<Postgres>),
}

impl Conn {
    /// The connection of a pool, with the permit of its share.
    pub(super) fn new(
        mut handle: Handle,
        patience: Patience,
        statements: StatementCounts,
        permit: Option<Permit>,
    ) -> Self {
        let permit = permit.map(Arc::new);
        let is_transaction = match &mut handle {
            Handle::Sqlite(lease) => {
                lease.keep(permit.clone());
                lease.is_in_transaction()
            }
            Handle::Postgres(lease, _) => {
                lease.keep(permit.clone());
                lease.is_in_transaction()
            }
        };
        let counter = StatementCounter { statements: 0, is_transaction, reported: statements };
        Self { handle, patience, counter, permit }
    }

    /// Starts a statement: the same text, with `$1` placeholders, for both databases.
    pub fn sql(&mut self, text: &'static str) -> Statement<'_> {
        self.statement(text.into_sql_str(), true)
    }

    /// Starts a statement that was assembled at run time. It is not kept in the statement cache, because the
    /// number of such texts is unbounded.
    pub fn dynamic(&mut self, sql: Sql) -> Statement<'_> {
        let Sql { text, values } = sql;
        // Safe: a `Sql` consists of literals, and values are parameters only.
        let statement = self.statement(AssertSqlSafe(text).into_sql_str(), false);
        values.into_iter().fold(statement, |statement, value| match value {
            Parameter::Text(value) => statement.bind(value),
            Parameter::Integer(value) => statement.bind(value),
            Parameter::Boolean(value) => statement.bind(value),
        })
    }

    /// Starts a statement on tables and columns whose names the schema itself gave; values are parameters only. It is kept
    /// prepared, as there are few of them.
    pub(super) fn on_schema(&mut self, text: String) -> Statement<'_> {
        self.statement(AssertSqlSafe(text).into_sql_str(), true)
    }

    fn statement(&mut self, text: SqlStr, persistent: bool) -> Statement<'_> {
        self.counter.count();
        let values = match &self.handle {
            Handle::Sqlite(_) => Values::Sqlite(SqliteArguments::default()),
            Handle::Postgres(..) => Values::Postgres(PgArguments::default()),
        };
        Statement { conn: self, text, persistent, values, bound: 0, error: None }
    }

    /// The kind of database.
    pub fn dialect(&self) -> Dialect {
        match &self.handle {
            Handle::Sqlite(_) => Dialect::Sqlite,
            Handle::Postgres(..) => Dialect::Postgres,
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
            Handle::Sqlite(lease) => lease.commit(self.0.patience.deadline).await?,
            Handle::Postgres(lease, _) => lease.commit(self.0.patience.deadline).await?,
        }
        let committed = &self.0.counter.reported.committed;
        *committed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
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
    conn: &'c mut Conn,
    text: SqlStr,
    /// Whether the driver keeps it prepared.
    persistent: bool,
    values: Values,
    bound: usize,
    /// Why a value could not be bound.
    error: Option<Error>,
}

enum Values {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
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
            prefix => Cow::Owned([prefix, column].concat()),
        };
        Ok(match &self.fetched {
            DriverRow::Sqlite(row) => row.try_get(name.as_ref())?,
            DriverRow::Postgres(row) => row.try_get(name.as_ref())?,
        })
    }

    /// The value at a place, from 0.
    pub(super) fn at<T: Readable>(&self, place: usize) -> Result<T> {
        Ok(match &self.fetched {
            DriverRow::Sqlite(row) => row.try_get(place)?,
            DriverRow::Postgres(row) => row.try_get(place)?,
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

/// Runs a statement by a method of its driver. A read whose connection turns out to be closed by the server is made again,
/// once and on another connection: it changed nothing.
macro_rules! run {
    ($statement:ident, $method:ident) => {{
        let Statement { conn, text, persistent, values, .. } = $statement.checked()?;
        let patience = conn.patience;
        match (&mut conn.handle, values) {
            (Handle::Sqlite(lease), Values::Sqlite(values)) => {
                let query = sqlx::query_with(text, values).persistent(persistent);
                let outcome = timeout(patience.deadline, query.$method(lease.start()?)).await;
                Outcome::Sqlite(lease.finish(outcome)?)
            }
            (Handle::Postgres(lease, pool), Values::Postgres(values)) => {
                let again = (!lease.is_in_transaction()).then(|| (text.clone(), values.clone()));
                let query = sqlx::query_with(text, values).persistent(persistent);
                let outcome = timeout(patience.deadline, query.$method(lease.start()?)).await;
                Outcome::Postgres(match (lease.finish(outcome), again) {
                    (Err(error), Some((text, values))) if is_connection_closed(&error) => {
                        *lease = pool.acquire(patience).await?;
                        lease.keep(conn.permit.clone());
                        let query = sqlx::query_with(text, values).persistent(persistent);
                        let outcome = timeout(patience.deadline, query.$method(lease.start()?)).await;
                        lease.finish(outcome)?
                    }
                    (outcome, _) => outcome?,
                })
            }
            // `Conn::statement` makes the values of its connection's driver.
            _ => return Err(Error::Database(sqlx::Error::PoolClosed)),
        }
    }};
}

/// The result of one of the drivers.
enum Outcome<S, P> {
    Sqlite(S),
    Postgres(P),
}

impl Statement<'_> {
    /// Binds the next `$n`. A text with NUL fails the statement ([`Error::Nul`]).
    pub fn bind<'t, T: Value<'t>>(mut self, value: T) -> Self {
        if let Err(error) = self.add(value) {
            self.error.get_or_insert(error);
        }
        self.bound += 1;
        self
    }

    fn add<'t, T: Value<'t>>(&mut self, value: T) -> Result<()> {
        if holds_nul(&value).map_err(sqlx::Error::Encode)? {
            return Err(Error::Nul);
        }
        let added = match &mut self.values {
            Values::Sqlite(values) => values.add(value),
            Values::Postgres(values) => values.add(value),
        };
        Ok(added.map_err(sqlx::Error::Encode)?)
    }

    /// Runs the statement and returns the number of affected rows.
    pub async fn execute(self) -> Result<u64> {
        Ok(match run!(self, execute) {
            Outcome::Sqlite(done) => done.rows_affected(),
            Outcome::Postgres(done) => done.rows_affected(),
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
        Ok(match run!(self, fetch_optional) {
            Outcome::Sqlite(row) => row.map(Row::from),
            Outcome::Postgres(row) => row.map(Row::from),
        })
    }

    pub(super) async fn rows(self) -> Result<Vec<Row>> {
        Ok(match run!(self, fetch_all) {
            Outcome::Sqlite(rows) => rows.into_iter().map(Row::from).collect(),
            Outcome::Postgres(rows) => rows.into_iter().map(Row::from).collect(),
        })
    }

    /// The steps by which SQLite runs the statement with its values.
    #[cfg(test)]
    pub(super) async fn steps(mut self) -> Vec<String> {
        self.text = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", self.text.as_str())).into_sql_str();
        let rows: Vec<(i64, i64, i64, String)> = self.all().await.expect("a plan");
        rows.into_iter().map(|(.., step)| step).collect()
    }

    /// The statement, if all its values could be bound. SQLite reads an unbound parameter as NULL, so debug builds check
    /// the number of values.
    fn checked(mut self) -> Result<Self> {
        debug_assert_eq!(
            placeholders(self.text.as_str()),
            self.bound,
            "placeholders and values differ: {}",
            self.text.as_str()
        );
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }
}

/// Whether a value is a text with NUL. SQLite stores one, PostgreSQL refuses it: checked here, both databases give the
/// same answer. PostgreSQL's form of a text is the text itself.
fn holds_nul<'t, T: Value<'t>>(value: &T) -> std::result::Result<bool, BoxDynError> {
    let type_info =
        <T as Encode<'t, Postgres>>::produces(value).unwrap_or_else(<T as Type<Postgres>>::type_info);
    if type_info != <str as Type<Postgres>>::type_info() {
        return Ok(false);
    }
    let mut text = PgArgumentBuffer::default();
    // NULL writes nothing.
    let _ = <T as Encode<'t, Postgres>>::encode_by_ref(value, &mut text)?;
    Ok(text.contains(&0))
}
