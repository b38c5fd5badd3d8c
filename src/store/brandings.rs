//! The branding of environments: name, colour and logo on pages that customers see.

use base::{id::EnvironmentId, time::Timestamp};
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::{
    branding::{Branding, LogoMetadata},
    color::Color,
    http_url::HttpUrl,
    logo::{Logo, LogoType},
};

use super::{Conn, Error, Result};

const TABLE: &str = "environment_brandings";

#[derive(sqlx::FromRow)]
struct Row {
    environment_id: EnvironmentId,
    application_name: Option<String>,
    accent_color: Option<String>,
    logo_media_type: Option<String>,
    logo_sha256: Option<String>,
    return_url: Option<String>,
    support_contact: Option<String>,
    updated_at: Timestamp,
}

impl TryFrom<Row> for Branding {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let broken = |column| Error::inconsistent(TABLE, column, row.environment_id);
        let logo = match (row.logo_media_type, row.logo_sha256) {
            (Some(kind), Some(sha256)) => Some(LogoMetadata {
                kind: LogoType::from_media_type(&kind).ok_or_else(|| broken("logo_media_type"))?,
                sha256,
            }),
            _ => None,
        };
        Ok(Self {
            environment_id: row.environment_id,
            application_name: row.application_name,
            accent_color: row
                .accent_color
                .map(|text| Color::parse(&text).ok_or_else(|| broken("accent_color")))
                .transpose()?,
            logo,
            return_url: row
                .return_url
                .map(|text| HttpUrl::parse(&text).ok_or_else(|| broken("return_url")))
                .transpose()?,
            support_contact: row.support_contact,
            updated_at: Some(row.updated_at),
        })
    }
}

/// The branding of an environment, without the logo's bytes.
pub async fn find(conn: &mut Conn, environment_id: EnvironmentId) -> Result<Option<Branding>> {
    conn.sql(
        "SELECT environment_id, application_name, accent_color, logo_media_type, logo_sha256, return_url, \
         support_contact, updated_at FROM environment_brandings WHERE environment_id = $1",
    )
    .bind(environment_id)
    .optional::<Row>()
    .await?
    .map(Branding::try_from)
    .transpose()
}

/// The logo's type and bytes.
pub async fn find_logo(
    conn: &mut Conn,
    environment_id: EnvironmentId,
) -> Result<Option<(LogoMetadata, Vec<u8>)>> {
    let row: Option<(Option<String>, Option<String>, Option<String>)> = conn
        .sql(
            "SELECT logo, logo_media_type, logo_sha256 FROM environment_brandings \
             WHERE environment_id = $1 AND logo IS NOT NULL",
        )
        .bind(environment_id)
        .optional()
        .await?;
    let Some((Some(logo), Some(kind), Some(sha256))) = row else { return Ok(None) };
    let broken = |column| Error::inconsistent(TABLE, column, environment_id);
    let kind = LogoType::from_media_type(&kind).ok_or_else(|| broken("logo_media_type"))?;
    let bytes = BASE64.decode(logo).map_err(|_| broken("logo"))?;
    Ok(Some((LogoMetadata { kind, sha256 }, bytes)))
}

/// Writes everything except the logo.
pub async fn upsert(conn: &mut Conn, branding: &Branding, now: Timestamp) -> Result<()> {
    conn.sql(
        "INSERT INTO environment_brandings (environment_id, application_name, accent_color, return_url, \
         support_contact, updated_at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (environment_id) DO UPDATE SET application_name = excluded.application_name, \
         accent_color = excluded.accent_color, return_url = excluded.return_url, \
         support_contact = excluded.support_contact, updated_at = excluded.updated_at",
    )
    .bind(branding.environment_id)
    .bind(branding.application_name.as_deref())
    .bind(branding.accent_color.map(|color| color.to_string()))
    .bind(branding.return_url.as_ref().map(HttpUrl::as_str))
    .bind(branding.support_contact.as_deref())
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Writes or removes the logo.
pub async fn upsert_logo(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    logo: Option<&Logo>,
    now: Timestamp,
) -> Result<()> {
    conn.sql(
        "INSERT INTO environment_brandings (environment_id, logo, logo_media_type, logo_sha256, updated_at) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (environment_id) DO UPDATE SET logo = excluded.logo, \
         logo_media_type = excluded.logo_media_type, logo_sha256 = excluded.logo_sha256, \
         updated_at = excluded.updated_at",
    )
    .bind(environment_id)
    .bind(logo.map(|logo| BASE64.encode(&logo.bytes)))
    .bind(logo.map(|logo| logo.kind.media_type()))
    .bind(logo.map(Logo::version))
    .bind(now)
    .execute()
    .await?;
    Ok(())
}
