//! Who has which role, in which organization.

use std::collections::BTreeSet;

use base::{
    id::{EnvironmentId, Id, IdKind, OrganizationId, RoleId, UserGroupId, UserGroupKind, UserId, UserKind},
    time::Timestamp,
};
use model::role::AssigneeKind;

use super::{
    Conn, Result, Sql, Transaction,
    application_shares::shared_condition,
    batch::BATCH_SIZE,
    table::{ROW_LOCK, SHARED_LOCK, locking, locking_sql},
};

/// A role in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleIn {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The organization in which it is given.
    pub organization_id: OrganizationId,
    /// The role, by its own id.
    pub role_id: RoleId,
}

/// Somebody who can have a role, by their id.
pub trait Assignee: IdKind + Ord {
    /// What they are.
    const KIND: AssigneeKind;

    /// The beginning of a statement that finds those of these ids who are there.
    const THERE: &'static str;
}

impl Assignee for UserKind {
    const KIND: AssigneeKind = AssigneeKind::User;
    const THERE: &'static str = "SELECT u.id FROM users u JOIN identity_pools p ON p.id = u.pool_id AND p.deleted_at IS NULL \
                                 WHERE u.id IN (";
}

impl Assignee for UserGroupKind {
    const KIND: AssigneeKind = AssigneeKind::Group;
    const THERE: &'static str = "SELECT u.id FROM user_groups u JOIN identity_pools p ON p.id = u.pool_id AND p.deleted_at IS NULL \
                                 WHERE u.deleted_at IS NULL AND u.id IN (";
}

/// Those of these users or groups that are of an organization. They stay until the transaction ends.
pub async fn lock_assignees<K: Assignee>(
    tx: &mut Transaction,
    role: &RoleIn,
    ids: &BTreeSet<Id<K>>,
) -> Result<BTreeSet<Id<K>>> {
    let ids: Vec<_> = ids.iter().collect();
    let mut found = BTreeSet::new();
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from(K::THERE)
            .values(some.iter().map(ToString::to_string))
            .push(") AND u.environment_id = ")
            .value(role.environment_id.to_string())
            .push(" AND u.organization_id = ")
            .value(role.organization_id.to_string())
            .push(" ORDER BY u.id");
        let sql = match tx.dialect() {
            super::Dialect::Postgres => locking_sql(tx.dialect(), sql, SHARED_LOCK).push(" OF u"),
            super::Dialect::Sqlite => sql,
        };
        let rows: Vec<(Id<K>,)> = tx.dynamic(sql).all().await?;
        found.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

/// Gives a role to these, who are of the organization. Returns how many did not have it.
pub async fn insert<K: Assignee>(
    tx: &mut Transaction,
    role: &RoleIn,
    ids: &BTreeSet<Id<K>>,
    now: Timestamp,
) -> Result<u64> {
    let ids: Vec<_> = ids.iter().collect();
    let mut added = 0;
    for some in ids.chunks(BATCH_SIZE) {
        let mut sql = Sql::from(
            "INSERT INTO role_assignments (role_id, organization_id, subject_kind, subject_id, environment_id, created_at) \
             VALUES ",
        );
        for (at, id) in some.iter().enumerate() {
            sql = sql.push(if at == 0 { "(" } else { ", (" }).value(role.role_id.to_string()).push(", ");
            sql = sql.value(role.organization_id.to_string()).push(", ").value(K::KIND.as_str()).push(", ");
            sql = sql.value(id.to_string()).push(", ").value(role.environment_id.to_string()).push(", ");
            sql = sql.value(now.millis()).push(")");
        }
        added += tx.dynamic(sql.push(" ON CONFLICT DO NOTHING")).execute().await?;
    }
    Ok(added)
}

/// Takes a role from these. Returns how many had it.
pub async fn remove<K: Assignee>(tx: &mut Transaction, role: &RoleIn, ids: &BTreeSet<Id<K>>) -> Result<u64> {
    let ids: Vec<_> = ids.iter().collect();
    let mut gone = 0;
    for some in ids.chunks(BATCH_SIZE) {
        let sql = of_role("DELETE FROM role_assignments WHERE role_id = ", role, K::KIND)
            .push(" AND subject_id IN (")
            .values(some.iter().map(ToString::to_string))
            .push(")");
        gone += tx.dynamic(sql).execute().await?;
    }
    Ok(gone)
}

fn of_role(text: &'static str, role: &RoleIn, kind: AssigneeKind) -> Sql {
    Sql::from(text)
        .value(role.role_id.to_string())
        .push(" AND organization_id = ")
        .value(role.organization_id.to_string())
        .push(" AND subject_kind = ")
        .value(kind.as_str())
}

/// Up to `limit` of those who have a role in an organization, by their ids.
pub async fn list<K: Assignee>(conn: &mut Conn, role: &RoleIn, limit: i64) -> Result<BTreeSet<Id<K>>> {
    let sql = of_role("SELECT subject_id FROM role_assignments WHERE role_id = ", role, K::KIND)
        .push(" ORDER BY subject_id LIMIT ")
        .value(limit);
    let rows: Vec<(Id<K>,)> = conn.dynamic(sql).all().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Who a role was given to in an organization, with a name for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAssignee<K: IdKind> {
    /// The id.
    pub id: Id<K>,
    /// Of a user, the identifier that was added first, else the display name; of a group, its name.
    pub name: String,
}

/// Up to `limit` users who have a role in an organization, with their names, by their ids.
pub async fn list_users(conn: &mut Conn, role: &RoleIn, limit: i64) -> Result<Vec<NamedAssignee<UserKind>>> {
    let text = "SELECT u.id, COALESCE((SELECT i.identifier FROM user_identifiers i WHERE i.user_id = u.id \
                ORDER BY CASE i.kind WHEN 'uid' THEN 0 WHEN 'email' THEN 1 ELSE 2 END, i.created_at, i.identifier_key LIMIT 1), \
                u.display_name) FROM role_assignments a JOIN users u ON u.id = a.subject_id \
                WHERE a.role_id = $1 AND a.organization_id = $2 AND a.subject_kind = 'user' ORDER BY a.subject_id LIMIT $3";
    let rows: Vec<(UserId, String)> =
        conn.sql(text).bind(role.role_id).bind(role.organization_id).bind(limit).all().await?;
    Ok(rows.into_iter().map(|(id, name)| NamedAssignee { id, name }).collect())
}

/// Up to `limit` groups that have a role in an organization, with their names, by their ids.
pub async fn list_groups(
    conn: &mut Conn,
    role: &RoleIn,
    limit: i64,
) -> Result<Vec<NamedAssignee<UserGroupKind>>> {
    let text = "SELECT g.id, g.name FROM role_assignments a JOIN user_groups g ON g.id = a.subject_id AND g.deleted_at IS NULL \
                WHERE a.role_id = $1 AND a.organization_id = $2 AND a.subject_kind = 'group' ORDER BY a.subject_id LIMIT $3";
    let rows: Vec<(UserGroupId, String)> =
        conn.sql(text).bind(role.role_id).bind(role.organization_id).bind(limit).all().await?;
    Ok(rows.into_iter().map(|(id, name)| NamedAssignee { id, name }).collect())
}

/// How many have a role in an organization.
pub async fn count(conn: &mut Conn, role: &RoleIn, kind: AssigneeKind) -> Result<i64> {
    let sql = of_role("SELECT COUNT(*) FROM role_assignments WHERE role_id = ", role, kind);
    let (count,): (i64,) = conn.dynamic(sql).one().await?;
    Ok(count)
}

/// In how many organizations one statement looks whether a role is still there.
const ORGANIZATIONS: i64 = 500;

/// The statement that takes a role of the root from everybody in those organizations, of a range of ids, in which no application that
/// uses it brings it along.
macro_rules! remove_where_not_there {
    ($applications:literal) => {
        concat!(
            "DELETE FROM role_assignments WHERE role_id = $1 AND organization_id > $2 AND organization_id <= $3 AND organization_id IN \
             (SELECT o.id FROM organizations o WHERE o.id > $2 AND o.id <= $3 AND o.deleted_at IS NULL AND o.kind <> 'root' AND NOT EXISTS \
             (SELECT 1 FROM ",
            $applications,
            " AND ",
            shared_condition!("c", "o"),
            " AND COALESCE((SELECT s.role_mode = 'all' OR (s.role_mode = 'selected' AND s.roles LIKE '%\"' || $1 || '\"%') \
             FROM organization_closure k CROSS JOIN application_shares s WHERE k.descendant_id = o.id AND s.application_id = c.id \
             AND s.organization_id = k.ancestor_id AND (k.depth = 0 OR s.with_children) ORDER BY k.depth LIMIT 1), \
             c.shared_role_mode = 'all' OR (c.shared_role_mode = 'selected' AND c.shared_roles LIKE '%\"' || $1 || '\"%'))))"
        )
    };
}

/// Takes roles of the root from everybody in organizations in which they are not any more, because no application brings them along:
/// they do not come back with the application. The roles stay as they are until the transaction ends, so that nobody gives one meanwhile.
pub async fn remove_where_not_there(tx: &mut Transaction, roles: &[String]) -> Result<()> {
    let mut roles: Vec<&String> = roles.iter().collect();
    roles.sort();
    roles.dedup();
    for role in roles {
        let text = locking(tx.dialect(), "SELECT audience_type FROM roles WHERE id = $1", ROW_LOCK);
        let found: Option<(String,)> = tx.sql(text).bind(role.as_str()).optional().await?;
        let Some((audience,)) = found else { continue };
        let statement = match audience.as_str() {
            "application" => remove_where_not_there!(
                "roles r JOIN oauth_clients c ON c.id = r.audience_id WHERE r.id = $1"
            ),
            _ => remove_where_not_there!(
                "application_roles x JOIN oauth_clients c ON c.id = x.application_id \
                 WHERE x.role_id = $1 AND c.role_audience = 'organization'"
            ),
        };
        let mut after = String::new();
        loop {
            let text = "SELECT MAX(organization_id) FROM (SELECT DISTINCT organization_id FROM role_assignments \
                        WHERE role_id = $1 AND organization_id > $2 ORDER BY organization_id LIMIT $3) AS few";
            let (last,): (Option<String>,) =
                tx.sql(text).bind(role.as_str()).bind(after.as_str()).bind(ORGANIZATIONS).one().await?;
            let Some(last) = last else { break };
            tx.sql(statement).bind(role.as_str()).bind(after.as_str()).bind(last.as_str()).execute().await?;
            after = last;
        }
    }
    Ok(())
}

/// Takes every role from a group that is being removed.
pub async fn remove_of_group(tx: &mut Transaction, id: UserGroupId) -> Result<()> {
    tx.sql("DELETE FROM role_assignments WHERE subject_id = $1").bind(id).execute().await?;
    Ok(())
}
