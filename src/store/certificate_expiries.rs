//! When the certificates of identity providers expire, and the warnings before: columns of `saml_connections`.

use base::{
    id::{EnvironmentId, OrganizationId, SamlConnectionId},
    time::Timestamp,
};
use model::saml_connection::{EXPIRY_WARNINGS, SamlConnection};

use super::{
    Conn, Result, Transaction, columns,
    table::{read, select_joined},
};

/// A connection with the name of its organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedConnection {
    /// The connection.
    pub connection: SamlConnection,
    /// The name of its organization.
    pub organization: String,
}

/// The column of the organization's name, and how it is joined.
fn organization() -> String {
    "o.display_name AS o_display_name".to_owned()
}

/// Up to `limit` connections of an environment in order of certificate expiry, from `from` on.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    from: Option<SamlConnectionId>,
    limit: i64,
) -> Result<Vec<NamedConnection>> {
    let statement = match from {
        None => select_joined::<SamlConnection>(
            conn,
            organization,
            "JOIN organizations o ON o.id = saml_connections.organization_id AND o.deleted_at IS NULL \
             WHERE saml_connections.environment_id = $1 AND idp_certificate_expires_at IS NOT NULL \
             ORDER BY idp_certificate_expires_at, saml_connections.id LIMIT $2",
        )
        .bind(environment_id),
        Some(from) => select_joined::<SamlConnection>(
            conn,
            organization,
            "JOIN organizations o ON o.id = saml_connections.organization_id AND o.deleted_at IS NULL \
             WHERE saml_connections.environment_id = $1 AND saml_connections.idp_certificate_expires_at IS NOT NULL \
             AND (saml_connections.idp_certificate_expires_at, saml_connections.id) >= \
             ((SELECT f.idp_certificate_expires_at FROM saml_connections f WHERE f.id = $2), $2) \
             ORDER BY saml_connections.idp_certificate_expires_at, saml_connections.id LIMIT $3",
        )
        .bind(environment_id)
        .bind(from),
    };
    let rows = statement.bind(limit).rows().await?;
    rows.iter()
        .map(|row| Ok(NamedConnection { connection: read(row)?, organization: row.get("o_display_name")? }))
        .collect()
}

/// A connection whose last certificate expires.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ExpiringCertificate {
    /// The connection.
    pub saml_connection_id: SamlConnectionId,
    /// Its organization's name.
    pub organization_name: String,
    /// When its last certificate expires.
    pub expires_at: Timestamp,
}

/// Up to `limit` connections of an environment whose last certificate expires at `until` or before, in order of expiry.
pub async fn list_expiring(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<ExpiringCertificate>> {
    conn.sql(
        "SELECT c.id AS saml_connection_id, o.display_name AS organization_name, c.idp_certificate_expires_at AS expires_at \
         FROM saml_connections c JOIN organizations o ON o.id = c.organization_id AND o.deleted_at IS NULL \
         WHERE c.environment_id = $1 AND c.idp_certificate_expires_at IS NOT NULL AND c.idp_certificate_expires_at <= $2 \
         ORDER BY c.idp_certificate_expires_at, c.id LIMIT $3",
    )
    .bind(environment_id)
    .bind(until)
    .bind(limit)
    .all()
    .await
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

/// When the first warning of certificates that expire at `expires_at` is due.
fn first_warning(expires_at: Timestamp) -> Timestamp {
    expires_at - EXPIRY_WARNINGS[0]
}

/// Begins anew with the warnings of a connection whose certificates were set or changed.
pub async fn restart_warnings(
    tx: &mut Transaction,
    id: SamlConnectionId,
    expires_at: Option<Timestamp>,
) -> Result<()> {
    tx.sql("UPDATE saml_connections SET certificate_next_warning_at = $2 WHERE id = $1")
        .bind(id)
        .bind(expires_at.map(first_warning))
        .execute()
        .await?;
    Ok(())
}

/// Claims a warning and sets when the next one is due, unless another replica claimed it or the certificates
/// changed. Returns whether it did.
pub async fn claim_warning(conn: &mut Conn, due: &DueWarning, next: Option<Timestamp>) -> Result<bool> {
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
pub async fn list_missing(
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
pub async fn update(
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
