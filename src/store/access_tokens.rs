//! Access tokens, and the logins that they and authorization codes stand for.

use std::time::Duration;

use base::{
    id::{EnvironmentId, LoginFlowId, OauthClientId, OrganizationId, SamlConnectionId},
    secret::Digest,
    time::Timestamp,
};
use model::{email::Email, login_flow::Attributes};

use super::{
    Conn, Sql, Transaction,
    error::{Error, Result},
};

/// The login behind a code or an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The login flow.
    pub flow_id: LoginFlowId,
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
pub(super) struct LoginColumns {
    flow_id: LoginFlowId,
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

/// Adds an access token.
pub async fn insert(
    conn: &mut Conn,
    token: Digest,
    flow: LoginFlowId,
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
/// exist; the client is not switched off.
pub async fn find_login(conn: &mut Conn, token: Digest, now: Timestamp) -> Result<Option<Login>> {
    let row: Option<LoginColumns> = conn
        .sql(
            "SELECT t.flow_id, f.email, f.attributes, f.organization_id, f.saml_connection_id, o.external_id \
             FROM access_tokens t \
             JOIN oauth_clients c ON c.id = t.oauth_client_id AND NOT c.disabled \
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
pub async fn update_revoked(conn: &mut Conn, flow: LoginFlowId, now: Timestamp) -> Result<u64> {
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

/// Whose logins are ended.
#[derive(Debug, Clone, Copy)]
pub enum LoginsOf {
    /// Of an organization.
    Organization(OrganizationId),
    /// Of an organization's connection.
    Connection(OrganizationId, SamlConnectionId),
    /// Of an environment's OAuth client.
    Client(EnvironmentId, OauthClientId),
}

/// How long before its code or token is ended a login may have begun: the lifetimes of a link (1 h), a login (at most
/// 24 h), a code and a token.
const OLDEST_LOGIN: Duration = Duration::from_secs(26 * 3600);

/// Expires the unredeemed codes and revokes the access tokens of logins.
pub async fn end_logins(tx: &mut Transaction, of: LoginsOf, now: Timestamp) -> Result<()> {
    let recent = |column: &'static str, id: String| {
        let oldest = LoginFlowId::lower_bound_at(now - OLDEST_LOGIN).to_string();
        Sql::from(column).push(" = ").value(id).push(" AND id >= ").value(oldest)
    };
    let logins = match of {
        LoginsOf::Organization(id) => recent("organization_id", id.to_string()),
        LoginsOf::Connection(organization, id) => recent("organization_id", organization.to_string())
            .push(" AND saml_connection_id = ")
            .value(id.to_string()),
        LoginsOf::Client(environment, id) => recent("environment_id", environment.to_string())
            .push(" AND oauth_client_id = ")
            .value(id.to_string()),
    };
    let codes = Sql::from("UPDATE saml_flows SET code_expires_at = ")
        .value(now.millis())
        .push(" WHERE ")
        .append(logins.clone())
        .push(" AND code_consumed_at IS NULL AND code_expires_at > ")
        .value(now.millis());
    tx.dynamic(codes).execute().await?;
    let tokens = Sql::from("UPDATE access_tokens SET revoked_at = ")
        .value(now.millis())
        .push(" WHERE revoked_at IS NULL AND expires_at > ")
        .value(now.millis())
        .push(" AND flow_id IN (SELECT id FROM saml_flows WHERE ")
        .append(logins)
        .push(")");
    tx.dynamic(tokens).execute().await?;
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
