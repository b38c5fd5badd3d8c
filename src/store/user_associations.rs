//! Users of one organization who have an image in another one.

use base::{
    id::{EnvironmentId, OrganizationId, UserId},
    time::Timestamp,
};
use model::user::UserAssociation;

use super::{Conn, Error, Result, Sql, Transaction};

#[derive(sqlx::FromRow)]
struct Row {
    user_id: UserId,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    resident_user_id: UserId,
    resident_organization_id: OrganizationId,
    kind: String,
    created_at: Timestamp,
}

impl TryFrom<Row> for UserAssociation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let kind = row.kind.parse();
        Ok(Self {
            user_id: row.user_id,
            environment_id: row.environment_id,
            organization_id: row.organization_id,
            resident_user_id: row.resident_user_id,
            resident_organization_id: row.resident_organization_id,
            kind: kind.map_err(|_| Error::inconsistent("user_associations", "kind", row.user_id))?,
            created_at: row.created_at,
        })
    }
}

/// A query of whole rows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.user_id, a.environment_id, a.organization_id, a.resident_user_id, a.resident_organization_id, a.kind, \
             a.created_at FROM user_associations a ",
            $rest
        )
    };
}

/// Adds one. [`Error::Duplicate`]: the user has an image in the organization already.
pub async fn insert(tx: &mut Transaction, association: &UserAssociation) -> Result<()> {
    tx.sql(
        "INSERT INTO user_associations (user_id, environment_id, organization_id, resident_user_id, resident_organization_id, \
         kind, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(association.user_id)
    .bind(association.environment_id)
    .bind(association.organization_id)
    .bind(association.resident_user_id)
    .bind(association.resident_organization_id)
    .bind(association.kind.as_str())
    .bind(association.created_at)
    .execute()
    .await?;
    Ok(())
}

/// The image of a user in an organization.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    resident_user_id: UserId,
) -> Result<Option<UserAssociation>> {
    let row: Option<Row> = conn
        .sql(select!("WHERE a.environment_id = $1 AND a.organization_id = $2 AND a.resident_user_id = $3"))
        .bind(environment_id)
        .bind(organization_id)
        .bind(resident_user_id)
        .optional()
        .await?;
    row.map(UserAssociation::try_from).transpose()
}

/// Whose image a user is.
pub async fn find_by_image(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    user_id: UserId,
) -> Result<Option<UserAssociation>> {
    let row: Option<Row> = conn
        .sql(select!("WHERE a.environment_id = $1 AND a.user_id = $2"))
        .bind(environment_id)
        .bind(user_id)
        .optional()
        .await?;
    row.map(UserAssociation::try_from).transpose()
}

/// Up to `limit` images of a user that have a role, themselves or by a group that they are in: the organization, and the image.
pub async fn list_with_roles(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    resident_user_id: UserId,
    limit: i64,
) -> Result<Vec<(OrganizationId, UserId)>> {
    conn.sql(
        "SELECT a.organization_id, a.user_id FROM user_associations a WHERE a.environment_id = $1 AND a.resident_user_id = $2 \
         AND (EXISTS (SELECT 1 FROM role_assignments r WHERE r.subject_id = a.user_id AND r.organization_id = a.organization_id) \
         OR EXISTS (SELECT 1 FROM user_group_members m JOIN role_assignments r ON r.subject_id = m.group_id \
         AND r.organization_id = a.organization_id WHERE m.user_id = a.user_id)) ORDER BY a.organization_id LIMIT $3",
    )
    .bind(environment_id)
    .bind(resident_user_id)
    .bind(limit)
    .all()
    .await
}

/// Up to `limit` images of a user, in the order of the organizations' ids, after one of these.
pub async fn list_by_resident(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    resident_user_id: UserId,
    after: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<UserAssociation>> {
    let rows: Vec<Row> = conn
        .sql(select!(
            "WHERE a.environment_id = $1 AND a.resident_user_id = $2 AND a.organization_id > $3 \
             ORDER BY a.organization_id LIMIT $4"
        ))
        .bind(environment_id)
        .bind(resident_user_id)
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit)
        .all()
        .await?;
    rows.into_iter().map(UserAssociation::try_from).collect()
}

/// Up to `limit` images in an organization, the oldest first.
pub async fn list_by_organization(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    limit: i64,
) -> Result<Vec<UserAssociation>> {
    let rows: Vec<Row> = conn
        .sql(select!("WHERE a.environment_id = $1 AND a.organization_id = $2 ORDER BY a.user_id LIMIT $3"))
        .bind(environment_id)
        .bind(organization_id)
        .bind(limit)
        .all()
        .await?;
    rows.into_iter().map(UserAssociation::try_from).collect()
}

/// Ends what somebody has in an organization through their image there: grants, and access tokens.
pub async fn end_use(tx: &mut Transaction, user_id: UserId, now: Timestamp) -> Result<()> {
    for text in [
        "UPDATE signed_access_tokens SET revoked_at = $2 WHERE revoked_at IS NULL AND (subject_id, organization_id) IN \
         (SELECT a.resident_user_id, a.organization_id FROM user_associations a WHERE a.user_id = $1)",
        "UPDATE authorization_grants SET revoked_at = $2 WHERE revoked_at IS NULL AND (user_id, organization_id) IN \
         (SELECT a.resident_user_id, a.organization_id FROM user_associations a WHERE a.user_id = $1)",
    ] {
        tx.sql(text).bind(user_id).bind(now).execute().await?;
    }
    Ok(())
}

/// Up to `limit` images of users who are erased.
pub(super) async fn list_images(conn: &mut Conn, residents: &[String], limit: i64) -> Result<Vec<String>> {
    let sql = Sql::from("SELECT user_id FROM user_associations WHERE resident_user_id IN (")
        .values(residents.iter().map(String::as_str))
        .push(") LIMIT ")
        .value(limit);
    let rows: Vec<(String,)> = conn.dynamic(sql).all().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Takes images that are erased from the numbers of their pools' users.
pub(super) async fn subtract_from_counts(conn: &mut Conn, images: &[String]) -> Result<()> {
    let named = |sql: Sql| sql.values(images.iter().map(String::as_str)).push(")");
    let sql = Sql::from(
        "UPDATE identity_pools SET number_of_users = number_of_users - \
         (SELECT COUNT(*) FROM users u WHERE u.pool_id = identity_pools.id AND u.id IN (",
    );
    let sql = named(sql).push(") WHERE id IN (SELECT u.pool_id FROM users u WHERE u.id IN (");
    conn.dynamic(named(sql).push(")")).execute().await?;
    Ok(())
}
