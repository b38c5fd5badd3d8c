//! SAML connections. `login_connections`, `metadata_refreshes` and `certificate_expiries` read the same table.

use std::mem;

use base::{
    id::{EnvironmentId, EnvironmentKind, OrganizationId, SamlConnectionId, SamlConnectionKind},
    time::Timestamp,
};
use model::{
    http_url::HttpUrl,
    saml_connection::{MetadataRefresh, SamlConnection, last_expiry},
};

use super::{
    Conn, Result, Transaction, certificate_expiries, columns,
    connection::{Row, Statement},
    metadata_refreshes,
    table::{self, Key, Table, select_where},
};

impl Table for SamlConnection {
    type Kind = SamlConnectionKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "saml_connections";
    const COLUMNS: &'static [&'static str] = &[
        "is_primary",
        "idp_entity_id",
        "idp_redirect_url",
        "idp_certificates",
        "idp_certificate_expires_at",
        "idp_metadata_url",
        "idp_binding",
        "sp_entity_id",
        "sp_acs_urls",
        "idp_initiated",
        "email_attribute",
        "allow_sha1",
        "assertion_encryption",
        "allow_cbc_encryption",
        "sign_authn_requests",
        "force_authn",
        "disabled",
        "idp_kind",
        "test",
        "updated_at",
    ];
    const FIXED: &'static [&'static str] = &["organization_id", "created_at"];
    const STAMPS: &'static [&'static str] = &[
        "metadata_fetched_at",
        "metadata_etag",
        "metadata_last_modified",
        "metadata_certificates",
        "metadata_next_refresh_at",
        "metadata_hurried_at",
        "metadata_error",
        "metadata_failures",
        "metadata_left_out",
    ];

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        self.version = version;
        self.updated_at = at;
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.primary)
            .bind(self.idp_entity_id.as_deref())
            .bind(self.idp_redirect_url.as_ref().map(HttpUrl::as_str))
            .bind(self.idp_certificates.concat())
            .bind(last_expiry(&self.idp_certificates))
            .bind(self.idp_metadata_url.as_ref().map(HttpUrl::as_str))
            .bind(self.idp_binding.as_str())
            .bind(self.sp_entity_id.as_str())
            .bind(columns::list_to_json(&self.sp_acs_urls))
            .bind(self.idp_initiated.map(<&str>::from))
            .bind(self.email_attribute.as_deref())
            .bind(self.allow_sha1)
            .bind(self.assertion_encryption)
            .bind(self.allow_cbc_encryption)
            .bind(self.sign_authn_requests)
            .bind(self.force_authn)
            .bind(self.disabled)
            .bind(self.idp_kind.map(<&str>::from))
            .bind(self.test)
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.organization_id).bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        let pems: String = row.get("idp_certificates")?;
        let failures: i64 = row.get("metadata_failures")?;
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            organization_id: row.get("organization_id")?,
            version: row.get("version")?,
            primary: row.get("is_primary")?,
            idp_entity_id: row.get("idp_entity_id")?,
            idp_redirect_url: row.parse_optional("idp_redirect_url", HttpUrl::parse)?,
            idp_certificates: columns::pem_blocks(&pems),
            idp_certificate_expires_at: row.get("idp_certificate_expires_at")?,
            idp_metadata_url: row.parse_optional("idp_metadata_url", HttpUrl::parse)?,
            metadata: MetadataRefresh {
                fetched_at: row.get("metadata_fetched_at")?,
                etag: row.get("metadata_etag")?,
                last_modified: row.get("metadata_last_modified")?,
                certificates: row
                    .parse_optional("metadata_certificates", columns::list_from_json)?
                    .unwrap_or_default(),
                next_at: row.get("metadata_next_refresh_at")?,
                refresh_requested_at: row.get("metadata_hurried_at")?,
                error: row.get("metadata_error")?,
                left_out: row
                    .parse_optional("metadata_left_out", columns::list_from_json)?
                    .unwrap_or_default(),
                failures: u32::try_from(failures).map_err(|_| row.inconsistent("metadata_failures"))?,
            },
            idp_binding: row.parse("idp_binding", columns::by_name)?,
            sp_entity_id: row.get("sp_entity_id")?,
            sp_acs_urls: row.parse("sp_acs_urls", columns::list_from_json)?,
            idp_initiated: row.parse_optional("idp_initiated", columns::by_name)?,
            email_attribute: row.get("email_attribute")?,
            allow_sha1: row.get("allow_sha1")?,
            assertion_encryption: row.get("assertion_encryption")?,
            allow_cbc_encryption: row.get("allow_cbc_encryption")?,
            sign_authn_requests: row.get("sign_authn_requests")?,
            force_authn: row.get("force_authn")?,
            disabled: row.get("disabled")?,
            idp_kind: row.parse_optional("idp_kind", columns::by_name)?,
            test: row.get("test")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The environment of a connection, looked up without a scope: for the command line.
pub async fn find_environment(conn: &mut Conn, id: SamlConnectionId) -> Result<Option<EnvironmentId>> {
    let row: Option<(EnvironmentId,)> =
        conn.sql("SELECT environment_id FROM saml_connections WHERE id = $1").bind(id).optional().await?;
    Ok(row.map(|(id,)| id))
}

/// Up to `limit` connections of an organization from `from` on, in creation order.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    from: Option<SamlConnectionId>,
    limit: i64,
) -> Result<Vec<SamlConnection>> {
    let condition = "WHERE environment_id = $1 AND organization_id = $2 AND id >= $3 ORDER BY id LIMIT $4";
    select_where::<SamlConnection>(conn, condition)
        .bind(environment_id)
        .bind(organization_id)
        .bind(columns::page_start(from))
        .bind(limit)
        .all_of()
        .await
}

/// Whether any connection uses the bundled test identity provider.
pub async fn any_test(conn: &mut Conn) -> Result<bool> {
    let (any,): (bool,) = conn.sql("SELECT EXISTS (SELECT 1 FROM saml_connections WHERE test)").one().await?;
    Ok(any)
}

/// Up to `limit` connections of every environment from `from` on: for the command line.
pub async fn list_all(
    conn: &mut Conn,
    from: Option<SamlConnectionId>,
    limit: i64,
) -> Result<Vec<SamlConnection>> {
    select_where::<SamlConnection>(conn, "WHERE id >= $1 ORDER BY id LIMIT $2")
        .bind(columns::page_start(from))
        .bind(limit)
        .all_of()
        .await
}

/// Up to `limit` connections that use the bundled test identity provider.
pub async fn list_tests(conn: &mut Conn, limit: i64) -> Result<Vec<SamlConnection>> {
    select_where::<SamlConnection>(conn, "WHERE test ORDER BY id LIMIT $1").bind(limit).all_of().await
}

/// Makes the organization's connections not primary, as a change of each. The caller has locked the
/// organization.
pub async fn unset_primary(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    tx.sql(
        "UPDATE saml_connections SET is_primary = FALSE, version = version + 1 \
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
    tx.sql("DELETE FROM saml_connections WHERE environment_id = $1 AND organization_id = $2")
        .bind(environment_id)
        .bind(organization_id)
        .execute()
        .await?;
    Ok(())
}

/// Adds a connection with the state of its metadata refresh. [`Error::Duplicate`](super::Error::Duplicate): the organization already has a primary
/// connection.
pub async fn insert(tx: &mut Transaction, connection: &SamlConnection) -> Result<()> {
    table::insert(tx, connection).await?;
    metadata_refreshes::update(tx, connection.id, &connection.metadata).await?;
    let expires_at = last_expiry(&connection.idp_certificates);
    certificate_expiries::restart_warnings(tx, connection.id, expires_at).await
}

/// Stores a changed connection: its settings as the next version if they changed, and beside it the state of its
/// metadata refresh. Returns whether the stored version is still that of `before`.
pub async fn update(
    tx: &mut Transaction,
    before: &SamlConnection,
    after: &mut SamlConnection,
    at: Timestamp,
) -> Result<bool> {
    let refresh = mem::replace(&mut after.metadata, before.metadata.clone());
    if after != before {
        if !table::update(tx, after, at).await? {
            return Ok(false);
        }
        let expires_at = last_expiry(&after.idp_certificates);
        if expires_at != before.idp_certificate_expires_at {
            certificate_expiries::restart_warnings(tx, after.id, expires_at).await?;
        }
    }
    if refresh != before.metadata {
        metadata_refreshes::update(tx, after.id, &refresh).await?;
    }
    after.metadata = refresh;
    Ok(true)
}
