//! What clients asked the organizations' issuers for, while somebody signs in. A request is answered once, and only in the
//! browser that brought it.

use base::{
    id::{ApplicationId, EnvironmentId, OrganizationId, UserId},
    secret::{Digest, SignInRequest},
    time::Timestamp,
};
use oauth::sign_in_request::ResponseMode;

use super::{Conn, Error, Result, Transaction, batch::DELETE_BATCH_SIZE, columns};

/// A request that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The organization whose issuer was asked.
    pub issuer: OrganizationId,
    /// The digest of the browser's cookie.
    pub browser: Digest,
    /// The client; `None` of somebody who signs in for themselves, to their account page.
    pub client_id: Option<ApplicationId>,
    /// Where the response goes.
    pub redirect_uri: String,
    /// Whether the client sent that URI.
    pub redirect_uri_sent: bool,
    /// How the response goes there.
    pub response_mode: ResponseMode,
    /// Returned with the response.
    pub state: Option<String>,
    /// Returned in the ID token.
    pub nonce: Option<String>,
    /// What the verifier must match.
    pub code_challenge: Option<String>,
    /// What is granted.
    pub scope: String,
    /// Who has given a first factor.
    pub proven: Option<Proven>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when somebody may sign in.
    pub expires_at: Timestamp,
}

/// Who has proven to be a user, so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The user.
    pub user_id: UserId,
    /// When they gave the first factor.
    pub authenticated_at: Timestamp,
    /// What proved it (RFC 8176).
    pub amr: Vec<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    environment_id: EnvironmentId,
    issuer: OrganizationId,
    browser_sha256: Digest,
    client_id: Option<ApplicationId>,
    redirect_uri: String,
    redirect_uri_sent: bool,
    response_mode: String,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    scope: String,
    user_id: Option<UserId>,
    authenticated_at: Option<Timestamp>,
    amr: Option<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl TryFrom<Row> for AuthorizationRequest {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let wrong = |column| Error::inconsistent("authorization_requests", column, row.issuer);
        let amr = match &row.amr {
            Some(json) => columns::list_from_json(json).ok_or_else(|| wrong("amr"))?,
            None => Vec::new(),
        };
        Ok(Self {
            environment_id: row.environment_id,
            issuer: row.issuer,
            browser: row.browser_sha256,
            client_id: row.client_id,
            response_mode: row.response_mode.parse().map_err(|_| wrong("response_mode"))?,
            redirect_uri: row.redirect_uri,
            redirect_uri_sent: row.redirect_uri_sent,
            state: row.state,
            nonce: row.nonce,
            code_challenge: row.code_challenge,
            scope: row.scope,
            proven: match (row.user_id, row.authenticated_at) {
                (Some(user_id), Some(authenticated_at)) => Some(Proven { user_id, authenticated_at, amr }),
                _ => None,
            },
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

/// Adds a request.
pub async fn insert(conn: &mut Conn, name: &SignInRequest, request: &AuthorizationRequest) -> Result<()> {
    conn.sql(
        "INSERT INTO authorization_requests (request_sha256, environment_id, issuer, browser_sha256, client_id, redirect_uri, \
         redirect_uri_sent, response_mode, state, nonce, code_challenge, scope, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(name.digest_of_text())
    .bind(request.environment_id)
    .bind(request.issuer)
    .bind(request.browser)
    .bind(request.client_id)
    .bind(request.redirect_uri.as_str())
    .bind(request.redirect_uri_sent)
    .bind(request.response_mode.as_str())
    .bind(request.state.as_deref())
    .bind(request.nonce.as_deref())
    .bind(request.code_challenge.as_deref())
    .bind(request.scope.as_str())
    .bind(request.created_at)
    .bind(request.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// The request with this name, of this issuer and this browser, if it is not answered and not expired.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    issuer: OrganizationId,
    browser: Digest,
    name: &SignInRequest,
    now: Timestamp,
) -> Result<Option<AuthorizationRequest>> {
    let row: Option<Row> = conn
        .sql(
            "SELECT environment_id, issuer, browser_sha256, client_id, redirect_uri, redirect_uri_sent, response_mode, state, \
             nonce, code_challenge, scope, user_id, authenticated_at, amr, created_at, expires_at \
             FROM authorization_requests WHERE request_sha256 = $1 AND environment_id = $2 AND issuer = $3 \
             AND browser_sha256 = $4 AND consumed_at IS NULL AND expires_at > $5",
        )
        .bind(name.digest_of_text())
        .bind(environment_id)
        .bind(issuer)
        .bind(browser)
        .bind(now)
        .optional()
        .await?;
    row.map(AuthorizationRequest::try_from).transpose()
}

/// What has been proven so far for a request that is under way.
pub async fn find_proven(tx: &mut Transaction, name: &SignInRequest) -> Result<Option<Proven>> {
    let row: Option<(Option<UserId>, Option<Timestamp>)> = tx
        .sql("SELECT user_id, authenticated_at FROM authorization_requests WHERE request_sha256 = $1")
        .bind(name.digest_of_text())
        .optional()
        .await?;
    Ok(match row {
        Some((Some(user_id), Some(authenticated_at))) => {
            Some(Proven { user_id, authenticated_at, amr: Vec::new() })
        }
        _ => None,
    })
}

/// Stores what has been proven, with what was proven before. Returns whether the request is still under way, and `before` was
/// the state of things.
pub async fn update_proven(
    tx: &mut Transaction,
    name: &SignInRequest,
    before: Option<&Proven>,
    proven: &Proven,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .sql(
            "UPDATE authorization_requests SET user_id = $2, authenticated_at = $3, amr = $4 WHERE request_sha256 = $1 \
             AND consumed_at IS NULL AND expires_at > $5 AND COALESCE(user_id, '') = $6 AND COALESCE(authenticated_at, 0) = $7",
        )
        .bind(name.digest_of_text())
        .bind(proven.user_id)
        .bind(proven.authenticated_at)
        .bind(columns::list_to_json(&proven.amr))
        .bind(now)
        .bind(before.map(|before| before.user_id.to_string()).unwrap_or_default())
        .bind(before.map_or(Timestamp::from_millis(0), |before| before.authenticated_at))
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Answers a request: once, decided by the database. Returns whether this call did.
pub async fn consume(tx: &mut Transaction, name: &SignInRequest, now: Timestamp) -> Result<bool> {
    let rows = tx
        .sql(
            "UPDATE authorization_requests SET consumed_at = $2 \
             WHERE request_sha256 = $1 AND consumed_at IS NULL AND expires_at > $2",
        )
        .bind(name.digest_of_text())
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Deletes a batch of requests that expired before `before`. Returns how many.
pub async fn remove_expired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM authorization_requests WHERE request_sha256 IN \
         (SELECT request_sha256 FROM authorization_requests WHERE expires_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
