//! Groups of SCIM directories.
//!
//! Deleted groups keep their rows, because the app's API still shows them. Every other statement here ignores
//! them, and every statement is scoped by the directory. Members are in [`scim_members`](super::scim_members).

use std::collections::BTreeSet;

use base::{
    id::{ScimDirectoryId, ScimGroupId},
    time::Timestamp,
};
use model::scim_group::ScimGroup;

use super::{
    Conn, Dialect, Error, Result, Sql, Transaction,
    columns::{self, column_list},
    scim_filter,
    table::{self, ROW_LOCK, SHARED_LOCK},
};

const TABLE: &str = "scim_groups";

/// How many values one statement contains.
const BATCH_SIZE: usize = 500;

// Columns are listed, never `*`: when the next release adds a column, statements that a running replica has
// prepared must stay valid.
macro_rules! columns {
    ($table:literal) => {
        column_list!(
            $table,
            id,
            directory_id,
            display_name,
            external_id,
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
    id: ScimGroupId,
    directory_id: ScimDirectoryId,
    display_name: String,
    external_id: Option<String>,
    document: String,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

impl TryFrom<Row> for ScimGroup {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            directory_id: row.directory_id,
            display_name: row.display_name,
            external_id: row.external_id,
            document: columns::object_from_json(&row.document)
                .ok_or_else(|| Error::inconsistent(TABLE, "document", row.id))?,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        })
    }
}

/// The group with this id, unless it is deleted.
pub async fn find(conn: &mut Conn, directory: ScimDirectoryId, id: ScimGroupId) -> Result<Option<ScimGroup>> {
    conn.sql(concat!(
        "SELECT ",
        columns!(""),
        " FROM scim_groups WHERE directory_id = $1 AND id = $2 AND deleted_at IS NULL"
    ))
    .bind(directory)
    .bind(id)
    .optional::<Row>()
    .await?
    .map(ScimGroup::try_from)
    .transpose()
}

/// The group with this id, unless it is deleted, locked until the transaction ends: concurrent changes of its
/// membership are serialised. (A SQLite write transaction is exclusive anyway.)
pub async fn lock(
    tx: &mut Transaction,
    directory: ScimDirectoryId,
    id: ScimGroupId,
) -> Result<Option<ScimGroup>> {
    let find = concat!(
        "SELECT ",
        columns!(""),
        " FROM scim_groups WHERE directory_id = $1 AND id = $2 AND deleted_at IS NULL"
    );
    let text = table::locking(tx.dialect(), find, ROW_LOCK);
    tx.sql(text).bind(directory).bind(id).optional::<Row>().await?.map(ScimGroup::try_from).transpose()
}

/// Whether another group than `except`, not deleted, has this name, ignoring case. Callers are serialised per
/// directory until their transactions end, so that the answer stays true (no unique index).
pub async fn name_is_taken(
    tx: &mut Transaction,
    directory: ScimDirectoryId,
    display_name: &str,
    except: Option<ScimGroupId>,
) -> Result<bool> {
    if tx.dialect() == Dialect::Postgres {
        let lock = table::locking(tx.dialect(), "SELECT id FROM scim_directories WHERE id = $1", ROW_LOCK);
        let _: Option<(ScimDirectoryId,)> = tx.sql(lock).bind(directory).optional().await?;
    }
    let (taken,): (bool,) = tx
        .sql(
            "SELECT EXISTS (SELECT 1 FROM scim_groups WHERE directory_id = $1 AND display_name_key = $2 \
             AND deleted_at IS NULL AND id <> $3)",
        )
        .bind(directory)
        .bind(scim_filter::key(display_name))
        .bind(columns::page_start(except))
        .one()
        .await?;
    Ok(taken)
}

/// Adds a group.
pub async fn insert(conn: &mut Conn, group: &ScimGroup) -> Result<()> {
    conn.sql(
        "INSERT INTO scim_groups (id, directory_id, display_name, display_name_key, external_id, document, \
         version, created_at, updated_at, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(group.id)
    .bind(group.directory_id)
    .bind(group.display_name.as_str())
    .bind(scim_filter::key(&group.display_name))
    .bind(group.external_id.as_deref())
    .bind(columns::object_to_json(&group.document))
    .bind(group.version)
    .bind(group.created_at)
    .bind(group.updated_at)
    .bind(group.deleted_at)
    .execute()
    .await?;
    match group.deleted_at {
        None => add_to_count(conn, group.directory_id, 1).await,
        Some(_) => Ok(()),
    }
}

/// Restores a deleted group from its import: the new row replaces the old one.
pub async fn restore(conn: &mut Conn, group: &ScimGroup) -> Result<()> {
    conn.sql("DELETE FROM scim_groups WHERE directory_id = $1 AND id = $2 AND deleted_at IS NOT NULL")
        .bind(group.directory_id)
        .bind(group.id)
        .execute()
        .await?;
    insert(conn, group).await
}

/// The group with this id, deleted or not.
pub async fn find_including_deleted(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    id: ScimGroupId,
) -> Result<Option<ScimGroup>> {
    conn.sql(concat!("SELECT ", columns!(""), " FROM scim_groups WHERE directory_id = $1 AND id = $2"))
        .bind(directory)
        .bind(id)
        .optional::<Row>()
        .await?
        .map(ScimGroup::try_from)
        .transpose()
}

/// Adds `by` to the directory's group count.
async fn add_to_count(conn: &mut Conn, directory: ScimDirectoryId, by: i64) -> Result<()> {
    conn.sql("UPDATE scim_directories SET group_count = group_count + $2 WHERE id = $1")
        .bind(directory)
        .bind(by)
        .execute()
        .await?;
    Ok(())
}

/// Updates a group if its version is still `before`. Returns whether it was.
pub async fn update(conn: &mut Conn, before: i64, group: &ScimGroup) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE scim_groups SET display_name = $4, display_name_key = $5, external_id = $6, document = $7, \
             version = $8, updated_at = $9 \
             WHERE directory_id = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
        )
        .bind(group.directory_id)
        .bind(group.id)
        .bind(before)
        .bind(group.display_name.as_str())
        .bind(scim_filter::key(&group.display_name))
        .bind(group.external_id.as_deref())
        .bind(columns::object_to_json(&group.document))
        .bind(group.version)
        .bind(group.updated_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Increments the versions of groups whose membership changed.
pub async fn update_versions(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    groups: &[ScimGroupId],
    now: Timestamp,
) -> Result<()> {
    let mut groups = groups.to_vec();
    groups.sort_unstable();
    for some in groups.chunks(BATCH_SIZE) {
        let these = || {
            Sql::from(" WHERE directory_id = ")
                .value(directory.to_string())
                .push(" AND deleted_at IS NULL AND id IN (")
                .values(some.iter().map(ScimGroupId::to_string))
                .push(")")
        };
        if conn.dialect() == Dialect::Postgres {
            // Locks in id order, so that concurrent changes of the same groups do not deadlock.
            let sql = Sql::from("SELECT id FROM scim_groups").append(these()).push(" ORDER BY id");
            let sql = table::locking_sql(conn.dialect(), sql, ROW_LOCK);
            conn.dynamic(sql).all::<(ScimGroupId,)>().await?;
        }
        let sql =
            Sql::from("UPDATE scim_groups SET version = version + 1, updated_at = ").value(now.millis());
        conn.dynamic(sql.append(these())).execute().await?;
    }
    Ok(())
}

/// Marks a group as deleted if its version is still `before.version`, removes its members, and removes it from
/// its parent groups, whose ids are returned. `None`: the version has changed.
pub async fn update_deleted(
    conn: &mut Conn,
    before: &ScimGroup,
    now: Timestamp,
) -> Result<Option<Vec<ScimGroupId>>> {
    let touched = conn
        .sql(
            "UPDATE scim_groups SET deleted_at = $4, version = version + 1, updated_at = $4 \
             WHERE directory_id = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
        )
        .bind(before.directory_id)
        .bind(before.id)
        .bind(before.version)
        .bind(now)
        .execute()
        .await?;
    if touched == 0 {
        return Ok(None);
    }
    conn.sql("DELETE FROM scim_group_members WHERE group_id = $1").bind(before.id).execute().await?;
    let parents: Vec<(ScimGroupId,)> = conn
        .sql("DELETE FROM scim_group_members WHERE member_id = $1 RETURNING group_id")
        .bind(before.id)
        .all()
        .await?;
    add_to_count(conn, before.directory_id, -1).await?;
    Ok(Some(parents.into_iter().map(|(id,)| id).collect()))
}

/// The groups of the directory that match `search`, in its order; not deleted ones.
pub async fn list(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    search: &scim_filter::Search,
) -> Result<Vec<ScimGroup>> {
    let sql = search.select(
        conn.dialect(),
        concat!("SELECT ", columns!("r."), " FROM scim_groups r WHERE r.directory_id = "),
        directory,
    );
    conn.dynamic(sql).all::<Row>().await?.into_iter().map(ScimGroup::try_from).collect()
}

/// How many groups of the directory satisfy a condition, not counting deleted ones.
pub async fn count(conn: &mut Conn, directory: ScimDirectoryId, condition: Option<&Sql>) -> Result<i64> {
    let row: Option<(i64,)> = match condition {
        // The total is a column of the directory: counting rows takes time in proportion to their number.
        None => {
            let text = "SELECT group_count FROM scim_directories WHERE id = $1";
            conn.sql(text).bind(directory).optional().await?
        }
        Some(_) => {
            let head = "SELECT COUNT(*) FROM scim_groups r WHERE r.directory_id = ";
            conn.dynamic(scim_filter::select_rows(head, directory, condition)).optional().await?
        }
    };
    Ok(row.map_or(0, |(count,)| count))
}

/// Which of these groups exist in the directory and are not deleted. On PostgreSQL the rows are locked until
/// the transaction ends; a SQLite write transaction is exclusive anyway.
pub async fn list_existing(
    tx: &mut Transaction,
    directory: ScimDirectoryId,
    ids: &[ScimGroupId],
) -> Result<BTreeSet<ScimGroupId>> {
    let mut found = BTreeSet::new();
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from("SELECT id FROM scim_groups WHERE directory_id = ")
            .value(directory.to_string())
            .push(" AND deleted_at IS NULL AND id IN (")
            .values(some.iter().map(ScimGroupId::to_string))
            .push(")");
        let sql = table::locking_sql(tx.dialect(), sql, SHARED_LOCK);
        found.extend(tx.dynamic(sql).all::<(ScimGroupId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(found)
}
