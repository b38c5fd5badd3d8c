//! Users and groups of directories as the app's API reads them. They are written by `scim_users.rs` and
//! `scim_groups.rs`.

use base::{
    id::{EnvironmentId, ScimDirectoryId, ScimGroupId, ScimUserId},
    time::Timestamp,
};

use super::{Conn, Error, Result, columns};

/// A user of a directory, as the API reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredUser {
    /// Its id.
    pub id: ScimUserId,
    /// The directory.
    pub directory_id: ScimDirectoryId,
    /// The e-mail address that is reported to apps.
    pub email: Option<String>,
    /// Whether the user is active.
    pub active: bool,
    /// Whether the user is deleted.
    pub deleted: bool,
    /// The resource, without id, meta, groups and password.
    pub document: serde_json::Map<String, serde_json::Value>,
}

#[derive(sqlx::FromRow)]
struct UserRow {
    id: ScimUserId,
    directory_id: ScimDirectoryId,
    email: Option<String>,
    active: bool,
    document: String,
    deleted_at: Option<Timestamp>,
}

impl TryFrom<UserRow> for StoredUser {
    type Error = Error;

    fn try_from(row: UserRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            directory_id: row.directory_id,
            email: row.email,
            active: row.active,
            deleted: row.deleted_at.is_some(),
            document: serde_json::from_str(&row.document)
                .map_err(|_| Error::inconsistent("scim_users", "document", row.id))?,
        })
    }
}

/// A group of a directory, as the API reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredGroup {
    /// Its id.
    pub id: ScimGroupId,
    /// The directory.
    pub directory_id: ScimDirectoryId,
    /// Its name.
    pub display_name: String,
    /// Whether the group is deleted.
    pub deleted: bool,
    /// The resource, without id, meta and members.
    pub document: serde_json::Map<String, serde_json::Value>,
}

#[derive(sqlx::FromRow)]
struct GroupRow {
    id: ScimGroupId,
    directory_id: ScimDirectoryId,
    display_name: String,
    document: String,
    deleted_at: Option<Timestamp>,
}

impl TryFrom<GroupRow> for StoredGroup {
    type Error = Error;

    fn try_from(row: GroupRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            directory_id: row.directory_id,
            display_name: row.display_name,
            deleted: row.deleted_at.is_some(),
            document: serde_json::from_str(&row.document)
                .map_err(|_| Error::inconsistent("scim_groups", "document", row.id))?,
        })
    }
}

/// How many users or groups a search returns at the most.
const MAX_MATCHES: i64 = 100;

/// The users of a directory with this e-mail address, user name or display name (`key`: folded) or external id,
/// and those who formerly had the address; deleted ones too, which come last.
pub async fn search_users(
    conn: &mut Conn,
    directory_id: ScimDirectoryId,
    key: &str,
    external_id: &str,
) -> Result<Vec<StoredUser>> {
    conn.sql(
        "SELECT id, directory_id, email, active, document, deleted_at FROM scim_users WHERE id IN (\
         SELECT id FROM scim_users WHERE directory_id = $1 AND email_key = $2 \
         UNION SELECT id FROM scim_users WHERE directory_id = $1 AND user_name_key = $2 AND deleted_at IS NULL \
         UNION SELECT id FROM scim_users WHERE directory_id = $1 AND user_name_key = $2 AND deleted_at IS NOT NULL \
         UNION SELECT id FROM scim_users WHERE directory_id = $1 AND display_name_key = $2 AND deleted_at IS NULL \
         UNION SELECT id FROM scim_users WHERE directory_id = $1 AND external_id = $3 AND deleted_at IS NULL \
         UNION SELECT user_id FROM scim_former_addresses WHERE directory_id = $1 AND address_key = $2) \
         ORDER BY deleted_at IS NOT NULL, id LIMIT $4",
    )
    .bind(directory_id)
    .bind(key)
    .bind(external_id)
    .bind(MAX_MATCHES)
    .all::<UserRow>()
    .await?
    .into_iter()
    .map(StoredUser::try_from)
    .collect()
}

/// The groups of a directory with this name (folded) or external id.
pub async fn search_groups(
    conn: &mut Conn,
    directory_id: ScimDirectoryId,
    key: &str,
    external_id: &str,
) -> Result<Vec<StoredGroup>> {
    conn.sql(
        "SELECT id, directory_id, display_name, document, deleted_at FROM scim_groups WHERE id IN (\
         SELECT id FROM scim_groups WHERE directory_id = $1 AND display_name_key = $2 AND deleted_at IS NULL \
         UNION SELECT id FROM scim_groups WHERE directory_id = $1 AND external_id = $3 AND deleted_at IS NULL) \
         ORDER BY id LIMIT $4",
    )
    .bind(directory_id)
    .bind(key)
    .bind(external_id)
    .bind(MAX_MATCHES)
    .all::<GroupRow>()
    .await?
    .into_iter()
    .map(StoredGroup::try_from)
    .collect()
}

/// Up to `limit` groups of a user, not deleted.
pub async fn list_groups_of(
    conn: &mut Conn,
    directory_id: ScimDirectoryId,
    user: ScimUserId,
    limit: i64,
) -> Result<Vec<(ScimGroupId, String)>> {
    conn.sql(
        // CROSS JOIN fixes the join order: otherwise SQLite reads the members of every group of the directory.
        "SELECT g.id, g.display_name FROM scim_group_members m CROSS JOIN scim_groups g \
         WHERE m.member_id = $1 AND g.id = m.group_id AND g.directory_id = $2 AND g.deleted_at IS NULL \
         ORDER BY g.id LIMIT $3",
    )
    .bind(user.to_string())
    .bind(directory_id)
    .bind(limit)
    .all()
    .await
}

/// Up to `limit` users of a directory from `from` on, deleted ones too, in creation order.
pub async fn list_users(
    conn: &mut Conn,
    directory_id: ScimDirectoryId,
    from: Option<ScimUserId>,
    limit: i64,
) -> Result<Vec<StoredUser>> {
    conn.sql(
        "SELECT id, directory_id, email, active, document, deleted_at FROM scim_users \
         WHERE directory_id = $1 AND id >= $2 ORDER BY id LIMIT $3",
    )
    .bind(directory_id)
    .bind(columns::page_start(from))
    .bind(limit)
    .all::<UserRow>()
    .await?
    .into_iter()
    .map(StoredUser::try_from)
    .collect()
}

/// The same for the members of a group of the directory.
pub async fn list_members(
    conn: &mut Conn,
    directory_id: ScimDirectoryId,
    group_id: ScimGroupId,
    from: Option<ScimUserId>,
    limit: i64,
) -> Result<Vec<StoredUser>> {
    conn.sql(
        "SELECT u.id, u.directory_id, u.email, u.active, u.document, u.deleted_at \
         FROM scim_group_members m JOIN scim_users u ON u.id = m.member_id AND u.directory_id = $1 \
         WHERE m.group_id = $2 AND m.directory_id = $1 AND m.member_id >= $3 ORDER BY m.member_id LIMIT $4",
    )
    .bind(directory_id)
    .bind(group_id)
    .bind(columns::page_start(from))
    .bind(limit)
    .all::<UserRow>()
    .await?
    .into_iter()
    .map(StoredUser::try_from)
    .collect()
}

/// The user with this id, in any directory of the environment.
pub async fn find_user(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: ScimUserId,
) -> Result<Option<StoredUser>> {
    conn.sql(
        "SELECT u.id, u.directory_id, u.email, u.active, u.document, u.deleted_at FROM scim_users u \
         JOIN scim_directories d ON d.id = u.directory_id \
         WHERE d.environment_id = $1 AND d.deleted_at IS NULL AND u.id = $2",
    )
    .bind(environment_id)
    .bind(id)
    .optional::<UserRow>()
    .await?
    .map(StoredUser::try_from)
    .transpose()
}

/// Up to `limit` groups of a directory from `from` on, deleted ones too, in creation order.
pub async fn list_groups(
    conn: &mut Conn,
    directory_id: ScimDirectoryId,
    from: Option<ScimGroupId>,
    limit: i64,
) -> Result<Vec<StoredGroup>> {
    conn.sql(
        "SELECT id, directory_id, display_name, document, deleted_at FROM scim_groups \
         WHERE directory_id = $1 AND id >= $2 ORDER BY id LIMIT $3",
    )
    .bind(directory_id)
    .bind(columns::page_start(from))
    .bind(limit)
    .all::<GroupRow>()
    .await?
    .into_iter()
    .map(StoredGroup::try_from)
    .collect()
}

/// The group with this id, in any directory of the environment.
pub async fn find_group(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: ScimGroupId,
) -> Result<Option<StoredGroup>> {
    conn.sql(
        "SELECT g.id, g.directory_id, g.display_name, g.document, g.deleted_at FROM scim_groups g \
         JOIN scim_directories d ON d.id = g.directory_id \
         WHERE d.environment_id = $1 AND d.deleted_at IS NULL AND g.id = $2",
    )
    .bind(environment_id)
    .bind(id)
    .optional::<GroupRow>()
    .await?
    .map(StoredGroup::try_from)
    .transpose()
}

/// Up to `limit` members of a group: their ids, and their other attributes as JSON.
pub async fn list_member_ids(
    conn: &mut Conn,
    group_id: ScimGroupId,
    limit: i64,
) -> Result<Vec<(String, Option<String>)>> {
    conn.sql(
        "SELECT member_id, attributes FROM scim_group_members WHERE group_id = $1 ORDER BY member_id LIMIT $2",
    )
    .bind(group_id)
    .bind(limit)
    .all()
    .await
}
