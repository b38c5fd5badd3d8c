//! Codes: single-use credentials for the grant of a login.

use base::{
    id::{EnvironmentId, GrantId, LoginFlowId, OauthClientId},
    secret::Digest,
    time::Timestamp,
};
use model::{
    authorization_grant::{AuthorizationCode, CodeKind},
    oauth_client::IdTokenAlg,
};

use super::{
    Conn, Transaction,
    authorization_grants::{Login, LoginColumns, login_columns},
    error::{Error, Result},
    login_eligibility::{EligibilityColumns, LoginEligibility, eligibility_columns},
};

/// The client's data that a token request needs.
#[derive(Debug)]
pub struct TokenClient {
    /// The digest of its secret.
    pub secret: Digest,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// How its ID tokens are signed.
    pub id_token_alg: IdTokenAlg,
    /// Whether it is switched off.
    pub disabled: bool,
}

/// An issued code, with what it is bound to and the login it stands for.
#[derive(Debug)]
pub struct CodeGrant {
    /// Where it is good.
    pub kind: CodeKind,
    /// The client that requested it; `None` without OAuth.
    pub client_id: Option<OauthClientId>,
    /// The environment of its login.
    pub environment_id: EnvironmentId,
    /// The redirect URI that it was sent to.
    pub redirect_uri: Option<String>,
    /// Whether the authorization request contained `redirect_uri`.
    pub redirect_uri_sent: bool,
    /// The PKCE challenge of the authorization request.
    pub code_challenge: Option<String>,
    /// The nonce of the authorization request.
    pub nonce: Option<String>,
    /// The scope that was granted.
    pub scope: Option<String>,
    /// When the identity provider authenticated the person.
    pub authenticated_at: Option<Timestamp>,
    /// When the code expires.
    pub expires_at: Timestamp,
    /// Whether it was redeemed.
    pub consumed: bool,
    /// Whether its grant was revoked.
    pub revoked: bool,
    /// The login.
    pub login: Login,
}

#[derive(sqlx::FromRow)]
struct TokenClientRow {
    secret_sha256: Digest,
    client_environment_id: EnvironmentId,
    id_token_alg: String,
    client_disabled: bool,
}

#[derive(sqlx::FromRow)]
struct CodeGrantRow {
    kind: String,
    client_id: Option<OauthClientId>,
    environment_id: EnvironmentId,
    redirect_uri: Option<String>,
    redirect_uri_sent: Option<bool>,
    code_challenge: Option<String>,
    nonce: Option<String>,
    scope: Option<String>,
    authenticated_at: Option<Timestamp>,
    expires_at: Timestamp,
    consumed_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    #[sqlx(flatten)]
    login: LoginColumns,
}

/// The columns of [`CodeGrantRow`], of a code `k`, its grant `g` and the organization `o`.
macro_rules! code_columns {
    () => {
        concat!(
            "k.kind, g.client_id, g.environment_id, k.redirect_uri, k.redirect_uri_sent, k.code_challenge, k.nonce, \
             g.scope, g.authenticated_at, k.expires_at, k.consumed_at, g.revoked_at, ",
            login_columns!()
        )
    };
}

impl TryFrom<CodeGrantRow> for CodeGrant {
    type Error = Error;

    fn try_from(row: CodeGrantRow) -> Result<Self> {
        let login: Login = row.login.try_into()?;
        Ok(Self {
            kind: row
                .kind
                .parse()
                .map_err(|_| Error::inconsistent("authorization_codes", "kind", login.grant_id))?,
            client_id: row.client_id,
            environment_id: row.environment_id,
            redirect_uri: row.redirect_uri,
            redirect_uri_sent: row.redirect_uri_sent.unwrap_or(false),
            code_challenge: row.code_challenge,
            nonce: row.nonce,
            scope: row.scope,
            authenticated_at: row.authenticated_at,
            expires_at: row.expires_at,
            consumed: row.consumed_at.is_some(),
            revoked: row.revoked_at.is_some(),
            login,
        })
    }
}

/// The client and, when the code is known, its grant.
struct TokenRow {
    client: TokenClientRow,
    grant: Option<CodeGrantRow>,
}

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for TokenRow
where
    &'static str: sqlx::ColumnIndex<R>,
    TokenClientRow: sqlx::FromRow<'r, R>,
    CodeGrantRow: sqlx::FromRow<'r, R>,
    Option<String>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let found: Option<String> = row.try_get("grant_id")?;
        Ok(Self {
            client: TokenClientRow::from_row(row)?,
            grant: found.map(|_| CodeGrantRow::from_row(row)).transpose()?,
        })
    }
}

/// Adds a code to a grant.
pub async fn insert(conn: &mut Conn, grant: GrantId, code: &AuthorizationCode) -> Result<()> {
    let request = code.request.as_ref();
    conn.sql(
        "INSERT INTO authorization_codes (code_sha256, grant_id, kind, redirect_uri, redirect_uri_sent, code_challenge, \
         nonce, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(code.digest)
    .bind(grant)
    .bind(code.kind.as_str())
    .bind(request.map(|request| request.redirect_uri.as_str()))
    .bind(request.map(|request| request.redirect_uri_sent))
    .bind(request.and_then(|request| request.code_challenge.as_deref()))
    .bind(request.and_then(|request| request.nonce.as_deref()))
    .bind(code.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// The grant of a code.
pub async fn find(conn: &mut Conn, code: Digest) -> Result<Option<CodeGrant>> {
    let row: Option<CodeGrantRow> = conn
        .sql(concat!(
            "SELECT ",
            code_columns!(),
            " FROM authorization_codes k JOIN authorization_grants g ON g.id = k.grant_id \
             JOIN organizations o ON o.id = g.organization_id AND o.deleted_at IS NULL \
             WHERE k.code_sha256 = $1"
        ))
        .bind(code)
        .optional()
        .await?;
    row.map(CodeGrant::try_from).transpose()
}

/// The client with this id and, if the code is known, its grant. One statement, because every login runs it.
pub async fn find_with_client(
    conn: &mut Conn,
    client_id: OauthClientId,
    code: Option<Digest>,
) -> Result<Option<(TokenClient, Option<CodeGrant>)>> {
    let row: Option<TokenRow> = conn
        .sql(concat!(
            "SELECT c.secret_sha256, c.environment_id AS client_environment_id, c.id_token_alg, \
             c.disabled AS client_disabled, ",
            code_columns!(),
            " FROM oauth_clients c LEFT JOIN authorization_codes k ON k.code_sha256 = $1 \
             LEFT JOIN authorization_grants g ON g.id = k.grant_id \
             LEFT JOIN organizations o ON o.id = g.organization_id AND o.deleted_at IS NULL WHERE c.id = $2"
        ))
        .bind(code)
        .bind(client_id)
        .optional()
        .await?;
    let Some(TokenRow { client, grant }) = row else { return Ok(None) };
    let client = TokenClient {
        secret: client.secret_sha256,
        environment_id: client.client_environment_id,
        id_token_alg: client
            .id_token_alg
            .parse()
            .map_err(|_| Error::inconsistent("oauth_clients", "id_token_alg", client_id))?,
        disabled: client.client_disabled,
    };
    Ok(Some((client, grant.map(CodeGrant::try_from).transpose()?)))
}

const CONSUME: &str = concat!(
    "UPDATE authorization_codes SET consumed_at = $1 WHERE code_sha256 = $2 AND consumed_at IS NULL \
     AND expires_at > $1 AND EXISTS (SELECT 1 FROM authorization_grants g \
     WHERE g.id = authorization_codes.grant_id AND g.revoked_at IS NULL) RETURNING ",
    eligibility_columns!("$3", "$4", "$5")
);

const CONSUME_OF_ADMINISTRATOR: &str = "UPDATE authorization_codes SET consumed_at = $1 WHERE kind = 'administrator' AND consumed_at IS NULL \
     AND expires_at > $1 AND grant_id IN \
     (SELECT id FROM authorization_grants WHERE flow_id = $2 AND revoked_at IS NULL)";

/// What redeeming a code found.
#[derive(Debug)]
pub struct Consumed {
    /// What decides whether the person may still sign in, as of this moment; `None`: the organization is gone.
    pub eligibility: Option<LoginEligibility>,
}

/// Redeems the code of a login: single use, decided by the database. `None`: this call did not redeem it.
///
/// A grant that another transaction is revoking may count as good here; what is issued then hangs from it and ends with it.
pub async fn consume(
    tx: &mut Transaction,
    code: Digest,
    login: &Login,
    now: Timestamp,
) -> Result<Option<Consumed>> {
    let statement =
        tx.sql(CONSUME).bind(now).bind(code).bind(login.organization_id).bind(login.connection_id);
    let row: Option<EligibilityColumns> = statement.bind(login.email.domain().as_str()).optional().await?;
    Ok(row.map(|row| Consumed { eligibility: row.read() }))
}

/// Redeems the code of an administrator's login, which was given to nobody. Returns whether this call redeemed it.
pub async fn consume_of_administrator(conn: &mut Conn, flow: LoginFlowId, now: Timestamp) -> Result<bool> {
    let rows = conn.sql(CONSUME_OF_ADMINISTRATOR).bind(now).bind(flow).execute().await?;
    Ok(rows == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Db, sql::placeholders};

    #[tokio::test]
    async fn redeeming_a_code_reads_no_other_grant() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        for statement in [CONSUME, CONSUME_OF_ADMINISTRATOR] {
            let mut tx = db.write().await.unwrap();
            let values = placeholders(statement);
            let steps = (0..values).fold(tx.sql(statement), |statement, _| statement.bind("x")).steps().await;
            assert!(!steps.iter().any(|step| step.starts_with("SCAN")), "{steps:#?}");
        }
    }
}
