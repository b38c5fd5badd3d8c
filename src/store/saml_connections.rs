//! SAML connections. `login_connections`, `metadata_refreshes` and `certificate_expiries` read the same table.

use base::{
    id::{EnvironmentId, OrganizationId, SamlConnectionId},
    time::Timestamp,
};
use model::{
    environment::IdpInitiated,
    http_url::HttpUrl,
    idp_kind::IdpKind,
    saml_connection::{EXPIRY_WARNINGS, IdpBinding, MetadataRefresh, SamlConnection, last_expiry},
};

use super::{Conn, Error, Result, Transaction, columns};

const TABLE: &str = "saml_connections";

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: SamlConnectionId,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    is_primary: bool,
    idp_entity_id: Option<String>,
    idp_redirect_url: Option<String>,
    idp_certificates: String,
    idp_certificate_expires_at: Option<Timestamp>,
    idp_metadata_url: Option<String>,
    metadata_fetched_at: Option<Timestamp>,
    metadata_etag: Option<String>,
    metadata_last_modified: Option<String>,
    metadata_certificates: Option<String>,
    metadata_next_refresh_at: Option<Timestamp>,
    metadata_hurried_at: Option<Timestamp>,
    metadata_error: Option<String>,
    metadata_failures: i64,
    idp_binding: String,
    sp_entity_id: String,
    sp_acs_urls: String,
    idp_initiated: Option<String>,
    email_attribute: Option<String>,
    allow_sha1: bool,
    assertion_encryption: bool,
    allow_cbc_encryption: bool,
    sign_authn_requests: bool,
    force_authn: bool,
    idp_kind: Option<String>,
    test: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for SamlConnection {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| move || Error::inconsistent(TABLE, column, row.id);
        Ok(Self {
            id: row.id,
            environment_id: row.environment_id,
            organization_id: row.organization_id,
            primary: row.is_primary,
            idp_entity_id: row.idp_entity_id,
            idp_redirect_url: row
                .idp_redirect_url
                .map(|url| HttpUrl::parse(&url).ok_or_else(unreadable("idp_redirect_url")))
                .transpose()?,
            idp_certificates: columns::pem_blocks(&row.idp_certificates),
            idp_certificate_expires_at: row.idp_certificate_expires_at,
            idp_metadata_url: row
                .idp_metadata_url
                .map(|url| HttpUrl::parse(&url).ok_or_else(unreadable("idp_metadata_url")))
                .transpose()?,
            metadata: MetadataRefresh {
                fetched_at: row.metadata_fetched_at,
                etag: row.metadata_etag,
                last_modified: row.metadata_last_modified,
                certificates: match row.metadata_certificates {
                    None => Vec::new(),
                    Some(list) => {
                        columns::list_from_json(&list).ok_or_else(unreadable("metadata_certificates"))?
                    }
                },
                next_at: row.metadata_next_refresh_at,
                refresh_requested_at: row.metadata_hurried_at,
                error: row.metadata_error,
                failures: u32::try_from(row.metadata_failures)
                    .map_err(|_| unreadable("metadata_failures")())?,
            },
            idp_binding: IdpBinding::parse(&row.idp_binding).ok_or_else(unreadable("idp_binding"))?,
            sp_entity_id: row.sp_entity_id,
            sp_acs_urls: columns::list_from_json(&row.sp_acs_urls).ok_or_else(unreadable("sp_acs_urls"))?,
            idp_initiated: row
                .idp_initiated
                .map(|policy| IdpInitiated::parse(&policy).ok_or_else(unreadable("idp_initiated")))
                .transpose()?,
            email_attribute: row.email_attribute,
            allow_sha1: row.allow_sha1,
            assertion_encryption: row.assertion_encryption,
            allow_cbc_encryption: row.allow_cbc_encryption,
            sign_authn_requests: row.sign_authn_requests,
            force_authn: row.force_authn,
            idp_kind: row
                .idp_kind
                .map(|kind| IdpKind::parse(&kind).ok_or_else(unreadable("idp_kind")))
                .transpose()?,
            test: row.test,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

// Columns are listed, never `*`: when the next release adds a column, statements that a running replica has
// prepared must stay valid.
/// The columns of a connection, for every statement that reads one.
macro_rules! connection_columns {
    () => {
        "c.id, c.environment_id, c.organization_id, c.is_primary, c.idp_entity_id, c.idp_redirect_url, \
             c.idp_certificates, c.idp_certificate_expires_at, c.idp_metadata_url, c.metadata_fetched_at, \
             c.metadata_etag, c.metadata_last_modified, c.metadata_certificates, c.metadata_next_refresh_at, \
             c.metadata_hurried_at, c.metadata_error, c.metadata_failures, c.idp_binding, c.sp_entity_id, c.sp_acs_urls, c.idp_initiated, \
             c.email_attribute, c.allow_sha1, c.assertion_encryption, c.allow_cbc_encryption, \
             c.sign_authn_requests, c.force_authn, c.idp_kind, c.test, c.created_at, c.updated_at"
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", connection_columns!(), " FROM saml_connections c ", $rest)
    };
}

pub(super) use {connection_columns, select};

/// The connection with this id in the environment.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: SamlConnectionId,
) -> Result<Option<SamlConnection>> {
    conn.sql(select!("WHERE c.environment_id = $1 AND c.id = $2"))
        .bind(environment_id)
        .bind(id)
        .optional::<Row>()
        .await?
        .map(SamlConnection::try_from)
        .transpose()
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
    conn.sql(select!(
        "WHERE c.environment_id = $1 AND c.organization_id = $2 AND c.id >= $3 ORDER BY c.id LIMIT $4"
    ))
    .bind(environment_id)
    .bind(organization_id)
    .bind(columns::page_start(from))
    .bind(limit)
    .all::<Row>()
    .await?
    .into_iter()
    .map(SamlConnection::try_from)
    .collect()
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
    conn.sql(select!("WHERE c.id >= $1 ORDER BY c.id LIMIT $2"))
        .bind(columns::page_start(from))
        .bind(limit)
        .all::<Row>()
        .await?
        .into_iter()
        .map(SamlConnection::try_from)
        .collect()
}

/// Up to `limit` connections that use the bundled test identity provider.
pub async fn list_tests(conn: &mut Conn, limit: i64) -> Result<Vec<SamlConnection>> {
    conn.sql(select!("WHERE c.test ORDER BY c.id LIMIT $1"))
        .bind(limit)
        .all::<Row>()
        .await?
        .into_iter()
        .map(SamlConnection::try_from)
        .collect()
}

/// Clears the primary flag of the organization's connections. The caller has locked the organization.
pub async fn unset_primary(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    tx.sql(
        "UPDATE saml_connections SET is_primary = FALSE \
         WHERE environment_id = $1 AND organization_id = $2 AND is_primary",
    )
    .bind(environment_id)
    .bind(organization_id)
    .execute()
    .await?;
    Ok(())
}

/// Adds a connection. [`Error::Duplicate`]: the organization already has a primary connection.
pub async fn insert(conn: &mut Conn, connection: &SamlConnection) -> Result<()> {
    let expires_at = last_expiry(&connection.idp_certificates);
    conn.sql(
        "INSERT INTO saml_connections (id, environment_id, organization_id, is_primary, idp_entity_id, \
         idp_redirect_url, idp_certificates, idp_binding, sp_entity_id, sp_acs_urls, idp_initiated, \
         email_attribute, allow_sha1, assertion_encryption, allow_cbc_encryption, sign_authn_requests, \
         force_authn, test, created_at, updated_at, idp_certificate_expires_at, \
         certificate_next_warning_at, idp_metadata_url, metadata_fetched_at, metadata_etag, \
         metadata_last_modified, metadata_certificates, metadata_next_refresh_at, metadata_hurried_at, \
         metadata_error, metadata_failures, idp_kind) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
         $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)",
    )
    .bind(connection.id)
    .bind(connection.environment_id)
    .bind(connection.organization_id)
    .bind(connection.primary)
    .bind(connection.idp_entity_id.as_deref())
    .bind(connection.idp_redirect_url.as_ref().map(HttpUrl::as_str))
    .bind(connection.idp_certificates.concat())
    .bind(connection.idp_binding.as_str())
    .bind(connection.sp_entity_id.as_str())
    .bind(columns::list_to_json(&connection.sp_acs_urls))
    .bind(connection.idp_initiated.map(IdpInitiated::as_str))
    .bind(connection.email_attribute.as_deref())
    .bind(connection.allow_sha1)
    .bind(connection.assertion_encryption)
    .bind(connection.allow_cbc_encryption)
    .bind(connection.sign_authn_requests)
    .bind(connection.force_authn)
    .bind(connection.test)
    .bind(connection.created_at)
    .bind(connection.updated_at)
    .bind(expires_at)
    .bind(expires_at.map(first_warning))
    .bind(connection.idp_metadata_url.as_ref().map(HttpUrl::as_str))
    .bind(connection.metadata.fetched_at)
    .bind(connection.metadata.etag.as_deref())
    .bind(connection.metadata.last_modified.as_deref())
    .bind(columns::list_to_json(&connection.metadata.certificates))
    .bind(connection.metadata.next_at)
    .bind(connection.metadata.refresh_requested_at)
    .bind(connection.metadata.error.as_deref())
    .bind(i64::from(connection.metadata.failures))
    .bind(connection.idp_kind.map(IdpKind::as_str))
    .execute()
    .await?;
    Ok(())
}

/// Updates a connection. Returns whether it exists. [`Error::Duplicate`]: the organization has another primary
/// connection.
pub async fn update(conn: &mut Conn, connection: &SamlConnection) -> Result<bool> {
    let expires_at = last_expiry(&connection.idp_certificates);
    let touched = conn
        .sql(
            "UPDATE saml_connections SET is_primary = $3, idp_entity_id = $4, idp_redirect_url = $5, \
             idp_certificates = $6, idp_binding = $7, sp_entity_id = $8, sp_acs_urls = $9, \
             idp_initiated = $10, email_attribute = $11, allow_sha1 = $12, assertion_encryption = $13, \
             allow_cbc_encryption = $14, sign_authn_requests = $15, force_authn = $16, test = $17, \
             updated_at = $18, idp_certificate_expires_at = $19, \
             certificate_next_warning_at = CASE WHEN idp_certificate_expires_at IS DISTINCT FROM $19 THEN $20 \
             ELSE certificate_next_warning_at END, idp_metadata_url = $21, metadata_fetched_at = $22, \
             metadata_etag = $23, metadata_last_modified = $24, metadata_certificates = $25, \
             metadata_next_refresh_at = $26, metadata_hurried_at = $27, metadata_error = $28, \
             metadata_failures = $29, idp_kind = $30 \
             WHERE environment_id = $1 AND id = $2",
        )
        .bind(connection.environment_id)
        .bind(connection.id)
        .bind(connection.primary)
        .bind(connection.idp_entity_id.as_deref())
        .bind(connection.idp_redirect_url.as_ref().map(HttpUrl::as_str))
        .bind(connection.idp_certificates.concat())
        .bind(connection.idp_binding.as_str())
        .bind(connection.sp_entity_id.as_str())
        .bind(columns::list_to_json(&connection.sp_acs_urls))
        .bind(connection.idp_initiated.map(IdpInitiated::as_str))
        .bind(connection.email_attribute.as_deref())
        .bind(connection.allow_sha1)
        .bind(connection.assertion_encryption)
        .bind(connection.allow_cbc_encryption)
        .bind(connection.sign_authn_requests)
        .bind(connection.force_authn)
        .bind(connection.test)
        .bind(connection.updated_at)
        .bind(expires_at)
        .bind(expires_at.map(first_warning))
        .bind(connection.idp_metadata_url.as_ref().map(HttpUrl::as_str))
        .bind(connection.metadata.fetched_at)
        .bind(connection.metadata.etag.as_deref())
        .bind(connection.metadata.last_modified.as_deref())
        .bind(columns::list_to_json(&connection.metadata.certificates))
        .bind(connection.metadata.next_at)
        .bind(connection.metadata.refresh_requested_at)
        .bind(connection.metadata.error.as_deref())
        .bind(i64::from(connection.metadata.failures))
        .bind(connection.idp_kind.map(IdpKind::as_str))
        .execute()
        .await?;
    Ok(touched == 1)
}

/// When the first warning of certificates that expire at `expires_at` is due.
pub(super) fn first_warning(expires_at: Timestamp) -> Timestamp {
    expires_at - EXPIRY_WARNINGS[0]
}

/// Deletes a connection. Returns whether it existed.
pub async fn remove(conn: &mut Conn, environment_id: EnvironmentId, id: SamlConnectionId) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM saml_connections WHERE environment_id = $1 AND id = $2")
        .bind(environment_id)
        .bind(id)
        .execute()
        .await?;
    Ok(touched == 1)
}
