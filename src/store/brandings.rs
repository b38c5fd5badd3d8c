//! The branding of environments: name, colour and logo on pages that customers see.

use base::{
    id::{EnvironmentId, EnvironmentKind},
    time::Timestamp,
};
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::{
    branding::{Branding, LogoMetadata},
    color::Color,
    http_url::HttpUrl,
    logo::Logo,
};

use super::{
    Conn, Error, Result, Transaction, columns,
    connection::{Row, Statement},
    table::{Key, Table},
};

/// An environment has at most one branding, with the environment's id. The bytes of the logo are not part of a row as
/// it is read.
impl Table for Branding {
    type Kind = EnvironmentKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "environment_brandings";
    const ID: &'static str = "environment_id";
    const COLUMNS: &'static [&'static str] = &[
        "application_name",
        "accent_color",
        "logo_media_type",
        "logo_sha256",
        "return_url",
        "support_contact",
        "updated_at",
    ];
    const FIXED: &'static [&'static str] = &[];

    fn key(&self) -> Key<Self> {
        Key { id: self.environment_id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        self.version = version;
        self.updated_at = Some(at);
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.application_name.as_deref())
            .bind(self.accent_color.map(|color| color.to_string()))
            .bind(self.logo.as_ref().map(|logo| logo.kind.media_type()))
            .bind(self.logo.as_ref().map(|logo| logo.sha256.as_str()))
            .bind(self.return_url.as_ref().map(HttpUrl::as_str))
            .bind(self.support_contact.as_deref())
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
    }

    fn read(row: &Row) -> Result<Self> {
        let kind = row.parse_optional("logo_media_type", columns::by_name)?;
        let sha256: Option<String> = row.get("logo_sha256")?;
        Ok(Self {
            environment_id: row.get("environment_id")?,
            version: row.get("version")?,
            application_name: row.get("application_name")?,
            accent_color: row.parse_optional("accent_color", Color::parse)?,
            logo: kind.zip(sha256).map(|(kind, sha256)| LogoMetadata { kind, sha256 }),
            return_url: row.parse_optional("return_url", HttpUrl::parse)?,
            support_contact: row.get("support_contact")?,
            updated_at: row.get("updated_at")?,
        })
    }
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
    let broken = |column| Error::inconsistent(Branding::TABLE, column, environment_id);
    let kind = kind.parse().map_err(|_| broken("logo_media_type"))?;
    let bytes = BASE64.decode(logo).map_err(|_| broken("logo"))?;
    Ok(Some((LogoMetadata { kind, sha256 }, bytes)))
}

/// Adds the empty branding, of version 0, to an environment that has none, so that there is a row to lock and change. Of
/// two at once one adds it. [`Error::MissingReference`]: there is no such environment.
pub async fn insert_empty(tx: &mut Transaction, environment_id: EnvironmentId, now: Timestamp) -> Result<()> {
    tx.sql(
        "INSERT INTO environment_brandings (environment_id, version, updated_at) VALUES ($1, 0, $2) \
         ON CONFLICT (environment_id) DO NOTHING",
    )
    .bind(environment_id)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Writes or removes the logo's bytes; its metadata are columns of the row.
pub async fn update_logo(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    logo: Option<&Logo>,
) -> Result<()> {
    tx.sql("UPDATE environment_brandings SET logo = $2 WHERE environment_id = $1")
        .bind(environment_id)
        .bind(logo.map(|logo| BASE64.encode(&logo.bytes)))
        .execute()
        .await?;
    Ok(())
}
