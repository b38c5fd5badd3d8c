//! Tables of versioned rows: how the rows of a resource are found, locked, listed, added, changed and removed.
//!
//! A type names its columns once ([`Table`]), and every statement follows from them. A change is
//! `UPDATE … WHERE version = $n`: a row that was changed since it was read is never overwritten.

use std::{
    any::type_name,
    collections::HashMap,
    future::{Future, ready},
    sync::{LazyLock, PoisonError, RwLock},
};

use base::{
    id::{Id, IdKind},
    time::Timestamp,
};

use super::{
    Conn, Dialect, Error, Result, Sql, Transaction,
    columns::page_start,
    connection::{Row, Statement},
};

/// The lock of a row that is about to be changed, or within which something is. Rows that refer to it can still be added.
///
/// A transaction locks rows from the outside inwards, so that no two wait for each other:
///
/// 1. the environment, for what is bounded or unique in it: how many keys it has, which organizations share a domain; the
///    OAuth client that a login is for;
/// 2. the organization, for its domains and for which connection and directory are primary;
/// 3. the connection or directory;
/// 4. the users, then the groups of a directory, each in the order of their ids;
/// 5. the codes, then the grants that are revoked;
/// 6. the login flows (what a login issues is new, and nobody waits for it), then the person's federated identity and subject;
/// 7. the counter of the environment's events, last of all ([`super::events`]).
///
/// The accounts of administrators come in an order of their own: the owners of everything by their ids, then the account
/// that is changed, then its invitations, password, passkeys and sessions.
///
/// Provisioning departs from it: a change of a group holds the group before the members that it gets and, for a new name,
/// the directory; and counts are written to the directory's row after its users and groups. Both it and the changes and
/// removals that it can meet repeat a transaction that the database ends for a deadlock (`app/retry.rs`).
pub(super) const ROW_LOCK: &str = "FOR NO KEY UPDATE";

/// The lock of rows that must stay as they are until the transaction ends, while others may rely on them too: the members
/// that a group gets; the client, organization, connection and people whom a login depends on.
pub(super) const SHARED_LOCK: &str = "FOR SHARE";

/// The lock of a row that is to be removed if nothing belongs to it: what would refer to it waits.
const REMOVAL_LOCK: &str = "FOR UPDATE";

/// `SELECT …` with a lock of the rows that it finds. SQLite has one writer, so there the transaction itself is the lock.
pub(super) fn locking(dialect: Dialect, select: &'static str, lock: &'static str) -> &'static str {
    match dialect {
        Dialect::Sqlite => select,
        Dialect::Postgres => text_of([select, lock, ""], || format!("{select} {lock}")),
    }
}

/// [`locking`], for a statement that is assembled at run time.
pub(super) fn locking_sql(dialect: Dialect, select: Sql, lock: &'static str) -> Sql {
    match dialect {
        Dialect::Sqlite => select,
        Dialect::Postgres => select.push(" ").push(lock),
    }
}

/// What a row is found by, and the version that it had when it was read.
pub struct Key<T: Table> {
    /// Its id.
    pub id: Id<T::Kind>,
    /// The id that bounds every query for it.
    pub scope: Id<T::Scope>,
    /// Its version; 1 before it is added.
    pub version: i64,
}

/// A type whose values are the rows of one table. Each row has an id, a scope that it never leaves, and a version.
pub trait Table: Sized + Send + Sync + 'static {
    /// The kind of its ids.
    type Kind: IdKind;
    /// The kind of the id that bounds every query: an environment's; its own, where there is nothing above it.
    type Scope: IdKind;

    /// The name of the table.
    const TABLE: &'static str;
    /// The column of the id.
    const ID: &'static str = "id";
    /// The column of the scope.
    const SCOPE: &'static str = "environment_id";
    /// The columns that a change writes, in the order of [`Table::bind`]. They make up the version.
    const COLUMNS: &'static [&'static str];
    /// The columns that are written when the row is added and that a change leaves alone, in the order of
    /// [`Table::bind_fixed`]; besides id and scope.
    const FIXED: &'static [&'static str];
    /// Columns that are read with the row and written by statements of their own: stamps of use, counters, states of
    /// jobs. They do not belong to the version.
    const STAMPS: &'static [&'static str] = &[];
    /// What is read with the row from other tables: names and expressions. Statements of their own write it.
    const COMPUTED: &'static [(&'static str, &'static str)] = &[];
    /// Which rows count: columns called by the table's name, or nothing where all do. It is part of every statement of this
    /// module, so that no caller can find, lock, change or remove another row. A statement that joins the table repeats it.
    const CONDITION: &'static str = "";
    /// What removing a row writes to it, where the row stays: an assignment in which `$3` is the time. Such a row does not
    /// count any more.
    const REMOVAL: Option<&'static str> = None;

    /// What the row is found by.
    fn key(&self) -> Key<Self>;
    /// Sets the version, and the time of the last change where the row has one.
    fn set_version(&mut self, version: i64, at: Timestamp);

    /// Binds [`Table::COLUMNS`].
    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c>;
    /// Binds [`Table::FIXED`].
    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c>;
    /// Reads a row that has all columns.
    fn read(row: &Row) -> Result<Self>;

    /// The row's id.
    fn id(&self) -> Id<Self::Kind> {
        self.key().id
    }

    /// The row's scope.
    fn scope(&self) -> Id<Self::Scope> {
        self.key().scope
    }

    /// The version that the row had when it was read.
    fn version(&self) -> i64 {
        self.key().version
    }

    /// Adds what belongs to a new row in other tables: the end of [`insert`].
    fn insert_related(&self, _: &mut Conn) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }
}

/// The row with this id.
pub async fn find<T: Table>(conn: &mut Conn, scope: Id<T::Scope>, id: Id<T::Kind>) -> Result<Option<T>> {
    let text = text::<T>("find", || format!("{} WHERE {}", select::<T>(), key::<T>()));
    conn.sql(text).bind(scope).bind(id).optional_of().await
}

/// [`find`], with the row locked as by [`lock`].
pub async fn find_for_update<T: Table>(
    tx: &mut Transaction,
    scope: Id<T::Scope>,
    id: Id<T::Kind>,
) -> Result<Option<T>> {
    if tx.dialect() == Dialect::Sqlite {
        return find(tx, scope, id).await;
    }
    if !T::COMPUTED.is_empty() {
        // A statement that waits for a lock reads the row anew afterwards, but other tables as they were before.
        return if lock::<T>(tx, scope, id).await? { find(tx, scope, id).await } else { Ok(None) };
    }
    let text = text::<T>("find_for_update", || format!("{} WHERE {} {ROW_LOCK}", select::<T>(), key::<T>()));
    tx.sql(text).bind(scope).bind(id).optional_of().await
}

/// Locks a row until the transaction ends: others that lock or change it wait. Returns whether it exists.
pub async fn lock<T: Table>(tx: &mut Transaction, scope: Id<T::Scope>, id: Id<T::Kind>) -> Result<bool> {
    lock_as::<T>(tx, scope, id, ROW_LOCK).await
}

/// Locks a row until the transaction ends, as [`lock`] does, also against new rows that refer to it: for the question
/// whether there are any.
pub async fn lock_for_removal<T: Table>(
    tx: &mut Transaction,
    scope: Id<T::Scope>,
    id: Id<T::Kind>,
) -> Result<bool> {
    lock_as::<T>(tx, scope, id, REMOVAL_LOCK).await
}

async fn lock_as<T: Table>(
    tx: &mut Transaction,
    scope: Id<T::Scope>,
    id: Id<T::Kind>,
    lock: &'static str,
) -> Result<bool> {
    let exists = text::<T>("exists", || format!("SELECT {} FROM {} WHERE {}", T::ID, T::TABLE, key::<T>()));
    let text = locking(tx.dialect(), exists, lock);
    Ok(tx.sql(text).bind(scope).bind(id).optional::<(String,)>().await?.is_some())
}

/// Locks the rows that a condition finds, in the order of their ids, as [`lock`] does one. Returns the ids. `rest` is that
/// of [`select_where`].
pub async fn lock_where<T: Table>(tx: &mut Transaction, rest: &'static str) -> Result<Vec<Id<T::Kind>>> {
    let ids = text_of([type_name::<T>(), "ids", rest], || {
        format!("SELECT {0} FROM {1} {2} ORDER BY {0}", T::ID, T::TABLE, counting::<T>(rest))
    });
    let text = locking(tx.dialect(), ids, ROW_LOCK);
    let rows: Vec<(Id<T::Kind>,)> = tx.sql(text).all().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Up to `limit` rows of a scope from `from` on, in the order of their ids, which is that of creation.
pub async fn list<T: Table>(
    conn: &mut Conn,
    scope: Id<T::Scope>,
    from: Option<Id<T::Kind>>,
    limit: i64,
) -> Result<Vec<T>> {
    let text = text::<T>("list", || {
        format!(
            "{} {} ORDER BY {id} LIMIT $3",
            select::<T>(),
            counting::<T>(&format!("WHERE {} = $1 AND {} >= $2", T::SCOPE, T::ID)),
            id = T::ID
        )
    });
    conn.sql(text).bind(scope).bind(page_start(from)).bind(limit).all_of().await
}

/// `SELECT … FROM table WHERE scope = `, for a statement that is assembled at run time.
pub(super) fn select_text<T: Table>() -> &'static str {
    text::<T>("select", || {
        format!("{} {}", select::<T>(), counting::<T>(&format!("WHERE {}.{} = ", T::TABLE, T::SCOPE)))
    })
}

/// The rows that a condition of its own finds: `rest` follows `SELECT … FROM table`. It has one `WHERE` outside of
/// parentheses, before any other, and joins its conditions by `AND`.
pub fn select_where<'c, T: Table>(conn: &'c mut Conn, rest: &'static str) -> Statement<'c> {
    conn.sql(text::<T>(rest, || format!("{} {}", select::<T>(), counting::<T>(rest))))
}

/// [`select_where`], with more `columns` of tables that `rest` joins. There is one such statement for each `rest`.
pub fn select_joined<'c, T: Table>(
    conn: &'c mut Conn,
    columns: impl FnOnce() -> String,
    rest: &'static str,
) -> Statement<'c> {
    conn.sql(text_of([type_name::<T>(), "joined", rest], || {
        format!("SELECT {}, {} FROM {} {}", columns_as::<T>(""), columns(), T::TABLE, counting::<T>(rest))
    }))
}

/// All columns, called by their names after `prefix`, so that a statement may join other tables: [`Row::part`] reads
/// them.
pub(super) fn columns_as<T: Table>(prefix: &'static str) -> String {
    let named = columns::<T>().into_iter().map(|(name, value)| format!("{value} AS {prefix}{name}"));
    named.collect::<Vec<_>>().join(", ")
}

impl Statement<'_> {
    /// The row of a table, if there is one.
    pub async fn optional_of<T: Table>(self) -> Result<Option<T>> {
        self.first_row().await?.as_ref().map(read).transpose()
    }

    /// Every row of a table, as [`Statement::all`].
    pub async fn all_of<T: Table>(self) -> Result<Vec<T>> {
        self.rows().await?.iter().map(read).collect()
    }
}

/// [`Table::read`], with the table and the id in its errors.
pub(super) fn read<T: Table>(row: &Row) -> Result<T> {
    T::read(row).map_err(|error| match error {
        Error::Inconsistent { column, .. } => {
            Error::inconsistent(T::TABLE, column, row.get::<String>(T::ID).unwrap_or_default())
        }
        error => error,
    })
}

/// Adds a row of version 1, with what belongs to it in other tables.
pub async fn insert<T: Table>(conn: &mut Conn, row: &T) -> Result<()> {
    let text = text::<T>("insert", || {
        let mut names = vec![T::SCOPE];
        names.extend((T::ID != T::SCOPE).then_some(T::ID));
        names.extend([T::FIXED, T::COLUMNS].concat());
        let values: Vec<String> = (1..=names.len()).map(|at| format!("${at}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", T::TABLE, names.join(", "), values.join(", "))
    });
    let mut statement = conn.sql(text).bind(row.scope());
    if T::ID != T::SCOPE {
        statement = statement.bind(row.id());
    }
    row.bind(row.bind_fixed(statement)).execute().await?;
    row.insert_related(conn).await
}

/// Writes a changed row with the next version, if the stored one still has the version that was read. Returns whether
/// it has.
pub async fn update<T: Table>(conn: &mut Conn, row: &mut T, at: Timestamp) -> Result<bool> {
    let read = row.version();
    row.set_version(read + 1, at);
    let text = text::<T>("update", || {
        let sets: Vec<String> =
            T::COLUMNS.iter().zip(5..).map(|(name, at)| format!("{name} = ${at}")).collect();
        format!(
            "UPDATE {} SET version = $4, {} WHERE {} AND version = $3",
            T::TABLE,
            sets.join(", "),
            key::<T>()
        )
    });
    let statement = conn.sql(text).bind(row.scope()).bind(row.id()).bind(read).bind(row.version());
    Ok(row.bind(statement).execute().await? == 1)
}

/// Gives a row the next version and leaves the rest of it, if it still has the version that was read. Returns whether it
/// has.
pub async fn raise_version<T: Table>(conn: &mut Conn, row: &T) -> Result<bool> {
    let text = text::<T>("raise_version", || {
        format!("UPDATE {} SET version = $3 + 1 WHERE {} AND version = $3", T::TABLE, key::<T>())
    });
    Ok(conn.sql(text).bind(row.scope()).bind(row.id()).bind(row.version()).execute().await? == 1)
}

/// Removes a row: deletes it, or marks it as removed `at` this time ([`Table::REMOVAL`]). Returns whether there was one.
pub async fn remove<T: Table>(
    conn: &mut Conn,
    scope: Id<T::Scope>,
    id: Id<T::Kind>,
    at: Timestamp,
) -> Result<bool> {
    let text = text::<T>("remove", || match T::REMOVAL {
        None => format!("DELETE FROM {} WHERE {}", T::TABLE, key::<T>()),
        Some(marks) => format!("UPDATE {} SET {marks} WHERE {}", T::TABLE, key::<T>()),
    });
    let mut statement = conn.sql(text).bind(scope).bind(id);
    if T::REMOVAL.is_some() {
        statement = statement.bind(at);
    }
    Ok(statement.execute().await? == 1)
}

/// The condition of one row, after `WHERE`.
fn key<T: Table>() -> String {
    let own = format!("{} = $1 AND {} = $2", T::SCOPE, T::ID);
    if T::CONDITION.is_empty() { own } else { format!("{own} AND {}", T::CONDITION) }
}

/// What follows `FROM table`, for the rows that count ([`Table::CONDITION`]).
fn counting<T: Table>(rest: &str) -> String {
    match rest.split_once("WHERE ") {
        _ if T::CONDITION.is_empty() => rest.to_owned(),
        Some((joins, condition)) => format!("{joins}WHERE {} AND {condition}", T::CONDITION),
        None => format!("{rest} WHERE {}", T::CONDITION),
    }
}

fn select<T: Table>() -> String {
    format!("SELECT {} FROM {}", columns_as::<T>(""), T::TABLE)
}

/// The names of all columns, and what they are in a statement.
fn columns<T: Table>() -> Vec<(&'static str, String)> {
    let mut names = vec![T::ID, "version"];
    names.extend((T::ID != T::SCOPE).then_some(T::SCOPE));
    names.extend([T::FIXED, T::COLUMNS, T::STAMPS].concat());
    let own = names.into_iter().map(|name| (name, format!("{}.{name}", T::TABLE)));
    let computed = T::COMPUTED.iter().map(|(name, expression)| (*name, (*expression).to_owned()));
    own.chain(computed).collect()
}

/// The statement of a table that is called `name`.
fn text<T: Table>(name: &'static str, make: impl FnOnce() -> String) -> &'static str {
    // By the type: two of them may have one table, each with a condition of its own.
    text_of([type_name::<T>(), name, ""], make)
}

/// A statement by its name. It is made once and kept for good, as drivers keep prepared statements by their text. There
/// are a few for each table: names are literals.
pub(super) fn text_of(name: [&'static str; 3], make: impl FnOnce() -> String) -> &'static str {
    static TEXTS: LazyLock<RwLock<HashMap<[&'static str; 3], &'static str>>> = LazyLock::new(RwLock::default);
    if let Some(text) = TEXTS.read().unwrap_or_else(PoisonError::into_inner).get(&name) {
        return text;
    }
    let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
    texts.entry(name).or_insert_with(|| Box::leak(make().into_boxed_str()))
}
