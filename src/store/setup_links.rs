//! Setup links. Only digests of tokens are stored.

use base::{
    id::{EnvironmentId, OrganizationId, SetupLinkId},
    secret::Digest,
    time::Timestamp,
};
use model::setup_link::SetupLink;

use super::{Conn, Result, Transaction, columns};

#[derive(sqlx::FromRow)]
struct Row {
    id: SetupLinkId,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    can_manage_saml: bool,
    can_manage_scim: bool,
    can_manage_domains: bool,
    created_by: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    redeemed_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl From<Row> for SetupLink {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            environment_id: row.environment_id,
            organization_id: row.organization_id,
            can_manage_saml: row.can_manage_saml,
            can_manage_scim: row.can_manage_scim,
            can_manage_domains: row.can_manage_domains,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            redeemed_at: row.redeemed_at,
            revoked_at: row.revoked_at,
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, environment_id, organization_id, can_manage_saml, can_manage_scim, can_manage_domains, \
             created_by, created_at, expires_at, redeemed_at, revoked_at FROM setup_links ",
            $rest
        )
    };
}

/// The link with this id in the environment.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: SetupLinkId,
) -> Result<Option<SetupLink>> {
    let row = conn
        .sql(select!("WHERE environment_id = $1 AND id = $2"))
        .bind(environment_id)
        .bind(id)
        .optional::<Row>()
        .await?;
    Ok(row.map(SetupLink::from))
}

/// The environment of a link, looked up without a scope: for the command line.
pub async fn find_environment(conn: &mut Conn, id: SetupLinkId) -> Result<Option<EnvironmentId>> {
    let row: Option<(EnvironmentId,)> =
        conn.sql("SELECT environment_id FROM setup_links WHERE id = $1").bind(id).optional().await?;
    Ok(row.map(|(id,)| id))
}

/// The link with this token.
pub async fn find_by_token(conn: &mut Conn, token: Digest) -> Result<Option<SetupLink>> {
    let row = conn.sql(select!("WHERE token_sha256 = $1")).bind(token).optional::<Row>().await?;
    Ok(row.map(SetupLink::from))
}

/// Up to `limit` links of an environment, or of one of its organizations, from `from` on, in creation order.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: Option<OrganizationId>,
    from: Option<SetupLinkId>,
    limit: i64,
) -> Result<Vec<SetupLink>> {
    let statement = match organization_id {
        Some(organization_id) => conn
            .sql(select!(
                "WHERE environment_id = $1 AND id >= $2 AND organization_id = $4 ORDER BY id LIMIT $3"
            ))
            .bind(environment_id)
            .bind(columns::page_start(from))
            .bind(limit)
            .bind(organization_id),
        None => conn
            .sql(select!("WHERE environment_id = $1 AND id >= $2 ORDER BY id LIMIT $3"))
            .bind(environment_id)
            .bind(columns::page_start(from))
            .bind(limit),
    };
    Ok(statement.all::<Row>().await?.into_iter().map(SetupLink::from).collect())
}

/// Adds a link.
pub async fn insert(conn: &mut Conn, link: &SetupLink, token: Digest) -> Result<()> {
    conn.sql(
        "INSERT INTO setup_links (id, environment_id, organization_id, token_sha256, can_manage_saml, \
         can_manage_scim, can_manage_domains, created_by, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(link.id)
    .bind(link.environment_id)
    .bind(link.organization_id)
    .bind(token)
    .bind(link.can_manage_saml)
    .bind(link.can_manage_scim)
    .bind(link.can_manage_domains)
    .bind(link.created_by.as_str())
    .bind(link.created_at)
    .bind(link.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// The newest link of an organization with this creator that was not revoked.
pub async fn find_own(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    created_by: &str,
) -> Result<Option<SetupLink>> {
    let row = conn
        .sql(select!(
            "WHERE environment_id = $1 AND organization_id = $2 AND created_by = $3 AND revoked_at IS NULL \
             ORDER BY id DESC LIMIT 1"
        ))
        .bind(environment_id)
        .bind(organization_id)
        .bind(created_by)
        .optional::<Row>()
        .await?;
    Ok(row.map(SetupLink::from))
}

/// Gives a link another token, with which it can be redeemed once more, and what it is for.
pub async fn renew(conn: &mut Conn, link: &SetupLink, token: Digest) -> Result<()> {
    conn.sql(
        "UPDATE setup_links SET token_sha256 = $2, can_manage_saml = $3, can_manage_scim = $4, can_manage_domains = $5, \
         expires_at = $6, redeemed_at = NULL WHERE id = $1",
    )
    .bind(link.id)
    .bind(token)
    .bind(link.can_manage_saml)
    .bind(link.can_manage_scim)
    .bind(link.can_manage_domains)
    .bind(link.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Redeems a link: single use, decided by the database. Returns whether this call redeemed it.
pub async fn consume(conn: &mut Conn, token: Digest, now: Timestamp) -> Result<bool> {
    let rows = conn
        .sql(
            "UPDATE setup_links SET redeemed_at = $2 WHERE token_sha256 = $1 AND redeemed_at IS NULL \
             AND revoked_at IS NULL AND expires_at > $2",
        )
        .bind(token)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Revokes a link. Returns whether it existed and was not revoked before.
pub async fn update_revoked(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: SetupLinkId,
    now: Timestamp,
) -> Result<bool> {
    let rows = conn
        .sql(
            "UPDATE setup_links SET revoked_at = $3 WHERE environment_id = $1 AND id = $2 \
             AND revoked_at IS NULL",
        )
        .bind(environment_id)
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Deletes the links of an organization. Their sessions are the caller's.
pub async fn remove_by_organization(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    tx.sql("DELETE FROM setup_links WHERE environment_id = $1 AND organization_id = $2")
        .bind(environment_id)
        .bind(organization_id)
        .execute()
        .await?;
    Ok(())
}
