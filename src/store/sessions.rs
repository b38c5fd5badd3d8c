//! Sessions of browsers, whatever they are of. Only a digest of the cookie is stored.

use std::time::Duration;

use base::{
    connection_id::ConnectionId,
    id::{EnvironmentId, Id, OrganizationId},
    secret::{Digest, Secret},
    time::Timestamp,
};
use model::account::{Session, SessionContext, SessionSubject};

use super::{Conn, Error, Result, Transaction};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    subject_id: String,
    environment_id: Option<EnvironmentId>,
    method: String,
    address: Option<String>,
    user_agent: String,
    created_at: Timestamp,
    authenticated_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
    organization_id: Option<OrganizationId>,
    amr: Option<String>,
    tenant_admin: bool,
}

impl Row {
    /// The session; `None` if it is of another kind of subject.
    fn read<S: SessionSubject>(self) -> Result<Option<Session<S>>> {
        let Ok(subject) = self.subject_id.parse::<S>() else { return Ok(None) };
        let wrong = |column| Error::inconsistent("sessions", column, &self.id);
        Ok(Some(Session {
            id: self.id.parse().map_err(|_| wrong("id"))?,
            subject,
            environment_id: self.environment_id,
            method: self.method.parse().map_err(|_| wrong("method"))?,
            address: self
                .address
                .as_ref()
                .map(|text| text.parse().map_err(|_| wrong("address")))
                .transpose()?,
            user_agent: self.user_agent,
            created_at: self.created_at,
            authenticated_at: self.authenticated_at,
            last_seen_at: self.last_seen_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            context: SessionContext {
                organization_id: self.organization_id,
                amr: match &self.amr {
                    Some(json) => serde_json::from_str(json).map_err(|_| wrong("amr"))?,
                    None => Vec::new(),
                },
                tenant_admin: self.tenant_admin,
            },
        }))
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, subject_id, environment_id, method, address, user_agent, created_at, authenticated_at, \
             last_seen_at, expires_at, revoked_at, organization_id, amr, tenant_admin FROM sessions ",
            $rest
        )
    };
}

/// The session with this cookie, active or ended. A session of another kind of subject is not found, though the digest of
/// its cookie be the same: that of a secret leaves out its prefix.
pub async fn find_by_token<S: SessionSubject>(
    conn: &mut Conn,
    token: &Secret<S::Token>,
) -> Result<Option<Session<S>>> {
    let row = conn.sql(select!("WHERE token_sha256 = $1")).bind(token.digest()).optional::<Row>().await?;
    row.map_or(Ok(None), Row::read)
}

/// The active sessions of a subject at `now`, where `idle` is the idle timeout, newest first.
pub async fn list<S: SessionSubject>(
    conn: &mut Conn,
    subject: S,
    now: Timestamp,
    idle: Duration,
    limit: i64,
) -> Result<Vec<Session<S>>> {
    let rows = conn
        .sql(select!(
            "WHERE subject_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND last_seen_at > $3 \
             ORDER BY id DESC LIMIT $4"
        ))
        .bind(subject.to_string())
        .bind(now)
        .bind(now - idle)
        .bind(limit)
        .all::<Row>()
        .await?;
    rows.into_iter().filter_map(|row| row.read().transpose()).collect()
}

/// Up to `limit` sessions of a subject that are kept, active or ended, newest first.
pub async fn list_kept<S: SessionSubject>(
    conn: &mut Conn,
    subject: S,
    limit: i64,
) -> Result<Vec<Session<S>>> {
    let rows = conn
        .sql(select!("WHERE subject_id = $1 ORDER BY id DESC LIMIT $2"))
        .bind(subject.to_string())
        .bind(limit)
        .all::<Row>()
        .await?;
    rows.into_iter().filter_map(|row| row.read().transpose()).collect()
}

/// Adds a session with the digest of its cookie.
pub async fn insert<S: SessionSubject>(conn: &mut Conn, session: &Session<S>, token: Digest) -> Result<()> {
    let SessionContext { organization_id, amr, tenant_admin } = &session.context;
    let amr = (!amr.is_empty()).then(|| serde_json::json!(amr).to_string());
    conn.sql(
        "INSERT INTO sessions (id, token_sha256, subject_id, environment_id, method, address, user_agent, \
         created_at, last_seen_at, expires_at, authenticated_at, organization_id, amr, tenant_admin) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(session.id)
    .bind(token)
    .bind(session.subject.to_string())
    .bind(session.environment_id)
    .bind(session.method.as_str())
    .bind(session.address.map(|address| address.to_string()))
    .bind(&session.user_agent)
    .bind(session.created_at)
    .bind(session.last_seen_at)
    .bind(session.expires_at)
    .bind(session.authenticated_at)
    .bind(*organization_id)
    .bind(amr)
    .bind(*tenant_admin)
    .execute()
    .await?;
    Ok(())
}

/// Stores when and from where the session was last used.
pub async fn update_seen<S: SessionSubject>(conn: &mut Conn, session: &Session<S>) -> Result<()> {
    conn.sql("UPDATE sessions SET last_seen_at = $2, address = $3 WHERE id = $1 AND last_seen_at < $2")
        .bind(session.id)
        .bind(session.last_seen_at)
        .bind(session.address.map(|address| address.to_string()))
        .execute()
        .await?;
    Ok(())
}

/// Stores when its person authenticated. Returns whether the session is active.
pub async fn update_authenticated<S: SessionSubject>(
    conn: &mut Conn,
    session: &Session<S>,
    at: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql("UPDATE sessions SET authenticated_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(session.id)
        .bind(at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Stores another cookie of a session, and how and when its person authenticated.
pub async fn update_renewed<S: SessionSubject>(
    tx: &mut Transaction,
    session: &Session<S>,
    token: Digest,
) -> Result<()> {
    tx.sql(
        "UPDATE sessions SET token_sha256 = $2, authenticated_at = $3, amr = $4, last_seen_at = $5 \
         WHERE id = $1 AND revoked_at IS NULL",
    )
    .bind(session.id)
    .bind(token)
    .bind(session.authenticated_at)
    .bind(serde_json::json!(session.context.amr).to_string())
    .bind(session.last_seen_at)
    .execute()
    .await?;
    Ok(())
}

/// Stores through which connection a session was begun.
pub async fn update_connection<S: SessionSubject>(
    tx: &mut Transaction,
    session: &Session<S>,
    connection_id: ConnectionId,
) -> Result<()> {
    tx.sql("UPDATE sessions SET connection_id = $2 WHERE id = $1")
        .bind(session.id)
        .bind(connection_id)
        .execute()
        .await?;
    Ok(())
}

/// Revokes a session of this subject. Returns whether it was active.
pub async fn revoke<S: SessionSubject>(
    conn: &mut Conn,
    subject: S,
    id: Id<S::SessionKind>,
    now: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql("UPDATE sessions SET revoked_at = $3 WHERE id = $1 AND subject_id = $2 AND revoked_at IS NULL")
        .bind(id)
        .bind(subject.to_string())
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Revokes every session of a subject except `except`. Returns how many.
pub async fn revoke_all<S: SessionSubject>(
    conn: &mut Conn,
    subject: S,
    except: Option<Id<S::SessionKind>>,
    now: Timestamp,
) -> Result<u64> {
    conn.sql("UPDATE sessions SET revoked_at = $3 WHERE subject_id = $1 AND id <> $2 AND revoked_at IS NULL")
        .bind(subject.to_string())
        .bind(except.map(|id| id.to_string()).unwrap_or_default())
        .bind(now)
        .execute()
        .await
}

/// Revokes every session that was begun through a connection of this organization.
pub async fn revoke_by_organization(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<()> {
    tx.sql(
        "UPDATE sessions SET revoked_at = $2 WHERE connection_id IN \
         (SELECT id FROM saml_connections WHERE organization_id = $1 \
         UNION ALL SELECT id FROM oidc_connections WHERE organization_id = $1) AND revoked_at IS NULL",
    )
    .bind(organization_id)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Deletes every session of an organization's setup links, before these are deleted with it.
pub async fn remove_of_setup_links(tx: &mut Transaction, organization_id: OrganizationId) -> Result<()> {
    tx.sql(
        "DELETE FROM sessions WHERE subject_id IN (SELECT id FROM setup_links WHERE organization_id = $1)",
    )
    .bind(organization_id)
    .execute()
    .await?;
    Ok(())
}

/// Deletes every session in an environment, when the environment is deleted.
pub async fn remove_in_environment(tx: &mut Transaction, environment_id: EnvironmentId) -> Result<()> {
    tx.sql("DELETE FROM sessions WHERE environment_id = $1").bind(environment_id).execute().await?;
    Ok(())
}

/// Deletes a batch of sessions that expired before `before`. Returns how many.
pub async fn remove_expired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM sessions WHERE id IN \
         (SELECT id FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    )
    .bind(before)
    .execute()
    .await
}
