//! Users of SCIM directories.
//!
//! Deleted users keep their rows, because the app's API still shows them. Every other statement here ignores
//! them, and every statement is scoped by the directory.

use std::collections::BTreeSet;

use base::{
    id::{ScimDirectoryId, ScimGroupId, ScimUserId},
    time::Timestamp,
};
use model::{email::Email, scim_user::ScimUser};
use serde_json::{Map, Value};

use super::{
    Conn, Error, Result, Sql, Transaction,
    columns::{self, column_list},
    scim_filter,
    table::{self, ROW_LOCK, SHARED_LOCK},
};

const TABLE: &str = "scim_users";

/// How many values one statement contains: SQLite and PostgreSQL both allow 32,766 parameters.
const BATCH_SIZE: usize = 500;

// Columns are listed, never `*`: when the next release adds a column, statements that a running replica has
// prepared must stay valid.
macro_rules! columns {
    ($table:literal) => {
        column_list!(
            $table,
            id,
            directory_id,
            user_name,
            external_id,
            active,
            email,
            document,
            version,
            created_at,
            updated_at,
            deleted_at
        )
    };
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: ScimUserId,
    directory_id: ScimDirectoryId,
    user_name: String,
    external_id: Option<String>,
    active: bool,
    email: Option<String>,
    document: String,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

impl TryFrom<Row> for ScimUser {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            directory_id: row.directory_id,
            user_name: row.user_name,
            external_id: row.external_id,
            active: row.active,
            email: row.email,
            document: columns::object_from_json(&row.document)
                .ok_or_else(|| Error::inconsistent(TABLE, "document", row.id))?,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        })
    }
}

/// User name, display name and e-mail address in the folded form in which they are compared.
fn keys(user: &ScimUser) -> (String, Option<String>, Option<String>) {
    let display_name = user.document.get("displayName").and_then(Value::as_str);
    (
        scim_filter::key(&user.user_name),
        display_name.map(scim_filter::key),
        user.email.as_deref().map(scim_filter::key),
    )
}

/// The values of a user's `emails`, folded.
fn email_keys(document: &Map<String, Value>) -> BTreeSet<String> {
    let entries = document.get("emails").and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| entry.get("value")?.as_str()).map(scim_filter::key).collect()
}

/// How many former addresses of one user are stored: the latest.
const MAX_FORMER_ADDRESSES: i64 = 100;

/// Every address of a user, folded.
fn address_keys(user: &ScimUser) -> BTreeSet<String> {
    let (user_name_key, _, email_key) = keys(user);
    let mut known = email_keys(&user.document);
    known.extend(email_key);
    known.insert(user_name_key);
    known.retain(|key| Email::parse(key).is_some());
    known
}

/// Stores the addresses of `before` that `user`, the same person, no longer has, and deletes former addresses
/// that the user has again.
async fn update_former_addresses(conn: &mut Conn, before: &ScimUser, user: &ScimUser) -> Result<()> {
    let (old, new) = (address_keys(before), address_keys(user));
    let gone: Vec<(String, Timestamp)> = old
        .difference(&new)
        .take(usize::try_from(MAX_FORMER_ADDRESSES).unwrap_or(usize::MAX))
        .map(|key| (key.clone(), user.updated_at))
        .collect();
    if !gone.is_empty() {
        insert_former_addresses(conn, user, &gone).await?;
        conn.sql(
            "DELETE FROM scim_former_addresses WHERE user_id = $1 AND directory_id = $2 AND address_key NOT IN \
             (SELECT address_key FROM scim_former_addresses WHERE user_id = $1 \
             ORDER BY replaced_at DESC, address_key LIMIT $3)",
        )
        .bind(user.id)
        .bind(user.directory_id)
        .bind(MAX_FORMER_ADDRESSES)
        .execute()
        .await?;
    }
    let come: Vec<&String> = new.difference(&old).collect();
    for some in come.chunks(BATCH_SIZE) {
        let sql = Sql::from("DELETE FROM scim_former_addresses WHERE directory_id = ")
            .value(user.directory_id.to_string())
            .push(" AND user_id = ")
            .value(user.id.to_string())
            .push(" AND address_key IN (")
            .values(some.iter().map(|key| key.as_str()))
            .push(")");
        conn.dynamic(sql).execute().await?;
    }
    Ok(())
}

async fn insert_former_addresses(
    conn: &mut Conn,
    user: &ScimUser,
    former: &[(String, Timestamp)],
) -> Result<()> {
    for some in former.chunks(BATCH_SIZE / 4) {
        let mut sql = Sql::from(
            "INSERT INTO scim_former_addresses (directory_id, address_key, user_id, replaced_at) VALUES ",
        );
        for (at, (key, replaced_at)) in some.iter().enumerate() {
            sql = sql.push(if at == 0 { "(" } else { ", (" });
            sql = sql.value(user.directory_id.to_string()).push(", ").value(key.as_str()).push(", ");
            sql = sql.value(user.id.to_string()).push(", ").value(replaced_at.millis()).push(")");
        }
        let sql = sql.push(
            " ON CONFLICT (directory_id, address_key, user_id) DO UPDATE SET replaced_at = excluded.replaced_at",
        );
        conn.dynamic(sql).execute().await?;
    }
    Ok(())
}

/// The former addresses of a user, folded.
pub async fn list_former_addresses(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    id: ScimUserId,
) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = conn
        .sql(
            "SELECT address_key FROM scim_former_addresses WHERE user_id = $1 AND directory_id = $2 \
             ORDER BY address_key LIMIT $3",
        )
        .bind(id)
        .bind(directory)
        .bind(MAX_FORMER_ADDRESSES)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}

/// Which of these addresses (keys) belong to an active user of the directory other than `id`.
pub async fn list_used_by_others(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    id: ScimUserId,
    keys: &[String],
) -> Result<BTreeSet<String>> {
    let mut held = BTreeSet::new();
    for some in keys.chunks(BATCH_SIZE) {
        let others = |sql: Sql, column: &'static str| {
            sql.push(" FROM scim_users u WHERE u.directory_id = ")
                .value(directory.to_string())
                .push(" AND u.deleted_at IS NULL AND u.active AND u.id <> ")
                .value(id.to_string())
                .push(" AND ")
                .push(column)
                .push(" IN (")
                .values(some.iter().map(String::as_str))
                .push(")")
        };
        let sql = others(Sql::from("SELECT u.email_key"), "u.email_key");
        let sql = others(sql.push(" UNION SELECT u.user_name_key"), "u.user_name_key")
            .push(
                " UNION SELECT e.value_key FROM scim_user_emails e JOIN scim_users u ON u.id = e.user_id \
                 WHERE u.deleted_at IS NULL AND u.active AND e.directory_id = ",
            )
            .value(directory.to_string())
            .push(" AND e.user_id <> ")
            .value(id.to_string())
            .push(" AND e.value_key IN (")
            .values(some.iter().map(String::as_str))
            .push(")");
        held.extend(conn.dynamic(sql).all::<(String,)>().await?.into_iter().map(|(key,)| key));
    }
    Ok(held)
}

/// The user with this id, unless deleted.
pub async fn find(conn: &mut Conn, directory: ScimDirectoryId, id: ScimUserId) -> Result<Option<ScimUser>> {
    conn.sql(concat!(
        "SELECT ",
        columns!(""),
        " FROM scim_users WHERE directory_id = $1 AND id = $2 AND deleted_at IS NULL"
    ))
    .bind(directory)
    .bind(id)
    .optional::<Row>()
    .await?
    .map(ScimUser::try_from)
    .transpose()
}

/// The user with this id, unless deleted, locked until the transaction ends. (A SQLite write transaction is
/// exclusive anyway.)
pub async fn lock(
    tx: &mut Transaction,
    directory: ScimDirectoryId,
    id: ScimUserId,
) -> Result<Option<ScimUser>> {
    let find = concat!(
        "SELECT ",
        columns!(""),
        " FROM scim_users WHERE directory_id = $1 AND id = $2 AND deleted_at IS NULL"
    );
    let text = table::locking(tx.dialect(), find, ROW_LOCK);
    tx.sql(text).bind(directory).bind(id).optional::<Row>().await?.map(ScimUser::try_from).transpose()
}

/// Adds a user. [`Error::Duplicate`]: another user that is not deleted has the `userName`, ignoring case.
pub async fn insert(conn: &mut Conn, user: &ScimUser) -> Result<()> {
    let (user_name_key, display_name_key, email_key) = keys(user);
    conn.sql(
        "INSERT INTO scim_users (id, directory_id, user_name, user_name_key, external_id, display_name_key, \
         active, email, email_key, document, version, created_at, updated_at, deleted_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(user.id)
    .bind(user.directory_id)
    .bind(user.user_name.as_str())
    .bind(user_name_key)
    .bind(user.external_id.as_deref())
    .bind(display_name_key)
    .bind(user.active)
    .bind(user.email.as_deref())
    .bind(email_key)
    .bind(columns::object_to_json(&user.document))
    .bind(user.version)
    .bind(user.created_at)
    .bind(user.updated_at)
    .bind(user.deleted_at)
    .execute()
    .await?;
    insert_emails(conn, user, email_keys(&user.document)).await?;
    match user.deleted_at {
        None => add_to_count(conn, user.directory_id, 1).await,
        Some(_) => Ok(()),
    }
}

/// Restores a deleted user from its import: the new row replaces the old one, `before`. [`Error::Duplicate`]:
/// another user that is not deleted has the `userName`, ignoring case.
pub async fn restore(conn: &mut Conn, before: &ScimUser, user: &ScimUser) -> Result<()> {
    let former: Vec<(String, Timestamp)> = conn
        .sql(
            "SELECT address_key, replaced_at FROM scim_former_addresses WHERE user_id = $1 \
             ORDER BY replaced_at DESC, address_key LIMIT $2",
        )
        .bind(user.id)
        .bind(MAX_FORMER_ADDRESSES)
        .all()
        .await?;
    conn.sql("DELETE FROM scim_users WHERE directory_id = $1 AND id = $2 AND deleted_at IS NOT NULL")
        .bind(user.directory_id)
        .bind(user.id)
        .execute()
        .await?;
    insert(conn, user).await?;
    insert_former_addresses(conn, user, &former).await?;
    update_former_addresses(conn, before, user).await
}

/// The user with this id, deleted or not.
pub async fn find_including_deleted(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    id: ScimUserId,
) -> Result<Option<ScimUser>> {
    conn.sql(concat!("SELECT ", columns!(""), " FROM scim_users WHERE directory_id = $1 AND id = $2"))
        .bind(directory)
        .bind(id)
        .optional::<Row>()
        .await?
        .map(ScimUser::try_from)
        .transpose()
}

/// Adds `by` to the directory's user count.
async fn add_to_count(conn: &mut Conn, directory: ScimDirectoryId, by: i64) -> Result<()> {
    conn.sql("UPDATE scim_directories SET user_count = user_count + $2 WHERE id = $1")
        .bind(directory)
        .bind(by)
        .execute()
        .await?;
    Ok(())
}

/// Updates a user if its version is still `before.version`; the new version is `user.version`. Returns whether
/// it was, so of two concurrent changes only one succeeds. [`Error::Duplicate`]: another user that is not
/// deleted has the `userName`.
pub async fn update(conn: &mut Conn, before: &ScimUser, user: &ScimUser) -> Result<bool> {
    let (user_name_key, display_name_key, email_key) = keys(user);
    let touched = conn
        .sql(
            "UPDATE scim_users SET user_name = $4, user_name_key = $5, external_id = $6, display_name_key = $7, \
             active = $8, email = $9, email_key = $10, document = $11, version = $12, updated_at = $13 \
             WHERE directory_id = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
        )
        .bind(user.directory_id)
        .bind(user.id)
        .bind(before.version)
        .bind(user.user_name.as_str())
        .bind(user_name_key)
        .bind(user.external_id.as_deref())
        .bind(display_name_key)
        .bind(user.active)
        .bind(user.email.as_deref())
        .bind(email_key)
        .bind(columns::object_to_json(&user.document))
        .bind(user.version)
        .bind(user.updated_at)
        .execute()
        .await?;
    if touched == 0 {
        return Ok(false);
    }
    let (old, new) = (email_keys(&before.document), email_keys(&user.document));
    let gone: Vec<&str> = old.difference(&new).map(String::as_str).collect();
    for some in gone.chunks(BATCH_SIZE) {
        let sql = Sql::from("DELETE FROM scim_user_emails WHERE directory_id = ")
            .value(user.directory_id.to_string())
            .push(" AND user_id = ")
            .value(user.id.to_string())
            .push(" AND value_key IN (")
            .values(some.iter().copied())
            .push(")");
        conn.dynamic(sql).execute().await?;
    }
    insert_emails(conn, user, new.difference(&old).cloned()).await?;
    update_former_addresses(conn, before, user).await?;
    Ok(true)
}

async fn insert_emails(
    conn: &mut Conn,
    user: &ScimUser,
    keys: impl IntoIterator<Item = String>,
) -> Result<()> {
    let keys: Vec<String> = keys.into_iter().collect();
    for some in keys.chunks(BATCH_SIZE / 3) {
        let mut sql = Sql::from("INSERT INTO scim_user_emails (directory_id, value_key, user_id) VALUES ");
        for (at, key) in some.iter().enumerate() {
            sql = sql.push(if at == 0 { "(" } else { ", (" });
            sql = sql.value(user.directory_id.to_string()).push(", ").value(key.as_str()).push(", ");
            sql = sql.value(user.id.to_string()).push(")");
        }
        conn.dynamic(sql).execute().await?;
    }
    Ok(())
}

/// Marks a user as deleted if its version is still `before.version`, and removes it from its groups, whose ids
/// are returned. `None`: the version has changed. A user whom Microsoft Entra ID renamed on soft-deletion is
/// reported by the former address.
pub async fn update_deleted(
    conn: &mut Conn,
    before: &ScimUser,
    now: Timestamp,
) -> Result<Option<Vec<ScimGroupId>>> {
    let former = before.email.as_deref().and_then(Email::parse_soft_deleted);
    let reported = former.as_ref().map(Email::as_str).or(before.email.as_deref());
    let touched = conn
        .sql(
            "UPDATE scim_users SET deleted_at = $4, active = FALSE, version = version + 1, updated_at = $4, \
             email = $5, email_key = $6 \
             WHERE directory_id = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
        )
        .bind(before.directory_id)
        .bind(before.id)
        .bind(before.version)
        .bind(now)
        .bind(reported)
        .bind(reported.map(scim_filter::key))
        .execute()
        .await?;
    if touched == 0 {
        return Ok(None);
    }
    // The addresses stay: a deleted user must not sign in by another one of them.
    let groups: Vec<(ScimGroupId,)> = conn
        .sql("DELETE FROM scim_group_members WHERE member_id = $1 RETURNING group_id")
        .bind(before.id)
        .all()
        .await?;
    add_to_count(conn, before.directory_id, -1).await?;
    Ok(Some(groups.into_iter().map(|(id,)| id).collect()))
}

/// The users of the directory that match `search`, in its order; not deleted ones.
pub async fn list(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    search: &scim_filter::Search,
) -> Result<Vec<ScimUser>> {
    let sql = search.select(
        conn.dialect(),
        concat!("SELECT ", columns!("r."), " FROM scim_users r WHERE r.directory_id = "),
        directory,
    );
    conn.dynamic(sql).all::<Row>().await?.into_iter().map(ScimUser::try_from).collect()
}

/// How many users of the directory satisfy a condition, not counting deleted ones.
pub async fn count(conn: &mut Conn, directory: ScimDirectoryId, condition: Option<&Sql>) -> Result<i64> {
    let row: Option<(i64,)> = match condition {
        // The total is a column of the directory: counting rows takes time in proportion to their number.
        None => {
            let text = "SELECT user_count FROM scim_directories WHERE id = $1";
            conn.sql(text).bind(directory).optional().await?
        }
        Some(_) => {
            let head = "SELECT COUNT(*) FROM scim_users r WHERE r.directory_id = ";
            conn.dynamic(scim_filter::select_rows(head, directory, condition)).optional().await?
        }
    };
    Ok(row.map_or(0, |(count,)| count))
}

/// Which of these users exist in the directory and are not deleted. On PostgreSQL the rows are locked until the
/// transaction ends; a SQLite write transaction is exclusive anyway.
pub async fn list_existing(
    tx: &mut Transaction,
    directory: ScimDirectoryId,
    ids: &[ScimUserId],
) -> Result<BTreeSet<ScimUserId>> {
    let mut found = BTreeSet::new();
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from("SELECT id FROM scim_users WHERE directory_id = ")
            .value(directory.to_string())
            .push(" AND deleted_at IS NULL AND id IN (")
            .values(some.iter().map(ScimUserId::to_string))
            .push(")");
        let sql = table::locking_sql(tx.dialect(), sql, SHARED_LOCK);
        found.extend(tx.dynamic(sql).all::<(ScimUserId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(found)
}
