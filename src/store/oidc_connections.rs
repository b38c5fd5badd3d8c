//! OIDC connections. `oidc_login_connections` reads the same table.

use base::{
    id::{EnvironmentId, EnvironmentKind, OidcConnectionId, OidcConnectionKind, OrganizationId},
    time::Timestamp,
};
use model::{http_url::HttpUrl, oidc_connection::OidcConnection};

use super::{
    Conn, Result, Transaction, columns,
    connection::{Row, Statement},
    table::{Key, Table, select_where},
};

impl Table for OidcConnection {
    type Kind = OidcConnectionKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "oidc_connections";
    const COLUMNS: &'static [&'static str] = &[
        "display_name",
        "is_primary",
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "token_auth_method",
        "response_iss",
        "client_id",
        "client_secret",
        "scopes",
        "claims",
        "disabled",
        "idp_kind",
        "test",
        "updated_at",
    ];
    const FIXED: &'static [&'static str] = &["organization_id", "redirect_uri", "created_at"];

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        (self.version, self.updated_at) = (version, at);
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        let url = |url: &Option<HttpUrl>| url.as_ref().map(|url| url.as_str().to_owned());
        statement
            .bind(self.display_name.as_str())
            .bind(self.primary)
            .bind(self.issuer.as_deref())
            .bind(url(&self.authorization_endpoint))
            .bind(url(&self.token_endpoint))
            .bind(url(&self.userinfo_endpoint))
            .bind(url(&self.jwks_uri))
            .bind(self.token_auth_method.as_str())
            .bind(self.response_iss)
            .bind(self.client_id.as_deref())
            .bind(self.client_secret.as_deref())
            .bind(columns::list_to_json(&self.scopes))
            .bind(serde_json::json!(self.claims).to_string())
            .bind(self.disabled)
            .bind(self.idp_kind.map(<&str>::from))
            .bind(self.test)
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.organization_id).bind(self.redirect_uri.as_str()).bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            organization_id: row.get("organization_id")?,
            version: row.get("version")?,
            display_name: row.get("display_name")?,
            primary: row.get("is_primary")?,
            issuer: row.get("issuer")?,
            authorization_endpoint: row.parse_optional("authorization_endpoint", HttpUrl::parse)?,
            token_endpoint: row.parse_optional("token_endpoint", HttpUrl::parse)?,
            userinfo_endpoint: row.parse_optional("userinfo_endpoint", HttpUrl::parse)?,
            jwks_uri: row.parse_optional("jwks_uri", HttpUrl::parse)?,
            token_auth_method: row.parse("token_auth_method", columns::by_name)?,
            response_iss: row.get("response_iss")?,
            client_id: row.get("client_id")?,
            client_secret: row.get("client_secret")?,
            scopes: row.parse("scopes", columns::list_from_json)?,
            claims: row.parse("claims", |json: &str| serde_json::from_str(json).ok())?,
            redirect_uri: row.get("redirect_uri")?,
            disabled: row.get("disabled")?,
            idp_kind: row.parse_optional("idp_kind", columns::by_name)?,
            test: row.get("test")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The environment of a connection, looked up without a scope: for the command line.
pub async fn find_environment(conn: &mut Conn, id: OidcConnectionId) -> Result<Option<EnvironmentId>> {
    let row: Option<(EnvironmentId,)> =
        conn.sql("SELECT environment_id FROM oidc_connections WHERE id = $1").bind(id).optional().await?;
    Ok(row.map(|(id,)| id))
}

/// Up to `limit` connections of an organization from `from` on, in creation order.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    from: Option<OidcConnectionId>,
    limit: i64,
) -> Result<Vec<OidcConnection>> {
    let condition = "WHERE environment_id = $1 AND organization_id = $2 AND id >= $3 ORDER BY id LIMIT $4";
    select_where::<OidcConnection>(conn, condition)
        .bind(environment_id)
        .bind(organization_id)
        .bind(columns::page_start(from))
        .bind(limit)
        .all_of()
        .await
}

/// Makes the organization's connections not primary, as a change of each. The caller has locked the organization.
pub async fn unset_primary(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    tx.sql(
        "UPDATE oidc_connections SET is_primary = FALSE, version = version + 1 \
         WHERE environment_id = $1 AND organization_id = $2 AND is_primary",
    )
    .bind(environment_id)
    .bind(organization_id)
    .execute()
    .await?;
    Ok(())
}

/// Deletes the connections of an organization.
pub async fn remove_by_organization(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    tx.sql("DELETE FROM oidc_connections WHERE environment_id = $1 AND organization_id = $2")
        .bind(environment_id)
        .bind(organization_id)
        .execute()
        .await?;
    Ok(())
}
