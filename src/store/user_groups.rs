//! Groups of users of identity pools, and who their members are.

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, EnvironmentKind, IdentityPoolId, UserGroupId, UserGroupKind, UserId},
    time::Timestamp,
};
use model::{
    user::User,
    user_group::{UserGroup, name_key},
};

use super::{
    Conn, Result, Sql, Transaction,
    batch::BATCH_SIZE,
    columns::like_pattern,
    connection::{Row, Statement},
    sorted_lists::{Common, Named},
    table::{Key, Table, select_where},
};

impl Table for UserGroup {
    type Kind = UserGroupKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "user_groups";
    const COLUMNS: &'static [&'static str] = &["name", "name_key", "description", "updated_at"];
    const FIXED: &'static [&'static str] = &["organization_id", "pool_id", "created_at"];

    const CONDITION: &'static str = "user_groups.deleted_at IS NULL";
    const REMOVAL: Option<&'static str> = Some("deleted_at = $3");

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        (self.version, self.updated_at) = (version, at);
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.name.as_str())
            .bind(self.name_key())
            .bind(self.description.as_str())
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.organization_id).bind(self.pool_id).bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            organization_id: row.get("organization_id")?,
            pool_id: row.get("pool_id")?,
            version: row.get("version")?,
            name: row.get("name")?,
            description: row.get("description")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

impl Named for UserGroup {
    fn name_key_of(name: &str) -> String {
        name_key(name)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// The condition of the groups of a pool, for a list.
pub fn in_pool(pool_id: IdentityPoolId) -> Sql {
    Sql::from(" AND user_groups.pool_id = ").value(pool_id.to_string())
}

/// What the groups that a user is in have in common, for a list.
pub fn of_user(user_id: UserId) -> Common {
    let conditions =
        Sql::from(" AND user_groups.id = m.group_id AND m.user_id = ").value(user_id.to_string());
    Common { through: Some("user_group_members m"), conditions }
}

/// The condition of the groups whose name, in its normal form, begins or ends so, for a list.
pub fn at_the_edges(text: &str) -> Sql {
    let within = like_pattern(&name_key(text));
    let begins = within.strip_prefix('%').unwrap_or_default();
    let ends = within.strip_suffix('%').unwrap_or_default();
    Sql::from(" AND (user_groups.name_key LIKE ")
        .value(begins)
        .push(" ESCAPE '!' OR user_groups.name_key LIKE ")
        .value(ends)
        .push(" ESCAPE '!')")
}

/// The group of a pool whose name has this normal form.
pub async fn find_by_key(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    pool_id: IdentityPoolId,
    name_key: &str,
) -> Result<Option<UserGroup>> {
    let rest =
        "WHERE user_groups.environment_id = $1 AND user_groups.pool_id = $2 AND user_groups.name_key = $3";
    select_where::<UserGroup>(conn, rest)
        .bind(environment_id)
        .bind(pool_id)
        .bind(name_key)
        .optional_of()
        .await
}

/// The groups that these users are in, with their names, up to `limit` in all.
pub async fn list_of_users(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    ids: &[UserId],
    limit: i64,
) -> Result<BTreeMap<UserId, Vec<(UserGroupId, String)>>> {
    let mut found: BTreeMap<UserId, Vec<(UserGroupId, String)>> = BTreeMap::new();
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from(
            "SELECT m.user_id, g.id, g.name FROM user_group_members m JOIN user_groups g ON g.id = m.group_id \
             WHERE g.deleted_at IS NULL AND g.environment_id = ",
        )
        .value(environment_id.to_string())
        .push(" AND m.user_id IN (")
        .values(some.iter().map(ToString::to_string))
        .push(") ORDER BY m.user_id, g.name_key, g.id LIMIT ")
        .value(limit);
        for (user, group, name) in conn.dynamic(sql).all::<(UserId, UserGroupId, String)>().await? {
            found.entry(user).or_default().push((group, name));
        }
    }
    Ok(found)
}

/// Up to `limit` members of a group after one of them, or from the first, in the order of their ids.
pub async fn list_members_after(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    group_id: UserGroupId,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>> {
    let rest = "JOIN user_group_members m ON m.user_id = users.id \
                WHERE users.environment_id = $1 AND m.group_id = $2 AND m.user_id > $3 ORDER BY m.user_id LIMIT $4";
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    select_where::<User>(conn, rest)
        .bind(environment_id)
        .bind(group_id)
        .bind(after)
        .bind(limit)
        .all_of()
        .await
}

/// The last `limit` members of a group before one of them, in the order of their ids.
pub async fn list_members_before(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    group_id: UserGroupId,
    before: UserId,
    limit: i64,
) -> Result<Vec<User>> {
    let rest = "JOIN user_group_members m ON m.user_id = users.id \
                WHERE users.environment_id = $1 AND m.group_id = $2 AND m.user_id < $3 ORDER BY m.user_id DESC LIMIT $4";
    let mut found: Vec<User> = select_where::<User>(conn, rest)
        .bind(environment_id)
        .bind(group_id)
        .bind(before)
        .bind(limit)
        .all_of()
        .await?;
    found.reverse();
    Ok(found)
}

/// Whether a user is in a group.
pub async fn is_member(conn: &mut Conn, group_id: UserGroupId, user_id: UserId) -> Result<bool> {
    let text = "SELECT user_id FROM user_group_members WHERE group_id = $1 AND user_id = $2";
    let found: Option<(String,)> = conn.sql(text).bind(group_id).bind(user_id).optional().await?;
    Ok(found.is_some())
}

/// How many groups a user is in.
pub async fn count_of_user(conn: &mut Conn, user_id: UserId) -> Result<i64> {
    let text = "SELECT COUNT(*) FROM user_group_members m JOIN user_groups g ON g.id = m.group_id \
                WHERE m.user_id = $1 AND g.deleted_at IS NULL";
    let (count,): (i64,) = conn.sql(text).bind(user_id).one().await?;
    Ok(count)
}

/// Adds a user to a group. Returns whether they were not in it.
pub async fn add_member(
    tx: &mut Transaction,
    group_id: UserGroupId,
    user_id: UserId,
    now: Timestamp,
) -> Result<bool> {
    let text = "INSERT INTO user_group_members (group_id, user_id, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let added = tx.sql(text).bind(group_id).bind(user_id).bind(now).execute().await?;
    Ok(added == 1)
}

/// Removes a user from a group. Returns whether they were in it.
pub async fn remove_member(tx: &mut Transaction, group_id: UserGroupId, user_id: UserId) -> Result<bool> {
    let text = "DELETE FROM user_group_members WHERE group_id = $1 AND user_id = $2";
    let gone = tx.sql(text).bind(group_id).bind(user_id).execute().await?;
    Ok(gone == 1)
}
