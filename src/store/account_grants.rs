//! Grants of the organizations' issuers: what a client was given when somebody signed in with their account. Codes, refresh
//! tokens and access tokens hang from a grant and end with it.
//!
//! They share the tables of grants and codes with `/v1/oauth`. The digest of a code is that of its whole text, so that neither
//! place finds a code of the other.

use base::{
    id::{ApplicationId, EnvironmentId, GrantId, LoginFlowId, OrganizationId, UserId, UserSessionId},
    secret::{AuthorizationCode, RefreshToken},
    time::Timestamp,
};

use super::{Conn, Error, Result, Transaction, batch::DELETE_BATCH_SIZE, columns, tenants::IssuerForm};

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountGrant {
    /// Its id.
    pub id: GrantId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The organization whose issuer gave it.
    pub issuer: OrganizationId,
    /// Whether the user's token was switched to the organization: then one of WSO2's issuers gave it, and `issuer` is the root.
    pub switched: bool,
    /// By which name of the root's issuer it was asked for; one that is switched goes by both of WSO2's.
    pub form: IssuerForm,
    /// The organization in which the user acts.
    pub organization_id: OrganizationId,
    /// The client.
    pub client_id: ApplicationId,
    /// The user.
    pub user_id: UserId,
    /// The session in which it was given.
    pub session_id: UserSessionId,
    /// The login with which it was given; `None` in a session that there was already.
    pub flow_id: Option<LoginFlowId>,
    /// What was granted.
    pub scope: String,
    /// When the user authenticated.
    pub authenticated_at: Timestamp,
    /// What proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When nothing that hangs from it can be used any more.
    pub expires_at: Timestamp,
}

/// A code to add to a grant.
#[derive(Debug, Clone, Copy)]
pub struct NewCode<'a> {
    /// The code.
    pub code: &'a AuthorizationCode,
    /// Where it is sent.
    pub redirect_uri: &'a str,
    /// Whether the client sent that URI.
    pub redirect_uri_sent: bool,
    /// What the verifier must match.
    pub code_challenge: Option<&'a str>,
    /// Returned in the ID token.
    pub nonce: Option<&'a str>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// An issued code with its grant.
#[derive(Debug, Clone)]
pub struct IssuedCode {
    /// The grant.
    pub grant: AccountGrant,
    /// Where it was sent.
    pub redirect_uri: String,
    /// Whether the client sent that URI.
    pub redirect_uri_sent: bool,
    /// What the verifier must match.
    pub code_challenge: Option<String>,
    /// Returned in the ID token.
    pub nonce: Option<String>,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Whether it was used.
    pub consumed: bool,
    /// Whether the grant is good: not revoked, in a session that is not ended, of a user who may sign in.
    pub good: bool,
}

/// An issued refresh token with its grant.
#[derive(Debug, Clone)]
pub struct IssuedRefreshToken {
    /// The grant.
    pub grant: AccountGrant,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Whether it was used.
    pub consumed: bool,
    /// Whether the grant is good, as in [`IssuedCode::good`].
    pub good: bool,
}

#[derive(sqlx::FromRow)]
struct GrantRow {
    grant_id: GrantId,
    environment_id: EnvironmentId,
    issuer: OrganizationId,
    switched: bool,
    issuer_form: String,
    organization_id: OrganizationId,
    client_id: ApplicationId,
    user_id: UserId,
    session_id: UserSessionId,
    flow_id: Option<LoginFlowId>,
    scope: String,
    authenticated_at: Timestamp,
    amr: String,
    created_at: Timestamp,
    grant_expires_at: Timestamp,
    good: bool,
}

#[derive(sqlx::FromRow)]
struct CodeRow {
    redirect_uri: String,
    redirect_uri_sent: bool,
    code_challenge: Option<String>,
    nonce: Option<String>,
    expires_at: Timestamp,
    consumed_at: Option<Timestamp>,
    #[sqlx(flatten)]
    grant: GrantRow,
}

#[derive(sqlx::FromRow)]
struct RefreshTokenRow {
    expires_at: Timestamp,
    consumed_at: Option<Timestamp>,
    #[sqlx(flatten)]
    grant: GrantRow,
}

/// The columns of [`GrantRow`], of a grant `g`.
macro_rules! grant_columns {
    () => {
        "g.id AS grant_id, g.environment_id, g.issuer, g.switched, g.issuer_form, g.organization_id, g.client_id, g.user_id, g.session_id, g.flow_id, g.scope, \
         g.authenticated_at, g.amr, g.created_at, g.expires_at AS grant_expires_at, \
         (g.revoked_at IS NULL AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = g.session_id AND s.revoked_at IS NULL) \
         AND EXISTS (SELECT 1 FROM users u WHERE u.id = g.user_id AND u.environment_id = g.environment_id \
         AND u.status = 'active')) AS good"
    };
}

impl TryFrom<GrantRow> for AccountGrant {
    type Error = Error;

    fn try_from(row: GrantRow) -> Result<Self> {
        let amr = columns::list_from_json(&row.amr)
            .ok_or_else(|| Error::inconsistent("authorization_grants", "amr", row.grant_id))?;
        Ok(Self {
            id: row.grant_id,
            environment_id: row.environment_id,
            issuer: row.issuer,
            switched: row.switched,
            form: IssuerForm::parse(&row.issuer_form)
                .ok_or_else(|| Error::inconsistent("authorization_grants", "issuer_form", row.grant_id))?,
            organization_id: row.organization_id,
            client_id: row.client_id,
            user_id: row.user_id,
            session_id: row.session_id,
            flow_id: row.flow_id,
            scope: row.scope,
            authenticated_at: row.authenticated_at,
            amr,
            created_at: row.created_at,
            expires_at: row.grant_expires_at,
        })
    }
}

/// Adds a grant. Its address stays empty: accounts are found by their user, not by what their address was.
pub async fn insert(tx: &mut Transaction, grant: &AccountGrant) -> Result<()> {
    tx.sql(
        "INSERT INTO authorization_grants (id, environment_id, issuer, organization_id, client_id, user_id, session_id, subject, \
         email, email_key, scope, authenticated_at, amr, created_at, expires_at, flow_id, switched, issuer_form) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', '', $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(grant.id)
    .bind(grant.environment_id)
    .bind(grant.issuer)
    .bind(grant.organization_id)
    .bind(grant.client_id)
    .bind(grant.user_id)
    .bind(grant.session_id)
    .bind(grant.user_id.to_string())
    .bind(grant.scope.as_str())
    .bind(grant.authenticated_at)
    .bind(columns::list_to_json(&grant.amr))
    .bind(grant.created_at)
    .bind(grant.expires_at)
    .bind(grant.flow_id)
    .bind(grant.switched)
    .bind(grant.form.stored())
    .execute()
    .await?;
    Ok(())
}

/// Adds a code to a grant.
pub async fn insert_code(tx: &mut Transaction, grant: GrantId, code: &NewCode<'_>) -> Result<()> {
    tx.sql(
        "INSERT INTO authorization_codes (code_sha256, grant_id, kind, redirect_uri, redirect_uri_sent, code_challenge, nonce, \
         expires_at) VALUES ($1, $2, 'account', $3, $4, $5, $6, $7)",
    )
    .bind(code.code.digest_of_text())
    .bind(grant)
    .bind(code.redirect_uri)
    .bind(code.redirect_uri_sent)
    .bind(code.code_challenge)
    .bind(code.nonce)
    .bind(code.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// The grant of a code.
pub async fn find_by_code(conn: &mut Conn, code: &AuthorizationCode) -> Result<Option<IssuedCode>> {
    let row: Option<CodeRow> = conn
        .sql(concat!(
            "SELECT k.redirect_uri, k.redirect_uri_sent, k.code_challenge, k.nonce, k.expires_at, k.consumed_at, ",
            grant_columns!(),
            " FROM authorization_codes k JOIN authorization_grants g ON g.id = k.grant_id \
             WHERE k.code_sha256 = $1 AND k.kind = 'account'"
        ))
        .bind(code.digest_of_text())
        .optional()
        .await?;
    row.map(|row| {
        Ok(IssuedCode {
            good: row.grant.good,
            grant: row.grant.try_into()?,
            redirect_uri: row.redirect_uri,
            redirect_uri_sent: row.redirect_uri_sent,
            code_challenge: row.code_challenge,
            nonce: row.nonce,
            expires_at: row.expires_at,
            consumed: row.consumed_at.is_some(),
        })
    })
    .transpose()
}

const CONSUME_CODE: &str = "UPDATE authorization_codes SET consumed_at = $1 WHERE code_sha256 = $2 AND kind = 'account' \
     AND consumed_at IS NULL AND expires_at > $1 AND EXISTS (SELECT 1 FROM authorization_grants g \
     WHERE g.id = authorization_codes.grant_id AND g.revoked_at IS NULL)";

/// Uses up a code: once, decided by the database. Returns whether this call did.
pub async fn consume_code(tx: &mut Transaction, code: &AuthorizationCode, now: Timestamp) -> Result<bool> {
    let rows = tx.sql(CONSUME_CODE).bind(now).bind(code.digest_of_text()).execute().await?;
    Ok(rows == 1)
}

/// Adds a refresh token to a grant.
pub async fn insert_refresh_token(
    tx: &mut Transaction,
    grant: GrantId,
    token: &RefreshToken,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    tx.sql(
        "INSERT INTO refresh_tokens (token_sha256, grant_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(token.digest_of_text())
    .bind(grant)
    .bind(now)
    .bind(expires_at)
    .execute()
    .await?;
    Ok(())
}

/// The grant of a refresh token.
pub async fn find_by_refresh_token(
    conn: &mut Conn,
    token: &RefreshToken,
) -> Result<Option<IssuedRefreshToken>> {
    let row: Option<RefreshTokenRow> = conn
        .sql(concat!(
            "SELECT r.expires_at, r.consumed_at, ",
            grant_columns!(),
            " FROM refresh_tokens r JOIN authorization_grants g ON g.id = r.grant_id WHERE r.token_sha256 = $1"
        ))
        .bind(token.digest_of_text())
        .optional()
        .await?;
    row.map(|row| {
        Ok(IssuedRefreshToken {
            good: row.grant.good,
            grant: row.grant.try_into()?,
            expires_at: row.expires_at,
            consumed: row.consumed_at.is_some(),
        })
    })
    .transpose()
}

/// Uses up a refresh token: once, decided by the database. Returns whether this call did.
pub async fn consume_refresh_token(
    tx: &mut Transaction,
    token: &RefreshToken,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .sql(
            "UPDATE refresh_tokens SET consumed_at = $2 WHERE token_sha256 = $1 AND consumed_at IS NULL AND expires_at > $2 \
             AND EXISTS (SELECT 1 FROM authorization_grants g WHERE g.id = refresh_tokens.grant_id AND g.revoked_at IS NULL)",
        )
        .bind(token.digest_of_text())
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Ends a session of a user, with its grants and access tokens. Returns whether it was good until now.
pub async fn end_session(tx: &mut Transaction, id: UserSessionId, now: Timestamp) -> Result<bool> {
    let mut ended = 0;
    for text in [
        "UPDATE signed_access_tokens SET revoked_at = $2 WHERE session_id = $1 AND revoked_at IS NULL",
        "UPDATE authorization_grants SET revoked_at = $2 WHERE session_id = $1 AND revoked_at IS NULL",
        "UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
    ] {
        ended = tx.sql(text).bind(id).bind(now).execute().await?;
    }
    Ok(ended == 1)
}

/// Up to `limit` grants of a user, newest first; with each whether it is good.
pub async fn list_by_user(conn: &mut Conn, user_id: UserId, limit: i64) -> Result<Vec<(AccountGrant, bool)>> {
    let rows: Vec<GrantRow> = conn
        .sql(concat!(
            "SELECT ",
            grant_columns!(),
            " FROM authorization_grants g WHERE g.user_id = $1 ORDER BY g.id DESC LIMIT $2"
        ))
        .bind(user_id)
        .bind(limit)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            let good = row.good;
            Ok((row.try_into()?, good))
        })
        .collect()
}

/// Revokes every grant of an application.
pub async fn revoke_of_client(tx: &mut Transaction, id: ApplicationId, now: Timestamp) -> Result<()> {
    tx.sql("UPDATE authorization_grants SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Deletes a batch of refresh tokens that expired before `before`. Returns how many.
pub async fn remove_expired_refresh_tokens(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM refresh_tokens WHERE token_sha256 IN \
         (SELECT token_sha256 FROM refresh_tokens WHERE expires_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
