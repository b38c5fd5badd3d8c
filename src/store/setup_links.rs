//! Setup links, and the browser sessions that they open. Only digests of tokens are stored.

use base::{
    id::{EnvironmentId, OrganizationId, SetupLinkId},
    secret::Digest,
    time::Timestamp,
};
use model::setup_link::{SetupLink, SetupSession};

use super::{Conn, Result, columns};

/// How many expired sessions one statement deletes.
const DELETE_BATCH_SIZE: i64 = 1000;

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

#[derive(sqlx::FromRow)]
struct SessionRow {
    #[sqlx(flatten)]
    link: Row,
    s_last_seen_at: Timestamp,
    s_expires_at: Timestamp,
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

/// Revokes a link and ends its sessions. Returns whether it existed and was not revoked before.
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
    conn.sql("DELETE FROM setup_sessions WHERE setup_link_id = $1").bind(id).execute().await?;
    Ok(rows == 1)
}

/// Adds a session.
pub async fn insert_session(
    conn: &mut Conn,
    token: Digest,
    link: SetupLinkId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    conn.sql(
        "INSERT INTO setup_sessions (token_sha256, setup_link_id, created_at, last_seen_at, expires_at) \
         VALUES ($1, $2, $3, $3, $4)",
    )
    .bind(token)
    .bind(link)
    .bind(now)
    .bind(expires_at)
    .execute()
    .await?;
    Ok(())
}

/// The session with this cookie, if it has not expired and its link is not revoked.
pub async fn find_session(conn: &mut Conn, token: Digest, now: Timestamp) -> Result<Option<SetupSession>> {
    let row = conn
        .sql(
            "SELECT l.id, l.environment_id, l.organization_id, l.can_manage_saml, l.can_manage_scim, \
             l.can_manage_domains, l.created_by, l.created_at, l.expires_at, l.redeemed_at, l.revoked_at, \
             s.last_seen_at AS s_last_seen_at, s.expires_at AS s_expires_at \
             FROM setup_sessions s JOIN setup_links l ON l.id = s.setup_link_id \
             WHERE s.token_sha256 = $1 AND s.expires_at > $2 AND l.revoked_at IS NULL",
        )
        .bind(token)
        .bind(now)
        .optional::<SessionRow>()
        .await?;
    Ok(row.map(|row| SetupSession {
        link: SetupLink::from(row.link),
        last_seen_at: row.s_last_seen_at,
        expires_at: row.s_expires_at,
    }))
}

/// Stores when a session was last used, unless a use after `unless_since` is stored already.
pub async fn update_last_seen(
    conn: &mut Conn,
    token: Digest,
    now: Timestamp,
    unless_since: Timestamp,
) -> Result<()> {
    conn.sql("UPDATE setup_sessions SET last_seen_at = $2 WHERE token_sha256 = $1 AND last_seen_at <= $3")
        .bind(token)
        .bind(now)
        .bind(unless_since)
        .execute()
        .await?;
    Ok(())
}

/// Deletes a session. Returns whether it existed.
pub async fn remove_session(conn: &mut Conn, token: Digest) -> Result<bool> {
    let rows = conn.sql("DELETE FROM setup_sessions WHERE token_sha256 = $1").bind(token).execute().await?;
    Ok(rows == 1)
}

/// Deletes a batch of expired sessions. Returns how many.
pub async fn remove_expired_sessions(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM setup_sessions WHERE token_sha256 IN \
         (SELECT token_sha256 FROM setup_sessions WHERE expires_at <= $1 LIMIT $2)",
    )
    .bind(now)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
