//! Group memberships, one row each, so that adding one user to a group of twenty thousand writes one row.

use base::{
    id::{ScimDirectoryId, ScimGroupId, ScimUserId},
    time::Timestamp,
};
use model::scim_group::{ScimMember, ScimMemberId};
use serde_json::Map;

use super::{Conn, Error, Result, Sql, columns};

/// How many rows one statement contains.
const BATCH_SIZE: usize = 500;

#[derive(sqlx::FromRow)]
struct Row {
    group_id: ScimGroupId,
    member_id: String,
    attributes: Option<String>,
}

impl Row {
    fn read(self) -> Result<(ScimGroupId, ScimMember)> {
        let broken = |column| Error::inconsistent("scim_group_members", column, self.group_id);
        let id = ScimMemberId::parse(&self.member_id).ok_or_else(|| broken("member_id"))?;
        let attributes = match &self.attributes {
            Some(json) => columns::object_from_json(json).ok_or_else(|| broken("attributes"))?,
            None => Map::new(),
        };
        Ok((self.group_id, ScimMember { id, attributes }))
    }
}

/// Adds members; existing ones stay unchanged. Returns the ids that were added.
pub async fn insert(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    group: ScimGroupId,
    members: &[ScimMember],
    now: Timestamp,
) -> Result<Vec<String>> {
    let mut added = Vec::new();
    for some in members.chunks(BATCH_SIZE) {
        let mut sql = Sql::from(
            "INSERT INTO scim_group_members (group_id, member_id, directory_id, attributes, added_at) VALUES ",
        );
        for (at, member) in some.iter().enumerate() {
            sql = sql.push(if at == 0 { "(" } else { ", (" });
            sql = sql.value(group.to_string()).push(", ").value(member.id.to_string()).push(", ");
            sql = sql.value(directory.to_string()).push(", ");
            sql = match member.attributes.is_empty() {
                true => sql.push("NULL, "),
                false => sql.value(columns::object_to_json(&member.attributes)).push(", "),
            };
            sql = sql.value(now.millis()).push(")");
        }
        let sql = sql.push(" ON CONFLICT (group_id, member_id) DO NOTHING RETURNING member_id");
        added.extend(conn.dynamic(sql).all::<(String,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(added)
}

/// Removes members from a group. Returns the ids that were removed.
pub async fn remove(conn: &mut Conn, group: ScimGroupId, members: &[String]) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    for some in members.chunks(BATCH_SIZE) {
        let sql = Sql::from("DELETE FROM scim_group_members WHERE group_id = ")
            .value(group.to_string())
            .push(" AND member_id IN (")
            .values(some.iter().map(String::as_str))
            .push(") RETURNING member_id");
        removed.extend(conn.dynamic(sql).all::<(String,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(removed)
}

/// How many members [`remove_except`] can leave in the group.
pub const MAX_EXCEPT: usize = BATCH_SIZE;

/// Removes all members from a group except `kept`, at most [`MAX_EXCEPT`]. Returns the ids that were removed.
pub async fn remove_except(conn: &mut Conn, group: ScimGroupId, kept: &[String]) -> Result<Vec<String>> {
    let mut sql = Sql::from("DELETE FROM scim_group_members WHERE group_id = ").value(group.to_string());
    if !kept.is_empty() {
        sql = sql.push(" AND member_id NOT IN (").values(kept.iter().map(String::as_str)).push(")");
    }
    let sql = sql.push(" RETURNING member_id");
    Ok(conn.dynamic(sql).all::<(String,)>().await?.into_iter().map(|(id,)| id).collect())
}

/// Up to `limit` members of a group after the id `after`, in id order.
pub async fn list(conn: &mut Conn, group: ScimGroupId, after: &str, limit: i64) -> Result<Vec<ScimMember>> {
    conn.sql(
        "SELECT group_id, member_id, attributes FROM scim_group_members \
         WHERE group_id = $1 AND member_id > $2 ORDER BY member_id LIMIT $3",
    )
    .bind(group)
    .bind(after)
    .bind(limit)
    .all::<Row>()
    .await?
    .into_iter()
    .map(|row| Ok(row.read()?.1))
    .collect()
}

/// The number of members of each of these groups, in the order of `groups`.
pub async fn count(conn: &mut Conn, groups: &[ScimGroupId]) -> Result<Vec<i64>> {
    let mut counts = Vec::with_capacity(groups.len());
    for some in groups.chunks(BATCH_SIZE) {
        let sql = Sql::from("SELECT group_id, COUNT(*) FROM scim_group_members WHERE group_id IN (")
            .values(some.iter().map(ScimGroupId::to_string))
            .push(") GROUP BY group_id");
        let found: std::collections::HashMap<ScimGroupId, i64> =
            conn.dynamic(sql).all::<(ScimGroupId, i64)>().await?.into_iter().collect();
        counts.extend(some.iter().map(|group| found.get(group).copied().unwrap_or(0)));
    }
    Ok(counts)
}

/// All members of these groups.
pub async fn list_of_groups(
    conn: &mut Conn,
    groups: &[ScimGroupId],
) -> Result<Vec<(ScimGroupId, ScimMember)>> {
    let mut members = Vec::new();
    for some in groups.chunks(BATCH_SIZE) {
        let sql =
            Sql::from("SELECT group_id, member_id, attributes FROM scim_group_members WHERE group_id IN (")
                .values(some.iter().map(ScimGroupId::to_string))
                .push(") ORDER BY group_id, member_id");
        for row in conn.dynamic(sql).all::<Row>().await? {
            members.push(row.read()?);
        }
    }
    Ok(members)
}

/// The direct groups of these users: user, group and the group's name; not deleted groups.
pub async fn list_groups_of(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    users: &[ScimUserId],
) -> Result<Vec<(ScimUserId, ScimGroupId, String)>> {
    let mut found = Vec::new();
    for some in users.chunks(BATCH_SIZE) {
        let sql = Sql::from(
            // CROSS JOIN fixes the join order: otherwise SQLite reads the members of every group of the
            // directory.
            "SELECT m.member_id, g.id, g.display_name FROM scim_group_members m CROSS JOIN scim_groups g \
             WHERE g.id = m.group_id AND g.directory_id = ",
        )
        .value(directory.to_string())
        .push(" AND g.deleted_at IS NULL AND m.member_id IN (")
        .values(some.iter().map(ScimUserId::to_string))
        .push(") ORDER BY m.member_id, g.id");
        found.extend(conn.dynamic(sql).all::<(ScimUserId, ScimGroupId, String)>().await?);
    }
    Ok(found)
}
