//! Console sessions. Only a digest of the cookie is stored.

use std::time::Duration;

use base::{
    id::{AdminSessionId, AdministratorId, OrganizationId, SamlConnectionId},
    secret::Digest,
    time::Timestamp,
};
use model::account::{AdminSession, AuthenticationMethod};

use super::{Conn, Error, Result, Transaction};

#[derive(sqlx::FromRow)]
struct Row {
    id: AdminSessionId,
    administrator_id: AdministratorId,
    method: String,
    address: Option<String>,
    user_agent: String,
    created_at: Timestamp,
    authenticated_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
}

impl TryFrom<Row> for AdminSession {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let wrong = |column| Error::inconsistent("admin_sessions", column, row.id);
        Ok(Self {
            id: row.id,
            administrator_id: row.administrator_id,
            method: AuthenticationMethod::parse(&row.method).ok_or_else(|| wrong("method"))?,
            address: row.address.map(|text| text.parse().map_err(|_| wrong("address"))).transpose()?,
            user_agent: row.user_agent,
            created_at: row.created_at,
            authenticated_at: row.authenticated_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, administrator_id, method, address, user_agent, created_at, authenticated_at, \
             last_seen_at, expires_at, revoked_at FROM admin_sessions ",
            $rest
        )
    };
}

/// The session with this cookie, active or ended.
pub async fn find_by_token(conn: &mut Conn, token: Digest) -> Result<Option<AdminSession>> {
    let row = conn.sql(select!("WHERE token_sha256 = $1")).bind(token).optional::<Row>().await?;
    row.map(AdminSession::try_from).transpose()
}

/// The active sessions of an administrator at `now`, where `idle` is the idle timeout, newest first.
pub async fn list(
    conn: &mut Conn,
    administrator_id: AdministratorId,
    now: Timestamp,
    idle: Duration,
    limit: i64,
) -> Result<Vec<AdminSession>> {
    let rows = conn
        .sql(select!(
            "WHERE administrator_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND last_seen_at > $3 \
             ORDER BY id DESC LIMIT $4"
        ))
        .bind(administrator_id)
        .bind(now)
        .bind(now - idle)
        .bind(limit)
        .all::<Row>()
        .await?;
    rows.into_iter().map(AdminSession::try_from).collect()
}

/// Adds a session with the digest of its cookie.
pub async fn insert(conn: &mut Conn, session: &AdminSession, token: Digest) -> Result<()> {
    conn.sql(
        "INSERT INTO admin_sessions (id, token_sha256, administrator_id, method, address, user_agent, \
         created_at, last_seen_at, expires_at, authenticated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(session.id)
    .bind(token)
    .bind(session.administrator_id)
    .bind(session.method.as_str())
    .bind(session.address.map(|address| address.to_string()))
    .bind(&session.user_agent)
    .bind(session.created_at)
    .bind(session.last_seen_at)
    .bind(session.expires_at)
    .bind(session.authenticated_at)
    .execute()
    .await?;
    Ok(())
}

/// Stores when and from where the session was last used.
pub async fn update_seen(conn: &mut Conn, session: &AdminSession) -> Result<()> {
    conn.sql("UPDATE admin_sessions SET last_seen_at = $2, address = $3 WHERE id = $1 AND last_seen_at < $2")
        .bind(session.id)
        .bind(session.last_seen_at)
        .bind(session.address.map(|address| address.to_string()))
        .execute()
        .await?;
    Ok(())
}

/// Stores that the administrator re-authenticated. Returns whether the session is active.
pub async fn update_authenticated(conn: &mut Conn, id: AdminSessionId, now: Timestamp) -> Result<bool> {
    let touched = conn
        .sql("UPDATE admin_sessions SET authenticated_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Revokes a session of this administrator. Returns whether it was active.
pub async fn revoke(
    conn: &mut Conn,
    administrator_id: AdministratorId,
    id: AdminSessionId,
    now: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE admin_sessions SET revoked_at = $3 \
             WHERE id = $1 AND administrator_id = $2 AND revoked_at IS NULL",
        )
        .bind(id)
        .bind(administrator_id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Revokes every session of an administrator except `except`. Returns how many.
pub async fn revoke_all(
    conn: &mut Conn,
    administrator_id: AdministratorId,
    except: Option<AdminSessionId>,
    now: Timestamp,
) -> Result<u64> {
    conn.sql(
        "UPDATE admin_sessions SET revoked_at = $3 \
         WHERE administrator_id = $1 AND id <> $2 AND revoked_at IS NULL",
    )
    .bind(administrator_id)
    .bind(except.unwrap_or(AdminSessionId::from_bits(0)))
    .bind(now)
    .execute()
    .await
}

/// Stores through which SAML connection a session was begun.
pub async fn update_saml_connection(
    tx: &mut Transaction,
    id: AdminSessionId,
    connection_id: SamlConnectionId,
) -> Result<()> {
    tx.sql("UPDATE admin_sessions SET saml_connection_id = $2 WHERE id = $1")
        .bind(id)
        .bind(connection_id)
        .execute()
        .await?;
    Ok(())
}

/// Revokes every session that was begun through this SAML connection.
pub async fn revoke_by_connection(
    tx: &mut Transaction,
    connection_id: SamlConnectionId,
    now: Timestamp,
) -> Result<()> {
    tx.sql("UPDATE admin_sessions SET revoked_at = $2 WHERE saml_connection_id = $1 AND revoked_at IS NULL")
        .bind(connection_id)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Revokes every session that was begun through a SAML connection of this organization.
pub async fn revoke_by_organization(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<()> {
    tx.sql(
        "UPDATE admin_sessions SET revoked_at = $2 WHERE saml_connection_id IN \
         (SELECT id FROM saml_connections WHERE organization_id = $1) AND revoked_at IS NULL",
    )
    .bind(organization_id)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Deletes a batch of sessions that expired before `before`. Returns how many.
pub async fn remove_expired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM admin_sessions WHERE id IN \
         (SELECT id FROM admin_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    )
    .bind(before)
    .execute()
    .await
}
