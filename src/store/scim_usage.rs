//! Storage used by directories, updated with every change.

use base::id::{EnvironmentId, ScimDirectoryId};

use super::{Conn, Result};

/// The size in bytes of a resource apart from its document: its row and its index entries. The same value as in
/// `migrations/0018_count_scim_usage.sql`.
pub const RESOURCE_BYTES: i64 = 512;

/// The size of a membership in bytes.
pub const MEMBERSHIP_BYTES: i64 = 200;

/// The usage of a directory, or of all directories of an environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Usage {
    /// Users, not counting deleted ones.
    pub user_count: i64,
    /// Groups, not counting deleted ones.
    pub group_count: i64,
    /// Bytes of resources, deleted ones too, and of memberships.
    pub stored_bytes: i64,
    /// Bytes written today: stored resources and the events about them.
    pub day_bytes: i64,
}

/// Adds a change to the usage of a directory: `stored` bytes (may be negative) and `written` bytes on `day`.
/// The row stays locked until the transaction ends. Returns the new usage; [`Usage::user_count`] and
/// [`Usage::group_count`] include the changes of this transaction.
pub async fn add(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    environment: EnvironmentId,
    (stored, written): (i64, i64),
    day: i64,
) -> Result<Usage> {
    // A change of the number of users or groups has already updated the directory's row, so this statement
    // reads the new number.
    conn.sql(
        "INSERT INTO scim_usage (directory_id, environment_id, stored_bytes, day, day_bytes) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (directory_id) DO UPDATE SET \
         stored_bytes = scim_usage.stored_bytes + excluded.stored_bytes, \
         day_bytes = CASE WHEN scim_usage.day = excluded.day THEN scim_usage.day_bytes ELSE 0 END \
         + excluded.day_bytes, day = excluded.day RETURNING stored_bytes, day_bytes, \
         (SELECT d.user_count FROM scim_directories d WHERE d.id = $1) AS user_count, \
         (SELECT d.group_count FROM scim_directories d WHERE d.id = $1) AS group_count",
    )
    .bind(directory)
    .bind(environment)
    .bind(stored)
    .bind(day)
    .bind(written)
    .one()
    .await
}

/// The usage of a directory.
pub async fn find(conn: &mut Conn, directory: ScimDirectoryId, day: i64) -> Result<Usage> {
    let found = conn
        .sql(
            "SELECT d.user_count, d.group_count, COALESCE(u.stored_bytes, 0) AS stored_bytes, \
             CASE WHEN u.day = $2 THEN u.day_bytes ELSE 0 END AS day_bytes \
             FROM scim_directories d LEFT JOIN scim_usage u ON u.directory_id = d.id \
             WHERE d.id = $1 AND d.deleted_at IS NULL",
        )
        .bind(directory)
        .bind(day)
        .optional()
        .await?;
    Ok(found.unwrap_or_default())
}

/// The total usage of an environment's directories.
pub async fn sum(conn: &mut Conn, environment: EnvironmentId, day: i64) -> Result<Usage> {
    conn.sql(
        "SELECT CAST(COALESCE(SUM(d.user_count), 0) AS BIGINT) AS user_count, \
         CAST(COALESCE(SUM(d.group_count), 0) AS BIGINT) AS group_count, \
         CAST(COALESCE(SUM(u.stored_bytes), 0) AS BIGINT) AS stored_bytes, \
         CAST(COALESCE(SUM(CASE WHEN u.day = $2 THEN u.day_bytes ELSE 0 END), 0) AS BIGINT) AS day_bytes \
         FROM scim_directories d LEFT JOIN scim_usage u ON u.directory_id = d.id \
         WHERE d.environment_id = $1 AND d.deleted_at IS NULL",
    )
    .bind(environment)
    .bind(day)
    .one()
    .await
}

/// Up to `limit` directories of which one value reaches the one in `min`: for the command line. It reads all
/// directories.
pub async fn list_at_least(
    conn: &mut Conn,
    min: &Usage,
    day: i64,
    limit: i64,
) -> Result<Vec<(ScimDirectoryId, Usage)>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: ScimDirectoryId,
        #[sqlx(flatten)]
        usage: Usage,
    }
    let rows: Vec<Row> = conn
        .sql(
            "SELECT d.id, d.user_count, d.group_count, COALESCE(u.stored_bytes, 0) AS stored_bytes, \
             CASE WHEN u.day = $5 THEN u.day_bytes ELSE 0 END AS day_bytes \
             FROM scim_directories d LEFT JOIN scim_usage u ON u.directory_id = d.id \
             WHERE d.deleted_at IS NULL AND ((d.user_count > 0 AND d.user_count >= $1) \
             OR (d.group_count > 0 AND d.group_count >= $2) OR u.stored_bytes >= $3 \
             OR (u.day = $5 AND u.day_bytes >= $4)) ORDER BY d.id LIMIT $6",
        )
        .bind(min.user_count)
        .bind(min.group_count)
        .bind(min.stored_bytes)
        .bind(min.day_bytes)
        .bind(day)
        .bind(limit)
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.usage)).collect())
}

/// Recomputes the stored bytes of an environment's directories after an import, which does not count each row.
/// It reads all their rows.
pub async fn recount(conn: &mut Conn, environment: EnvironmentId) -> Result<()> {
    conn.sql(
        "INSERT INTO scim_usage (directory_id, environment_id, stored_bytes, day, day_bytes) \
         SELECT d.id, d.environment_id, \
         CAST(COALESCE((SELECT SUM($2 + octet_length(u.document)) FROM scim_users u \
         WHERE u.directory_id = d.id), 0) \
         + COALESCE((SELECT SUM($2 + octet_length(g.document)) FROM scim_groups g \
         WHERE g.directory_id = d.id), 0) \
         + COALESCE((SELECT $3 * COUNT(*) FROM scim_groups g JOIN scim_group_members m ON m.group_id = g.id \
         WHERE g.directory_id = d.id), 0) AS BIGINT), 0, 0 FROM scim_directories d \
         WHERE d.environment_id = $1 AND d.deleted_at IS NULL ON CONFLICT (directory_id) DO UPDATE SET stored_bytes = excluded.stored_bytes",
    )
    .bind(environment)
    .bind(RESOURCE_BYTES)
    .bind(MEMBERSHIP_BYTES)
    .execute()
    .await?;
    Ok(())
}
