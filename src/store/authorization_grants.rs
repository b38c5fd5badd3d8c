//! Grants: what an accepted login gives an app. Codes and access tokens hang from a grant and end with it.

use base::{
    connection_id::ConnectionId,
    id::{GrantId, LoginFlowId, OauthClientId, OrganizationId},
    time::Timestamp,
};
use model::{authorization_grant::AuthorizationGrant, email::Email, login_flow::Attributes};

use super::{
    Conn, Sql, Transaction,
    batch::{BATCH_SIZE, DELETE_BATCH_SIZE},
    columns,
    error::{Error, Result},
    signed_access_tokens::{self, TokensOf},
};

/// The login that a code or an access token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The grant.
    pub grant_id: GrantId,
    /// The login flow.
    pub flow_id: LoginFlowId,
    /// What `sub` is for the OAuth client; `None` without one.
    pub subject: Option<String>,
    /// The person.
    pub email: Email,
    /// The attributes that the identity provider asserted.
    pub attributes: Attributes,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The vendor's own id of the organization.
    pub organization_external_id: Option<String>,
    /// The connection of the login.
    pub connection_id: ConnectionId,
}

#[derive(sqlx::FromRow)]
pub(super) struct LoginColumns {
    grant_id: GrantId,
    flow_id: LoginFlowId,
    subject: Option<String>,
    email: String,
    attributes: Option<String>,
    organization_id: OrganizationId,
    external_id: Option<String>,
    connection_id: ConnectionId,
}

/// The columns of [`LoginColumns`], of a grant `g` and its organization `o`.
macro_rules! login_columns {
    () => {
        "g.id AS grant_id, g.flow_id, g.subject, g.email, g.attributes, g.organization_id, g.connection_id, o.external_id"
    };
}
pub(super) use login_columns;

impl TryFrom<LoginColumns> for Login {
    type Error = Error;

    fn try_from(row: LoginColumns) -> Result<Self> {
        let broken = |column| Error::inconsistent("authorization_grants", column, row.grant_id);
        Ok(Self {
            grant_id: row.grant_id,
            flow_id: row.flow_id,
            subject: row.subject,
            email: Email::parse(&row.email).ok_or_else(|| broken("email"))?,
            attributes: match &row.attributes {
                Some(json) => serde_json::from_str(json).map_err(|_| broken("attributes"))?,
                None => Attributes::new(),
            },
            organization_id: row.organization_id,
            organization_external_id: row.external_id,
            connection_id: row.connection_id,
        })
    }
}

/// Adds a grant.
pub async fn insert(conn: &mut Conn, grant: &AuthorizationGrant) -> Result<()> {
    conn.sql(
        "INSERT INTO authorization_grants (id, environment_id, organization_id, client_id, flow_id, connection_id, subject, \
         email, email_key, attributes, scope, authenticated_at, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(grant.id)
    .bind(grant.environment_id)
    .bind(grant.organization_id)
    .bind(grant.client_id)
    .bind(grant.flow_id)
    .bind(grant.connection_id)
    .bind(grant.subject.as_deref())
    .bind(grant.email.as_str())
    .bind(grant.email.key())
    .bind((!grant.attributes.is_empty()).then(|| columns::to_json(&grant.attributes)).transpose()?)
    .bind(grant.scope.as_deref())
    .bind(grant.authenticated_at)
    .bind(grant.created_at)
    .bind(grant.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Revokes a grant. Returns whether it was good until now.
pub async fn revoke(conn: &mut Conn, id: GrantId, now: Timestamp) -> Result<bool> {
    let rows = conn
        .sql("UPDATE authorization_grants SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
        .bind(now)
        .bind(id)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Whose grants are revoked.
#[derive(Debug, Clone, Copy)]
pub enum GrantsOf {
    /// Of an organization.
    Organization(OrganizationId),
    /// Of an organization's connection.
    Connection(OrganizationId, ConnectionId),
    /// Of an OAuth client.
    Client(OauthClientId),
}

/// Revokes the grants of an organization, a connection or a client; of an organization, also the access tokens that are good in it.
pub async fn revoke_all(tx: &mut Transaction, of: GrantsOf, now: Timestamp) -> Result<()> {
    macro_rules! revoke {
        ($condition:literal) => {
            tx.sql(concat!(
                "UPDATE authorization_grants SET revoked_at = $1 WHERE revoked_at IS NULL AND ",
                $condition
            ))
            .bind(now)
        };
    }
    let statement = match of {
        GrantsOf::Organization(id) => revoke!("organization_id = $2").bind(id),
        GrantsOf::Connection(organization, id) => {
            revoke!("organization_id = $2 AND connection_id = $3").bind(organization).bind(id)
        }
        GrantsOf::Client(id) => revoke!("client_id = $2").bind(id),
    };
    statement.execute().await?;
    match of {
        GrantsOf::Organization(id) => {
            signed_access_tokens::revoke_all(tx, TokensOf::Organization(id), now).await
        }
        GrantsOf::Connection(..) | GrantsOf::Client(_) => Ok(()),
    }
}

/// Revokes the grants of people in an organization. `emails` are keys ([`Email::key`]).
pub async fn revoke_for_emails(
    tx: &mut Transaction,
    organization: OrganizationId,
    emails: &[String],
    now: Timestamp,
) -> Result<()> {
    for some in emails.chunks(BATCH_SIZE) {
        let grants = Sql::from("UPDATE authorization_grants SET revoked_at = ")
            .value(now.millis())
            .push(" WHERE revoked_at IS NULL AND organization_id = ")
            .value(organization.to_string())
            .push(" AND email_key IN (")
            .values(some.iter().map(String::as_str))
            .push(")");
        tx.dynamic(grants).execute().await?;
    }
    Ok(())
}

/// Deletes grants that expired before `before`, with their codes and tokens. Returns how many.
pub async fn remove_expired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM authorization_grants WHERE id IN \
         (SELECT id FROM authorization_grants WHERE expires_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
