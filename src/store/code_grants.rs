//! Authorization codes: what a code is bound to, with the client that redeems it. Codes are columns of
//! `saml_flows`.

use base::{
    id::{EnvironmentId, OauthClientId},
    secret::Digest,
    time::Timestamp,
};
use model::oauth_client::IdTokenAlg;

use super::{
    Conn,
    access_tokens::{Login, LoginColumns},
    error::{Error, Result},
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
    client_disabled: bool,
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
pub async fn find(
    conn: &mut Conn,
    client_id: OauthClientId,
    code: Option<Digest>,
) -> Result<Option<(TokenClient, Option<CodeGrant>)>> {
    let row: Option<TokenRow> = conn
        .sql(
            "SELECT c.secret_sha256, c.environment_id AS client_environment_id, c.id_token_alg, c.disabled AS client_disabled, \
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
        disabled: client.client_disabled,
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
