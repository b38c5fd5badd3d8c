//! Access tokens, authorization codes, and the logins they stand for.

use super::{
    Conn, Sql, Transaction,
    error::{Error, Result},
};
use crate::model::{
    email::Email,
    id::{EnvironmentId, OauthClientId, OrganizationId, SamlConnectionId, SamlFlowId},
    oauth_client::IdTokenAlg,
    saml_flow::Attributes,
    secret::Digest,
    time::Timestamp,
};

/// The login behind a code or an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The login flow.
    pub flow_id: SamlFlowId,
    /// The person.
    pub email: Email,
    /// The attributes that the identity provider asserted.
    pub attributes: Attributes,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The vendor's own id of the organization.
    pub organization_external_id: Option<String>,
    /// The SAML connection of the login.
    pub saml_connection_id: SamlConnectionId,
}

#[derive(sqlx::FromRow)]
struct LoginColumns {
    flow_id: SamlFlowId,
    email: String,
    attributes: Option<String>,
    organization_id: OrganizationId,
    external_id: Option<String>,
    saml_connection_id: SamlConnectionId,
}

impl TryFrom<LoginColumns> for Login {
    type Error = Error;

    fn try_from(row: LoginColumns) -> Result<Self> {
        let broken = |column| Error::inconsistent("saml_flows", column, row.flow_id);
        Ok(Self {
            flow_id: row.flow_id,
            email: Email::parse(&row.email).ok_or_else(|| broken("email"))?,
            attributes: match &row.attributes {
                Some(json) => serde_json::from_str(json).map_err(|_| broken("attributes"))?,
                None => Attributes::new(),
            },
            organization_id: row.organization_id,
            organization_external_id: row.external_id,
            saml_connection_id: row.saml_connection_id,
        })
    }
}

/// The client's data that a token request needs.
#[derive(Debug)]
pub struct TokenClient {
    /// The digest of its secret.
    pub secret: Digest,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// How its ID tokens are signed.
    pub id_token_alg: IdTokenAlg,
}

/// An issued code, with what it is bound to and the login it stands for.
#[derive(Debug)]
pub struct CodeGrant {
    /// The client that requested it; `None` for an access code, which is issued without OAuth.
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
    /// The login.
    pub login: Login,
}

#[derive(sqlx::FromRow)]
struct TokenClientRow {
    secret_sha256: Digest,
    client_environment_id: EnvironmentId,
    id_token_alg: String,
}

#[derive(sqlx::FromRow)]
struct CodeGrantRow {
    oauth_client_id: Option<OauthClientId>,
    environment_id: EnvironmentId,
    oauth_redirect_uri: Option<String>,
    oauth_redirect_uri_sent: Option<bool>,
    oauth_code_challenge: Option<String>,
    oauth_nonce: Option<String>,
    oauth_scope: Option<String>,
    authenticated_at: Option<Timestamp>,
    code_expires_at: Timestamp,
    code_consumed_at: Option<Timestamp>,
    #[sqlx(flatten)]
    login: LoginColumns,
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
        let found: Option<String> = row.try_get("flow_id")?;
        Ok(Self {
            client: TokenClientRow::from_row(row)?,
            grant: found.map(|_| CodeGrantRow::from_row(row)).transpose()?,
        })
    }
}

/// The client with this id and, if the code is known, its grant. One statement, because every login runs it.
pub async fn find_code_grant(
    conn: &mut Conn,
    client_id: OauthClientId,
    code: Option<Digest>,
) -> Result<Option<(TokenClient, Option<CodeGrant>)>> {
    let row: Option<TokenRow> = conn
        .sql(
            "SELECT c.secret_sha256, c.environment_id AS client_environment_id, c.id_token_alg, \
             g.flow_id, g.environment_id, g.oauth_client_id, g.oauth_redirect_uri, g.oauth_redirect_uri_sent, \
             g.oauth_code_challenge, g.oauth_nonce, g.oauth_scope, g.authenticated_at, g.code_expires_at, \
             g.code_consumed_at, g.email, g.attributes, g.organization_id, g.external_id, g.saml_connection_id \
             FROM oauth_clients c LEFT JOIN (\
             SELECT f.id AS flow_id, f.environment_id, f.oauth_client_id, f.oauth_redirect_uri, \
             f.oauth_redirect_uri_sent, f.oauth_code_challenge, f.oauth_nonce, f.oauth_scope, f.authenticated_at, \
             f.code_expires_at, f.code_consumed_at, f.email, f.attributes, f.organization_id, f.saml_connection_id, \
             o.external_id FROM saml_flows f JOIN organizations o ON o.id = f.organization_id WHERE f.code_sha256 = $2\
             ) g ON TRUE WHERE c.id = $1",
        )
        .bind(client_id)
        .bind(code)
        .optional()
        .await?;
    let Some(TokenRow { client, grant }) = row else { return Ok(None) };
    let client = TokenClient {
        secret: client.secret_sha256,
        environment_id: client.client_environment_id,
        id_token_alg: IdTokenAlg::parse(&client.id_token_alg)
            .ok_or_else(|| Error::inconsistent("oauth_clients", "id_token_alg", client_id))?,
    };
    let grant = grant.map(|row| {
        Ok::<_, Error>(CodeGrant {
            client_id: row.oauth_client_id,
            environment_id: row.environment_id,
            redirect_uri: row.oauth_redirect_uri,
            redirect_uri_sent: row.oauth_redirect_uri_sent.unwrap_or(false),
            code_challenge: row.oauth_code_challenge,
            nonce: row.oauth_nonce,
            scope: row.oauth_scope,
            authenticated_at: row.authenticated_at,
            expires_at: row.code_expires_at,
            consumed: row.code_consumed_at.is_some(),
            login: row.login.try_into()?,
        })
    });
    Ok(Some((client, grant.transpose()?)))
}

/// Adds an access token.
pub async fn insert(
    conn: &mut Conn,
    token: Digest,
    flow: SamlFlowId,
    client: OauthClientId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    conn.sql(
        "INSERT INTO access_tokens (token_sha256, flow_id, oauth_client_id, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(token)
    .bind(flow)
    .bind(client)
    .bind(now)
    .bind(expires_at)
    .execute()
    .await?;
    Ok(())
}

/// The login of an access token that has not expired, is not revoked, and whose client and organization still
/// exist.
pub async fn find_login(conn: &mut Conn, token: Digest, now: Timestamp) -> Result<Option<Login>> {
    let row: Option<LoginColumns> = conn
        .sql(
            "SELECT t.flow_id, f.email, f.attributes, f.organization_id, f.saml_connection_id, o.external_id \
             FROM access_tokens t \
             JOIN oauth_clients c ON c.id = t.oauth_client_id \
             JOIN saml_flows f ON f.id = t.flow_id JOIN organizations o ON o.id = f.organization_id \
             WHERE t.token_sha256 = $1 AND t.expires_at > $2 AND t.revoked_at IS NULL",
        )
        .bind(token)
        .bind(now)
        .optional()
        .await?;
    row.map(Login::try_from).transpose()
}

/// Revokes the access tokens of a login. Returns how many.
pub async fn update_revoked(conn: &mut Conn, flow: SamlFlowId, now: Timestamp) -> Result<u64> {
    conn.sql("UPDATE access_tokens SET revoked_at = $1 WHERE flow_id = $2 AND revoked_at IS NULL")
        .bind(now)
        .bind(flow)
        .execute()
        .await
}

/// Revokes the access tokens and expires the unredeemed codes of people in an organization. `emails` are keys
/// ([`Email::key`]).
pub async fn revoke_for_emails(
    tx: &mut Transaction,
    organization: OrganizationId,
    emails: &[String],
    now: Timestamp,
) -> Result<()> {
    for some in emails.chunks(500) {
        let theirs = || {
            Sql::from("organization_id = ")
                .value(organization.to_string())
                .push(" AND email_key IN (")
                .values(some.iter().map(String::as_str))
                .push(")")
        };
        let codes = Sql::from("UPDATE saml_flows SET code_expires_at = ")
            .value(now.millis())
            .push(" WHERE ")
            .append(theirs())
            .push(" AND code_consumed_at IS NULL AND code_expires_at > ")
            .value(now.millis());
        tx.dynamic(codes).execute().await?;
        let tokens = Sql::from("UPDATE access_tokens SET revoked_at = ")
            .value(now.millis())
            .push(" WHERE revoked_at IS NULL AND expires_at > ")
            .value(now.millis())
            .push(" AND flow_id IN (SELECT id FROM saml_flows WHERE ")
            .append(theirs())
            .push(")");
        tx.dynamic(tokens).execute().await?;
    }
    Ok(())
}

/// Deletes up to a thousand tokens that expired before `before`. Returns how many.
pub async fn remove_expired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM access_tokens WHERE token_sha256 IN \
         (SELECT token_sha256 FROM access_tokens WHERE expires_at < $1 LIMIT 1000)",
    )
    .bind(before)
    .execute()
    .await
}
