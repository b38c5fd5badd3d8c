//! Access tokens of the environments' issuers (RFC 9068). The token itself is signed and not stored; its row says whether it
//! counts.

use base::{
    id::{AccessTokenId, ApplicationId, EnvironmentId, GrantId, OrganizationId, UserId, UserSessionId},
    time::Timestamp,
};

use super::{Conn, Result, application_shares::shared_condition, batch::DELETE_BATCH_SIZE};

/// A new token's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its id, the `jti`.
    pub id: AccessTokenId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// Which of the environment's issuers: `system`, `oauth2`, `t`, or an organization's id.
    pub issuer: String,
    /// The client that it is given to; `None` where an operator gave it.
    pub client_id: Option<ApplicationId>,
    /// What it hangs from; `None` for client credentials.
    pub grant_id: Option<GrantId>,
    /// The user, or the client itself.
    pub subject_id: String,
    /// The organization in which it is good.
    pub organization_id: Option<OrganizationId>,
    /// The session in which it is given.
    pub session_id: Option<UserSessionId>,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// Adds a token.
pub async fn insert(conn: &mut Conn, token: &NewToken) -> Result<()> {
    conn.sql(
        "INSERT INTO signed_access_tokens (jti, environment_id, issuer, client_id, grant_id, subject_id, organization_id, \
         session_id, scope, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(token.id)
    .bind(token.environment_id)
    .bind(token.issuer.as_str())
    .bind(token.client_id)
    .bind(token.grant_id)
    .bind(token.subject_id.as_str())
    .bind(token.organization_id)
    .bind(token.session_id)
    .bind(token.scope.as_str())
    .bind(token.created_at)
    .bind(token.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// A token that counts.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LiveToken {
    /// Its issuer, as in [`NewToken::issuer`].
    pub issuer: String,
    /// The alias of the organization whose issuer that is.
    pub issuer_alias: Option<String>,
    /// The client.
    pub client_id: Option<ApplicationId>,
    /// The user, or the client itself.
    pub subject_id: String,
    /// The organization in which it is good.
    pub organization_id: Option<OrganizationId>,
    /// The session in which it was given.
    pub session_id: Option<UserSessionId>,
    /// The scopes.
    pub scope: String,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A token of an environment that is not revoked and not expired, while its client, its user, its organizations and its session
/// are good: not removed, switched off or ended, and, where it hangs from a grant or was switched to an organization, while that is
/// good and the client can be used there.
pub async fn find_live(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: AccessTokenId,
    now: Timestamp,
) -> Result<Option<LiveToken>> {
    conn.sql(concat!(
        "SELECT t.issuer, i.public_alias AS issuer_alias, t.client_id, t.subject_id, t.organization_id, t.session_id, \
         t.scope, t.created_at, t.expires_at FROM signed_access_tokens t \
         LEFT JOIN oauth_clients c ON c.id = t.client_id AND c.kind <> 'saml' AND NOT c.disabled \
         LEFT JOIN organizations i ON i.id = t.issuer AND i.deleted_at IS NULL AND i.status = 'active' AND NOT i.is_template \
         LEFT JOIN organizations o ON o.id = t.organization_id AND o.deleted_at IS NULL AND o.status = 'active' \
         AND NOT o.is_template \
         WHERE t.jti = $1 AND t.environment_id = $2 AND t.revoked_at IS NULL AND t.expires_at > $3 \
         AND (t.client_id IS NULL OR c.id IS NOT NULL) AND (t.organization_id IS NULL OR o.id IS NOT NULL) \
         AND (t.issuer IN ('system', 'oauth2', 't') OR i.id IS NOT NULL) \
         AND (t.subject_id = t.client_id OR EXISTS (SELECT 1 FROM users u \
         WHERE u.id = t.subject_id AND u.environment_id = t.environment_id AND u.status = 'active')) \
         AND (t.session_id IS NULL OR EXISTS \
         (SELECT 1 FROM sessions s WHERE s.id = t.session_id AND s.revoked_at IS NULL)) \
         AND (t.grant_id IS NULL OR EXISTS \
         (SELECT 1 FROM authorization_grants g WHERE g.id = t.grant_id AND g.revoked_at IS NULL)) \
         AND (t.grant_id IS NULL OR t.issuer IN ('oauth2', 't') OR i.kind = 'root' OR c.organization_id = i.id OR ",
        shared_condition!("c", "i"),
        ") AND (t.issuer NOT IN ('oauth2', 't') OR t.organization_id IS NULL OR ",
        shared_condition!("c", "o"),
        ")"
    ))
    .bind(id)
    .bind(environment_id)
    .bind(now)
    .optional()
    .await
}

/// Revokes one token. Returns whether it was good until now.
pub async fn revoke(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: AccessTokenId,
    now: Timestamp,
) -> Result<bool> {
    let rows = conn
        .sql(
            "UPDATE signed_access_tokens SET revoked_at = $3 \
             WHERE jti = $1 AND environment_id = $2 AND revoked_at IS NULL",
        )
        .bind(id)
        .bind(environment_id)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Whose tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokensOf {
    /// Those that were given to a client.
    Client(ApplicationId),
    /// Those of a user.
    User(UserId),
    /// Those that are good in an organization, or that its issuer gave.
    Organization(OrganizationId),
    /// Those of a session.
    Session(UserSessionId),
}

/// Revokes all tokens of a client, a user, an organization or a session.
pub async fn revoke_all(conn: &mut Conn, of: TokensOf, now: Timestamp) -> Result<()> {
    let (text, id) = match of {
        TokensOf::Client(id) => (
            "UPDATE signed_access_tokens SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL",
            id.to_string(),
        ),
        TokensOf::User(id) => (
            "UPDATE signed_access_tokens SET revoked_at = $2 WHERE subject_id = $1 AND revoked_at IS NULL",
            id.to_string(),
        ),
        TokensOf::Organization(id) => (
            "UPDATE signed_access_tokens SET revoked_at = $2 WHERE organization_id = $1 AND revoked_at IS NULL",
            id.to_string(),
        ),
        TokensOf::Session(id) => (
            "UPDATE signed_access_tokens SET revoked_at = $2 WHERE session_id = $1 AND revoked_at IS NULL",
            id.to_string(),
        ),
    };
    conn.sql(text).bind(id).bind(now).execute().await?;
    Ok(())
}

/// Revokes the tokens of a session that no client got and that are good in an organization other than the issuer's own: the
/// session acts in one organization at a time.
pub async fn revoke_switched(
    conn: &mut Conn,
    session_id: UserSessionId,
    root: OrganizationId,
    now: Timestamp,
) -> Result<()> {
    conn.sql(
        "UPDATE signed_access_tokens SET revoked_at = $3 WHERE session_id = $1 AND client_id IS NULL \
         AND organization_id IS NOT NULL AND organization_id <> $2 AND revoked_at IS NULL",
    )
    .bind(session_id)
    .bind(root)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Deletes a batch of tokens that expired before `before`. Returns how many.
pub async fn remove_expired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM signed_access_tokens WHERE jti IN \
         (SELECT jti FROM signed_access_tokens WHERE expires_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
