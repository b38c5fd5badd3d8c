//! Roles: those of organizations, and the vendor's.

use std::collections::BTreeSet;

use base::{
    id::{
        ApplicationId, EnvironmentId, EnvironmentKind, OrganizationId, RoleId, RoleKind, UserGroupId, UserId,
    },
    time::Timestamp,
};
use model::role::{Audience, AudienceType, Role};

use super::{
    Conn, Result, Sql, Transaction, columns,
    connection::{Row, Statement},
    table::{self, Key, ROW_LOCK, SHARED_LOCK, Table, locking, select_text, select_where},
};

impl Table for Role {
    type Kind = RoleKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "roles";
    const COLUMNS: &'static [&'static str] = &["name", "name_key", "permissions", "updated_at"];
    const FIXED: &'static [&'static str] = &["organization_id", "audience_type", "audience_id", "created_at"];

    const CONDITION: &'static str = "roles.deleted_at IS NULL";
    const REMOVAL: Option<&'static str> = Some("deleted_at = $3");

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        (self.version, self.updated_at) = (version, at);
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        let permissions: Vec<String> = self.permissions.iter().cloned().collect();
        statement
            .bind(self.name.as_str())
            .bind(self.name_key())
            .bind(columns::list_to_json(&permissions))
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.organization_id)
            .bind(self.audience.kind().as_str())
            .bind(self.audience.id_text())
            .bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        let audience = match row.parse("audience_type", columns::by_name)? {
            AudienceType::Application => Audience::Application(row.get("audience_id")?),
            AudienceType::Organization => Audience::Organization(row.get("audience_id")?),
        };
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            organization_id: row.get("organization_id")?,
            version: row.get("version")?,
            name: row.get("name")?,
            audience,
            permissions: row.parse("permissions", permissions)?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

fn permissions(json: &str) -> Option<BTreeSet<String>> {
    Some(columns::list_from_json(json)?.into_iter().collect())
}

/// Which roles of an organization.
#[derive(Debug, Clone, Default)]
pub struct RoleQuery {
    /// Only the one whose name has this normal form.
    pub name_key: Option<String>,
    /// Only those of this audience.
    pub audience: Option<Audience>,
}

/// Up to `limit` roles of an organization, by name. With a name and an audience an index finds the one.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    query: &RoleQuery,
    limit: i64,
) -> Result<Vec<Role>> {
    let rows = conn.dynamic(statement(environment_id, organization_id, query, limit)).rows().await?;
    rows.iter().map(table::read).collect()
}

fn statement(
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    query: &RoleQuery,
    limit: i64,
) -> Sql {
    let mut sql = Sql::from(select_text::<Role>()).value(environment_id.to_string());
    sql = sql.push(" AND roles.organization_id = ").value(organization_id.to_string());
    if let Some(audience) = query.audience {
        sql = sql.push(" AND roles.audience_type = ").value(audience.kind().as_str());
        sql = sql.push(" AND roles.audience_id = ").value(audience.id_text());
    }
    if let Some(key) = &query.name_key {
        sql = sql.push(" AND roles.name_key = ").value(key.as_str());
    }
    sql.push(" ORDER BY roles.name_key, roles.id LIMIT ").value(limit)
}

/// How many roles an organization has of its own.
pub async fn count(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<i64> {
    let text = "SELECT COUNT(*) FROM roles WHERE environment_id = $1 AND organization_id = $2 AND deleted_at IS NULL";
    let (count,): (i64,) = conn.sql(text).bind(environment_id).bind(organization_id).one().await?;
    Ok(count)
}

/// Locks a role so that it stays until the transaction ends, and others may rely on it too. Returns it.
pub async fn lock_shared(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: RoleId,
) -> Result<Option<Role>> {
    let select = "SELECT id FROM roles WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    let text = locking(tx.dialect(), select, SHARED_LOCK);
    match tx.sql(text).bind(environment_id).bind(id).optional::<(String,)>().await? {
        Some(_) => table::find(tx, environment_id, id).await,
        None => Ok(None),
    }
}

/// Removes the roles of an application that is being removed. Who had them goes later, in batches.
pub async fn remove_of_application(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: ApplicationId,
    now: Timestamp,
) -> Result<()> {
    tx.sql(
        "UPDATE roles SET deleted_at = $3 WHERE environment_id = $1 AND audience_id = $2 \
         AND audience_type = 'application' AND deleted_at IS NULL",
    )
    .bind(environment_id)
    .bind(id)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Up to `limit` roles that a user has in an organization, themselves or by a group that they are in, by name. Those of the
/// root are among them, whether or not they are shared with the organization.
pub async fn list_of_user(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
    limit: i64,
) -> Result<Vec<Role>> {
    let rest = "WHERE roles.environment_id = $1 AND roles.id IN (\
                SELECT a.role_id FROM role_assignments a WHERE a.subject_id = $3 AND a.organization_id = $2 \
                UNION SELECT a.role_id FROM user_group_members m \
                JOIN user_groups g ON g.id = m.group_id AND g.organization_id = $2 AND g.deleted_at IS NULL \
                JOIN role_assignments a ON a.subject_id = m.group_id AND a.organization_id = $2 \
                WHERE m.user_id = $3) ORDER BY roles.name_key, roles.id LIMIT $4";
    select_where::<Role>(conn, rest)
        .bind(environment_id)
        .bind(organization_id)
        .bind(user_id)
        .bind(limit)
        .all_of()
        .await
}

/// How a user comes to have a role.
pub struct Way {
    /// The role.
    pub role_id: RoleId,
    /// The group that has it, with its name; `None`: they have it themselves.
    pub group: Option<(UserGroupId, String)>,
}

/// Up to `limit` ways by which a user of an organization has roles there.
pub async fn list_ways(
    conn: &mut Conn,
    organization_id: OrganizationId,
    user_id: UserId,
    limit: i64,
) -> Result<Vec<Way>> {
    let text = "SELECT a.role_id, '' AS group_id, '' AS group_name FROM role_assignments a \
                WHERE a.subject_id = $2 AND a.organization_id = $1 \
                UNION ALL SELECT a.role_id, g.id, g.name FROM user_group_members m \
                JOIN user_groups g ON g.id = m.group_id AND g.organization_id = $1 AND g.deleted_at IS NULL \
                JOIN role_assignments a ON a.subject_id = m.group_id AND a.organization_id = $1 \
                WHERE m.user_id = $2 ORDER BY group_name, group_id, role_id LIMIT $3";
    let rows: Vec<(RoleId, String, String)> =
        conn.sql(text).bind(organization_id).bind(user_id).bind(limit).all().await?;
    let way = |(role_id, group, name): (RoleId, String, String)| Way {
        role_id,
        group: group.parse().ok().map(|id| (id, name)),
    };
    Ok(rows.into_iter().map(way).collect())
}

/// Up to `limit` roles that a group of users has in an organization, by name. Those of the root are among them, whether or not they
/// are shared with the organization.
pub async fn list_of_group(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    group_id: UserGroupId,
    limit: i64,
) -> Result<Vec<Role>> {
    let rest = "WHERE roles.environment_id = $1 AND roles.id IN (\
                SELECT a.role_id FROM role_assignments a WHERE a.subject_id = $3 AND a.organization_id = $2) \
                ORDER BY roles.name_key, roles.id LIMIT $4";
    select_where::<Role>(conn, rest)
        .bind(environment_id)
        .bind(organization_id)
        .bind(group_id)
        .bind(limit)
        .all_of()
        .await
}

/// How many roles of an application are read for the scopes that they permit: all that there can be, of it and of organizations.
const MAX_OF_APPLICATION: i64 = 2000;

/// The permissions that roles of an application have, or had: its own scopes among them are given by roles only.
pub async fn list_ever_permitted(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: ApplicationId,
) -> Result<BTreeSet<String>> {
    let mut all = find_ever_permitted(conn, id).await?;
    let text = "SELECT permissions FROM roles WHERE environment_id = $1 AND audience_id = $2 \
                AND audience_type = 'application' AND deleted_at IS NULL LIMIT $3";
    let rows: Vec<(String,)> =
        conn.sql(text).bind(environment_id).bind(id).bind(MAX_OF_APPLICATION).all().await?;
    all.extend(rows.iter().filter_map(|(json,)| permissions(json)).flatten());
    Ok(all)
}

async fn find_ever_permitted(conn: &mut Conn, id: ApplicationId) -> Result<BTreeSet<String>> {
    let row: Option<(String,)> =
        conn.sql("SELECT role_scopes FROM oauth_clients WHERE id = $1").bind(id).optional().await?;
    Ok(row.and_then(|(json,)| permissions(&json)).unwrap_or_default())
}

/// Keeps in mind that a role of an application permits these of its scopes.
pub async fn add_ever_permitted(
    tx: &mut Transaction,
    id: ApplicationId,
    scopes: &BTreeSet<String>,
) -> Result<()> {
    if scopes.is_subset(&find_ever_permitted(tx, id).await?) {
        return Ok(());
    }
    let text = locking(tx.dialect(), "SELECT id FROM oauth_clients WHERE id = $1", ROW_LOCK);
    tx.sql(text).bind(id).optional::<(String,)>().await?;
    let all: Vec<String> = find_ever_permitted(tx, id).await?.union(scopes).cloned().collect();
    let text = "UPDATE oauth_clients SET role_scopes = $2 WHERE id = $1";
    tx.sql(text).bind(id).bind(columns::list_to_json(&all)).execute().await?;
    Ok(())
}

/// Up to `limit` applications that use a role of the root, which is for organizations.
pub async fn list_applications(conn: &mut Conn, id: RoleId, limit: i64) -> Result<Vec<ApplicationId>> {
    let text =
        "SELECT application_id FROM application_roles WHERE role_id = $1 ORDER BY application_id LIMIT $2";
    let rows: Vec<(ApplicationId,)> = conn.sql(text).bind(id).bind(limit).all().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Applications do not use a role any more that is being removed.
pub async fn remove_from_applications(tx: &mut Transaction, id: RoleId) -> Result<()> {
    tx.sql("DELETE FROM application_roles WHERE role_id = $1").bind(id).execute().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use base::id::Id;

    use super::*;
    use crate::store::Db;

    #[tokio::test]
    async fn a_name_in_an_audience_is_found_by_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let mut conn = db.read().await.unwrap();
        let (environment_id, organization_id) = (Id::from_bits(1), Id::from_bits(2));
        let audience = Some(Audience::Application(Id::from_bits(3)));
        let name_key = Some("app admin".to_owned());
        let own = "environment_id=? AND organization_id=?";
        for (query, columns) in [
            (RoleQuery::default(), own.to_owned()),
            (RoleQuery { name_key: name_key.clone(), audience: None }, own.to_owned()),
            (RoleQuery { name_key: None, audience }, format!("{own} AND audience_type=? AND audience_id=?")),
            (
                RoleQuery { name_key, audience },
                format!("{own} AND audience_type=? AND audience_id=? AND name_key=?"),
            ),
        ] {
            let explain = Sql::from("EXPLAIN QUERY PLAN ");
            let explain = explain.append(statement(environment_id, organization_id, &query, 10));
            let plan: Vec<(i64, i64, i64, String)> = conn.dynamic(explain).all().await.unwrap();
            let expected = format!("SEARCH roles USING INDEX roles_by_name ({columns})");
            assert_eq!(plan[0].3, expected, "{query:?}");
        }
    }
}
