//! What clients asked the organizations' issuers for, while somebody signs in. A request is answered once, and only in the
//! browser that brought it.

use base::{
    id::{ApplicationId, EnvironmentId, LoginFlowId, OrganizationId, UserId},
    secret::{Digest, SignInRequest},
    time::Timestamp,
};
use oauth::sign_in_request::ResponseMode;

use super::{Conn, Error, Result, Transaction, batch::DELETE_BATCH_SIZE, columns, tenants::IssuerForm};

/// How many wrong second factors end a request.
const MAX_SECOND_FACTORS: i64 = 5;

/// A request that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The organization whose issuer was asked.
    pub issuer: OrganizationId,
    /// By which name, of the root's.
    pub form: IssuerForm,
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
    /// The person must not have authenticated before that.
    pub authenticated_since: Option<Timestamp>,
    /// Whom the client expects.
    pub hinted_user_id: Option<UserId>,
    /// The login at an identity provider that was begun last.
    pub flow_id: Option<LoginFlowId>,
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
    issuer_form: String,
    browser_sha256: Digest,
    client_id: Option<ApplicationId>,
    redirect_uri: String,
    redirect_uri_sent: bool,
    response_mode: String,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    scope: String,
    authenticated_since: Option<Timestamp>,
    hinted_user_id: Option<UserId>,
    flow_id: Option<LoginFlowId>,
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
            form: IssuerForm::parse(&row.issuer_form).ok_or_else(|| wrong("issuer_form"))?,
            browser: row.browser_sha256,
            client_id: row.client_id,
            response_mode: row.response_mode.parse().map_err(|_| wrong("response_mode"))?,
            redirect_uri: row.redirect_uri,
            redirect_uri_sent: row.redirect_uri_sent,
            state: row.state,
            nonce: row.nonce,
            code_challenge: row.code_challenge,
            scope: row.scope,
            authenticated_since: row.authenticated_since,
            hinted_user_id: row.hinted_user_id,
            flow_id: row.flow_id,
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
         redirect_uri_sent, response_mode, state, nonce, code_challenge, scope, created_at, expires_at, \
         authenticated_since, flow_id, hinted_user_id, issuer_form) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
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
    .bind(request.authenticated_since)
    .bind(request.flow_id)
    .bind(request.hinted_user_id)
    .bind(request.form.stored())
    .execute()
    .await?;
    Ok(())
}

/// The columns of [`Row`].
macro_rules! select {
    ($also:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $also,
            "environment_id, issuer, issuer_form, browser_sha256, client_id, redirect_uri, redirect_uri_sent, response_mode, state, nonce, \
             code_challenge, scope, authenticated_since, hinted_user_id, flow_id, user_id, authenticated_at, amr, created_at, \
             expires_at \
             FROM authorization_requests ",
            $rest
        )
    };
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
        .sql(select!(
            "",
            "WHERE request_sha256 = $1 AND environment_id = $2 AND issuer = $3 AND browser_sha256 = $4 \
             AND consumed_at IS NULL AND expires_at > $5"
        ))
        .bind(name.digest_of_text())
        .bind(environment_id)
        .bind(issuer)
        .bind(browser)
        .bind(now)
        .optional()
        .await?;
    row.map(AuthorizationRequest::try_from).transpose()
}

/// A request, with the digest of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The digest of its name, by which it is answered.
    pub name: Digest,
    /// The request.
    pub request: AuthorizationRequest,
    /// Whom the answer of the identity provider proved.
    pub asserted: Option<Proven>,
}

/// The request for which a login at an identity provider was begun last, if it is not answered and not expired.
pub async fn find_by_flow(conn: &mut Conn, flow: LoginFlowId, now: Timestamp) -> Result<Option<Named>> {
    #[derive(sqlx::FromRow)]
    struct NamedRow {
        request_sha256: Digest,
        asserted_user_id: Option<UserId>,
        asserted_amr: Option<String>,
        asserted_at: Option<Timestamp>,
        #[sqlx(flatten)]
        request: Row,
    }
    let row: Option<NamedRow> = conn
        .sql(select!(
            "request_sha256, asserted_user_id, asserted_amr, asserted_at, ",
            "WHERE flow_id = $1 AND consumed_at IS NULL AND expires_at > $2"
        ))
        .bind(flow)
        .bind(now)
        .optional()
        .await?;
    let Some(row) = row else { return Ok(None) };
    let asserted = match (row.asserted_user_id, row.asserted_at, row.asserted_amr) {
        (Some(user_id), Some(authenticated_at), Some(amr)) => {
            let wrong = || Error::inconsistent("authorization_requests", "asserted_amr", flow);
            let amr = columns::list_from_json(&amr).ok_or_else(wrong)?;
            Some(Proven { user_id, authenticated_at, amr })
        }
        _ => None,
    };
    Ok(Some(Named { name: row.request_sha256, request: row.request.try_into()?, asserted }))
}

/// Stores the login at an identity provider that was begun for a request; one that was begun before counts for it no more.
/// Returns whether the request is still under way.
pub async fn update_flow(
    tx: &mut Transaction,
    name: &SignInRequest,
    flow: LoginFlowId,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .sql(
            "UPDATE authorization_requests SET flow_id = $2, asserted_user_id = NULL, asserted_at = NULL, asserted_amr = NULL \
             WHERE request_sha256 = $1 AND consumed_at IS NULL AND expires_at > $3",
        )
        .bind(name.digest_of_text())
        .bind(flow)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Stores whom an identity provider proved in its answer to this login, which is the one that was begun last. It is no first
/// factor for anything else. Returns whether the request is still under way.
pub async fn update_asserted(
    tx: &mut Transaction,
    name: Digest,
    flow: LoginFlowId,
    asserted: &Proven,
) -> Result<bool> {
    let rows = tx
        .sql(
            "UPDATE authorization_requests SET asserted_user_id = $3, asserted_at = $4, asserted_amr = $5 \
             WHERE request_sha256 = $1 AND flow_id = $2 AND consumed_at IS NULL",
        )
        .bind(name)
        .bind(flow)
        .bind(asserted.user_id)
        .bind(asserted.authenticated_at)
        .bind(columns::list_to_json(&asserted.amr))
        .execute()
        .await?;
    Ok(rows == 1)
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

/// Takes one of the attempts to give a second factor that a request allows, which locks it until the transaction ends. Returns
/// whether there was one.
pub async fn take_second_factor(tx: &mut Transaction, name: &SignInRequest) -> Result<bool> {
    let rows = tx
        .sql(
            "UPDATE authorization_requests SET second_factor_failures = second_factor_failures + 1 \
             WHERE request_sha256 = $1 AND consumed_at IS NULL AND second_factor_failures < $2",
        )
        .bind(name.digest_of_text())
        .bind(MAX_SECOND_FACTORS)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Ends a request that has no attempts left. Returns whether it had none.
pub async fn end_guessed(tx: &mut Transaction, name: &SignInRequest, now: Timestamp) -> Result<bool> {
    let rows = tx
        .sql(
            "UPDATE authorization_requests SET consumed_at = $3 \
             WHERE request_sha256 = $1 AND consumed_at IS NULL AND second_factor_failures >= $2",
        )
        .bind(name.digest_of_text())
        .bind(MAX_SECOND_FACTORS)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Answers a request: once, decided by the database. Returns whether this call did.
pub async fn consume(tx: &mut Transaction, name: Digest, now: Timestamp) -> Result<bool> {
    let rows = tx
        .sql(
            "UPDATE authorization_requests SET consumed_at = $2 \
             WHERE request_sha256 = $1 AND consumed_at IS NULL AND expires_at > $2",
        )
        .bind(name)
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
