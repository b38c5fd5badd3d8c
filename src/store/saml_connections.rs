//! SAML connections, alone and with the organization and environment that a login needs.

use super::{Conn, Error, Result, Transaction, columns, environments, organizations};
use crate::model::{
    domain::Domain,
    environment::{Environment, IdpInitiated},
    http_url::HttpUrl,
    id::{EnvironmentId, OrganizationId, SamlConnectionId},
    idp_kind::IdpKind,
    organization::Organization,
    saml_connection::{EXPIRY_WARNINGS, IdpBinding, MetadataRefresh, SamlConnection, last_expiry},
    time::Timestamp,
};

const TABLE: &str = "saml_connections";

#[derive(sqlx::FromRow)]
struct Row {
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

/// A connection with its organization and environment: what a login needs, read by one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginConnection {
    /// The connection.
    pub connection: SamlConnection,
    /// Its organization.
    pub organization: Organization,
    /// Its environment.
    pub environment: Environment,
}

#[derive(sqlx::FromRow)]
struct LoginRow {
    #[sqlx(flatten)]
    connection: Row,
    o_display_name: String,
    o_external_id: Option<String>,
    o_domains: Option<String>,
    o_created_at: Timestamp,
    o_updated_at: Timestamp,
    e_slug: String,
    e_display_name: String,
    e_redirect_url: Option<String>,
    e_oauth_redirect_uris: String,
    e_auth_url: Option<String>,
    e_idp_initiated: String,
    e_created_at: Timestamp,
    e_updated_at: Timestamp,
}

impl TryFrom<LoginRow> for LoginConnection {
    type Error = Error;

    fn try_from(row: LoginRow) -> Result<Self> {
        let connection = SamlConnection::try_from(row.connection)?;
        let organization = Organization {
            id: connection.organization_id,
            environment_id: connection.environment_id,
            display_name: row.o_display_name,
            external_id: row.o_external_id,
            domains: organizations::domains(row.o_domains.as_deref()).ok_or_else(|| {
                Error::inconsistent("organization_domains", "domain, state", connection.organization_id)
            })?,
            created_at: row.o_created_at,
            updated_at: row.o_updated_at,
        };
        let environment = Environment::try_from(environments::Row {
            id: connection.environment_id,
            slug: row.e_slug,
            display_name: row.e_display_name,
            redirect_url: row.e_redirect_url,
            oauth_redirect_uris: row.e_oauth_redirect_uris,
            auth_url: row.e_auth_url,
            idp_initiated: row.e_idp_initiated,
            created_at: row.e_created_at,
            updated_at: row.e_updated_at,
        })?;
        Ok(Self { connection, organization, environment })
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

macro_rules! select_named {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            connection_columns!(),
            ", o.display_name AS o_display_name \
             FROM saml_connections c JOIN organizations o ON o.id = c.organization_id ",
            $rest
        )
    };
}

macro_rules! select_for_login {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            connection_columns!(),
            ", o.display_name AS o_display_name, o.external_id AS o_external_id, \
             (SELECT string_agg(d.domain || ' ' || d.state, ',') FROM organization_domains d \
             WHERE d.organization_id = o.id) AS o_domains, \
             o.created_at AS o_created_at, o.updated_at AS o_updated_at, e.slug AS e_slug, \
             e.display_name AS e_display_name, e.redirect_url AS e_redirect_url, \
             e.oauth_redirect_uris AS e_oauth_redirect_uris, e.auth_url AS e_auth_url, \
             e.idp_initiated AS e_idp_initiated, e.created_at AS e_created_at, \
             e.updated_at AS e_updated_at \
             FROM saml_connections c JOIN organizations o ON o.id = c.organization_id \
             JOIN environments e ON e.id = c.environment_id ",
            $rest
        )
    };
}

/// The connection named in a URL path by a browser or an identity provider. Not scoped: the id is the scope.
pub async fn find_for_login(conn: &mut Conn, id: SamlConnectionId) -> Result<Option<LoginConnection>> {
    conn.sql(select_for_login!("WHERE c.id = $1"))
        .bind(id)
        .optional::<LoginRow>()
        .await?
        .map(LoginConnection::try_from)
        .transpose()
}

/// The connection with this id in the environment, with what a login needs.
pub async fn find_in_environment(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: SamlConnectionId,
) -> Result<Option<LoginConnection>> {
    conn.sql(select_for_login!("WHERE c.environment_id = $1 AND c.id = $2"))
        .bind(environment_id)
        .bind(id)
        .optional::<LoginRow>()
        .await?
        .map(LoginConnection::try_from)
        .transpose()
}

/// The primary connection of an organization.
pub async fn find_primary(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<LoginConnection>> {
    conn.sql(select_for_login!("WHERE c.environment_id = $1 AND c.organization_id = $2 AND c.is_primary"))
        .bind(environment_id)
        .bind(organization_id)
        .optional::<LoginRow>()
        .await?
        .map(LoginConnection::try_from)
        .transpose()
}

/// The primary connection of the organization with this external id.
pub async fn find_primary_by_external_id(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    external_id: &str,
) -> Result<Option<LoginConnection>> {
    conn.sql(select_for_login!("WHERE o.environment_id = $1 AND o.external_id = $2 AND c.is_primary"))
        .bind(environment_id)
        .bind(external_id)
        .optional::<LoginRow>()
        .await?
        .map(LoginConnection::try_from)
        .transpose()
}

/// The primary connections of up to `limit` organizations for which the domain counts (ruling 2: `whitelisted`
/// and `verified`), in the organizations' creation order.
pub async fn list_primary_by_domain(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    domain: &Domain,
    limit: i64,
) -> Result<Vec<LoginConnection>> {
    conn.sql(select_for_login!(
        "JOIN organization_domains r ON r.organization_id = o.id WHERE r.environment_id = $1 \
         AND r.domain = $2 AND r.state IN ('whitelisted', 'verified') AND c.is_primary \
         ORDER BY o.id LIMIT $3"
    ))
    .bind(environment_id)
    .bind(domain.as_str())
    .bind(limit)
    .all::<LoginRow>()
    .await?
    .into_iter()
    .map(LoginConnection::try_from)
    .collect()
}

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

/// Up to `limit` connections whose metadata refresh is due, the longest overdue first.
pub async fn list_metadata_due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<SamlConnection>> {
    conn.sql(select!(
        "WHERE c.metadata_next_refresh_at IS NOT NULL AND c.metadata_next_refresh_at <= $1 \
         ORDER BY c.metadata_next_refresh_at LIMIT $2"
    ))
    .bind(now)
    .bind(limit)
    .all::<Row>()
    .await?
    .into_iter()
    .map(SamlConnection::try_from)
    .collect()
}

/// Claims the metadata refresh of a connection until `until`, unless another replica has claimed it since
/// `seen` was read. Returns whether it did.
pub async fn claim_metadata_refresh(
    conn: &mut Conn,
    id: SamlConnectionId,
    seen: Option<Timestamp>,
    until: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE saml_connections SET metadata_next_refresh_at = $3 \
             WHERE id = $1 AND metadata_next_refresh_at = $2",
        )
        .bind(id)
        .bind(seen)
        .bind(until)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Makes the metadata refresh of a connection due now, unless that was requested after `before`. Returns
/// whether it did.
pub async fn request_metadata_refresh(
    conn: &mut Conn,
    id: SamlConnectionId,
    now: Timestamp,
    before: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE saml_connections SET metadata_next_refresh_at = $2, metadata_hurried_at = $2 \
             WHERE id = $1 AND idp_metadata_url IS NOT NULL \
             AND (metadata_hurried_at IS NULL OR metadata_hurried_at <= $3)",
        )
        .bind(id)
        .bind(now)
        .bind(before)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// A connection with the name of its organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedConnection {
    /// The connection.
    pub connection: SamlConnection,
    /// The name of its organization.
    pub organization: String,
}

#[derive(sqlx::FromRow)]
struct NamedRow {
    #[sqlx(flatten)]
    connection: Row,
    o_display_name: String,
}

/// Up to `limit` connections of an environment in order of certificate expiry, from `from` on.
pub async fn list_by_expiry(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    from: Option<SamlConnectionId>,
    limit: i64,
) -> Result<Vec<NamedConnection>> {
    let rows: Vec<NamedRow> = match from {
        None => {
            conn.sql(select_named!(
                "WHERE c.environment_id = $1 AND c.idp_certificate_expires_at IS NOT NULL \
                 ORDER BY c.idp_certificate_expires_at, c.id LIMIT $2"
            ))
            .bind(environment_id)
            .bind(limit)
            .all()
            .await?
        }
        Some(from) => {
            conn.sql(select_named!(
                "WHERE c.environment_id = $1 AND c.idp_certificate_expires_at IS NOT NULL \
                 AND (c.idp_certificate_expires_at, c.id) >= ((SELECT f.idp_certificate_expires_at \
                 FROM saml_connections f WHERE f.id = $2), $2) \
                 ORDER BY c.idp_certificate_expires_at, c.id LIMIT $3"
            ))
            .bind(environment_id)
            .bind(from)
            .bind(limit)
            .all()
            .await?
        }
    };
    rows.into_iter()
        .map(|row| {
            Ok(NamedConnection {
                connection: SamlConnection::try_from(row.connection)?,
                organization: row.o_display_name,
            })
        })
        .collect()
}

/// A certificate expiry warning that is due.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DueWarning {
    /// The connection.
    pub id: SamlConnectionId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// The entity id of its identity provider.
    pub idp_entity_id: Option<String>,
    /// The URL of its metadata.
    pub idp_metadata_url: Option<String>,
    /// When the certificate with the latest `notAfter` expires.
    #[sqlx(rename = "idp_certificate_expires_at")]
    pub expires_at: Timestamp,
    /// Since when the warning is due.
    #[sqlx(rename = "certificate_next_warning_at")]
    pub due_at: Timestamp,
}

/// Up to `limit` warnings that are due, the longest overdue first.
pub async fn list_warnings_due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<DueWarning>> {
    conn.sql(
        "SELECT id, environment_id, organization_id, idp_entity_id, idp_metadata_url, \
         idp_certificate_expires_at, certificate_next_warning_at FROM saml_connections \
         WHERE certificate_next_warning_at IS NOT NULL AND certificate_next_warning_at <= $1 \
         ORDER BY certificate_next_warning_at LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .all()
    .await
}

/// Claims a warning and sets when the next one is due, unless another replica claimed it or the certificates
/// changed. Returns whether it did.
pub async fn claim_expiry_warning(
    conn: &mut Conn,
    due: &DueWarning,
    next: Option<Timestamp>,
) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE saml_connections SET certificate_next_warning_at = $4 WHERE id = $1 \
             AND certificate_next_warning_at = $2 AND idp_certificate_expires_at = $3",
        )
        .bind(due.id)
        .bind(due.due_at)
        .bind(due.expires_at)
        .bind(next)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// How many connections have a latest certificate that expires after `after` (if given) and not after `until`.
pub async fn count_expiring(conn: &mut Conn, after: Option<Timestamp>, until: Timestamp) -> Result<u32> {
    let (count,): (i64,) = conn
        .sql(
            "SELECT COUNT(*) FROM saml_connections \
             WHERE idp_certificate_expires_at > $1 AND idp_certificate_expires_at <= $2",
        )
        .bind(after.unwrap_or(Timestamp::from_millis(i64::MIN)))
        .bind(until)
        .one()
        .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Up to `limit` connections with certificates whose expiry is not stored, from `from` on.
pub async fn list_missing_expiries(
    conn: &mut Conn,
    from: Option<SamlConnectionId>,
    limit: i64,
) -> Result<Vec<(SamlConnectionId, Vec<String>)>> {
    let rows: Vec<(SamlConnectionId, String)> = conn
        .sql(
            "SELECT id, idp_certificates FROM saml_connections WHERE idp_certificate_expires_at IS NULL \
             AND idp_certificates <> '' AND id >= $1 ORDER BY id LIMIT $2",
        )
        .bind(columns::page_start(from))
        .bind(limit)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id, text)| (id, columns::pem_blocks(&text))).collect())
}

/// Stores when a connection's certificates expire, unless the certificates changed or the expiry is stored
/// already.
pub async fn update_expiry(
    conn: &mut Conn,
    id: SamlConnectionId,
    certificates: &[String],
    expires_at: Timestamp,
) -> Result<()> {
    conn.sql(
        "UPDATE saml_connections SET idp_certificate_expires_at = $3, certificate_next_warning_at = $4 \
         WHERE id = $1 AND idp_certificates = $2 AND idp_certificate_expires_at IS NULL",
    )
    .bind(id)
    .bind(certificates.concat())
    .bind(expires_at)
    .bind(first_warning(expires_at))
    .execute()
    .await?;
    Ok(())
}

/// When the first warning of certificates that expire at `expires_at` is due.
fn first_warning(expires_at: Timestamp) -> Timestamp {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            domain::DomainState,
            environment::Slug,
            id::{Id, IdKind},
            organization::OrganizationDomain,
        },
        store::{Db, api_keys, environments},
    };

    fn id<K: IdKind>(bits: u128) -> Id<K> {
        Id::from_bits(bits)
    }

    fn login_connection() -> LoginConnection {
        let at = Timestamp::from_millis(1000);
        let url = |text: &str| HttpUrl::parse(text).unwrap();
        let domain = |text: &str, state| OrganizationDomain { domain: Domain::parse(text).unwrap(), state };
        LoginConnection {
            environment: Environment {
                id: id(1),
                slug: Slug::parse("prod").unwrap(),
                display_name: "Production".into(),
                redirect_url: Some(url("https://app.example/cb")),
                oauth_redirect_uris: vec![url("https://app.example/oauth")],
                auth_url: None,
                idp_initiated: IdpInitiated::Restart,
                created_at: at,
                updated_at: at,
            },
            organization: Organization {
                id: id(2),
                environment_id: id(1),
                display_name: "Acme".into(),
                external_id: Some("acme".into()),
                domains: vec![
                    domain("acme.example", DomainState::Whitelisted),
                    domain("beta.example", DomainState::Pending),
                ],
                created_at: at,
                updated_at: at,
            },
            connection: SamlConnection {
                id: id(3),
                environment_id: id(1),
                organization_id: id(2),
                primary: true,
                idp_entity_id: Some("https://idp.example".into()),
                idp_redirect_url: Some(url("https://idp.example/sso")),
                idp_certificates: Vec::new(),
                idp_certificate_expires_at: None,
                idp_metadata_url: Some(url("https://idp.example/metadata")),
                metadata: MetadataRefresh {
                    fetched_at: Some(at),
                    etag: Some("\"v1\"".into()),
                    last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".into()),
                    certificates: vec!["ab".into()],
                    next_at: Some(at),
                    refresh_requested_at: Some(at),
                    error: Some("the server answered 500".into()),
                    failures: 2,
                },
                idp_binding: IdpBinding::Redirect,
                sp_entity_id: "https://sp.example".into(),
                sp_acs_urls: vec!["https://sp.example/acs".into()],
                idp_initiated: Some(IdpInitiated::Allow),
                email_attribute: Some("mail".into()),
                allow_sha1: true,
                assertion_encryption: false,
                allow_cbc_encryption: true,
                sign_authn_requests: false,
                force_authn: true,
                idp_kind: Some(IdpKind::Okta),
                test: false,
                created_at: at,
                updated_at: at,
            },
        }
    }

    #[tokio::test]
    async fn what_a_login_needs_is_found_by_every_way_to_name_it() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let all = login_connection();
        let mut tx = db.write().await.unwrap();
        environments::insert(&mut tx, &all.environment).await.unwrap();
        organizations::insert(&mut tx, &all.organization).await.unwrap();
        insert(&mut tx, &all.connection).await.unwrap();
        assert!(update(&mut tx, &all.connection).await.unwrap());
        assert!(organizations::lock(&mut tx, id(1), id(2)).await.unwrap());
        assert!(organizations::update(&mut tx, &all.organization).await.unwrap());
        assert!(environments::update(&mut tx, &all.environment).await.unwrap());
        tx.commit().await.unwrap();

        let mut conn = db.read().await.unwrap();
        assert_eq!(find_for_login(&mut conn, id(3)).await.unwrap().as_ref(), Some(&all));
        assert_eq!(find_in_environment(&mut conn, id(1), id(3)).await.unwrap().as_ref(), Some(&all));
        assert_eq!(find_in_environment(&mut conn, id(9), id(3)).await.unwrap(), None);
        assert_eq!(find_primary(&mut conn, id(1), id(2)).await.unwrap().as_ref(), Some(&all));
        assert_eq!(find_primary(&mut conn, id(9), id(2)).await.unwrap(), None);
        let by_name = find_primary_by_external_id(&mut conn, id(1), "acme").await.unwrap();
        assert_eq!(by_name.as_ref(), Some(&all));
        assert_eq!(find(&mut conn, id(1), id(3)).await.unwrap().as_ref(), Some(&all.connection));
        assert_eq!(
            list(&mut conn, id(1), id(2), None, 9).await.unwrap(),
            std::slice::from_ref(&all.connection)
        );
        assert_eq!(list(&mut conn, id(1), id(2), Some(id(4)), 9).await.unwrap(), []);
        let whitelisted = Domain::parse("acme.example").unwrap();
        let pending = Domain::parse("beta.example").unwrap();
        assert_eq!(
            list_primary_by_domain(&mut conn, id(1), &whitelisted, 9).await.unwrap(),
            std::slice::from_ref(&all)
        );
        assert_eq!(list_primary_by_domain(&mut conn, id(1), &pending, 9).await.unwrap(), []);
        assert_eq!(
            organizations::list_by_domain(&mut conn, id(1), &whitelisted, 9).await.unwrap(),
            std::slice::from_ref(&all.organization)
        );
        assert_eq!(environments::find(&mut conn, id(1)).await.unwrap().as_ref(), Some(&all.environment));
        assert_eq!(api_keys::list(&mut conn, id(1), None, 9).await.unwrap(), []);
    }
}
