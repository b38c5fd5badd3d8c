//! Environments as tenants: how issuers name them, for good. A slug that an environment had stays its alias, and is never
//! given to another one.

use base::{
    id::{EnvironmentId, OrganizationId},
    time::Timestamp,
};
use model::slug::Slug;

use super::{Conn, Error, Result};

/// An environment, as issuers name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub environment_id: EnvironmentId,
    /// Its name in issuers: the first slug that it had; its id, where that slug is a route's now.
    pub name: String,
}

/// By which of its names an issuer of the root was asked. Each is an issuer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IssuerForm {
    /// As an organization's: `/{environment}/root`.
    #[default]
    Organization,
    /// By WSO2's path for the default environment: `/oauth2/token`.
    DefaultTenant,
    /// By WSO2's path for a named environment: `/t/{environment}/oauth2/token`.
    Tenant,
}

impl IssuerForm {
    /// The form in which rows have it.
    pub const fn stored(self) -> &'static str {
        match self {
            Self::Organization => "",
            Self::DefaultTenant => "oauth2",
            Self::Tenant => "t",
        }
    }

    /// The form of a row.
    pub fn parse(stored: &str) -> Option<Self> {
        let all = [Self::Organization, Self::DefaultTenant, Self::Tenant];
        all.into_iter().find(|form| form.stored() == stored)
    }
}

impl From<(EnvironmentId, String)> for Tenant {
    fn from((environment_id, slug): (EnvironmentId, String)) -> Self {
        let name = if Slug::parse(&slug).is_ok() { slug } else { environment_id.to_string() };
        Self { environment_id, name }
    }
}

/// The columns of a tenant, of the environment `e`.
macro_rules! tenant {
    ($rest:literal) => {
        concat!(
            "SELECT e.id, COALESCE((SELECT i.slug FROM former_slugs i WHERE i.environment_id = e.id AND i.is_issuer), e.slug) \
             FROM environments e ",
            $rest
        )
    };
}

/// The environment with this id.
pub async fn find(conn: &mut Conn, id: EnvironmentId) -> Result<Option<Tenant>> {
    let row: Option<(EnvironmentId, String)> =
        conn.sql(tenant!("WHERE e.id = $1")).bind(id).optional().await?;
    Ok(row.map(Tenant::from))
}

/// The environment that has this slug, or had it.
pub async fn find_by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Tenant>> {
    let row: Option<(EnvironmentId, String)> =
        conn.sql(tenant!("WHERE e.slug = $1")).bind(slug.as_str()).optional().await?;
    if let Some(row) = row {
        return Ok(Some(row.into()));
    }
    let row: Option<(EnvironmentId, String)> = conn
        .sql(tenant!("JOIN former_slugs f ON f.environment_id = e.id WHERE f.slug = $1"))
        .bind(slug.as_str())
        .optional()
        .await?;
    Ok(row.map(Tenant::from))
}

/// The environment, if there is exactly one.
pub async fn find_only(conn: &mut Conn) -> Result<Option<Tenant>> {
    let rows: Vec<(EnvironmentId, String)> = conn.sql(tenant!("ORDER BY e.id LIMIT 2")).all().await?;
    let mut rows = rows.into_iter();
    Ok(rows.next().filter(|_| rows.next().is_none()).map(Tenant::from))
}

/// Keeps a slug that the environment does not have any more. The first one is what its issuers carry.
pub async fn insert_former(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    slug: &Slug,
    now: Timestamp,
) -> Result<()> {
    conn.sql(
        "INSERT INTO former_slugs (slug, environment_id, is_issuer, created_at) SELECT $1, $2, \
         NOT EXISTS (SELECT 1 FROM former_slugs f WHERE f.environment_id = $2), $3 ON CONFLICT (slug) DO NOTHING",
    )
    .bind(slug.as_str())
    .bind(environment_id)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Whether an environment with this id can have the slug: no other one has it, or had it.
pub async fn is_free(conn: &mut Conn, environment_id: EnvironmentId, slug: &Slug) -> Result<bool> {
    let found: Option<(String,)> = conn
        .sql(
            "SELECT slug FROM environments WHERE slug = $1 AND id <> $2 \
             UNION ALL SELECT slug FROM former_slugs WHERE slug = $1 AND environment_id <> $2",
        )
        .bind(slug.as_str())
        .bind(environment_id)
        .optional()
        .await?;
    Ok(found.is_none())
}

/// [`Error::Duplicate`] if the slug was another environment's. Called after the slug was written, so that of two
/// transactions that want it one sees the other.
pub async fn require_unused(conn: &mut Conn, environment_id: EnvironmentId, slug: &Slug) -> Result<()> {
    let other: Option<(String,)> = conn
        .sql("SELECT slug FROM former_slugs WHERE slug = $1 AND environment_id <> $2")
        .bind(slug.as_str())
        .bind(environment_id)
        .optional()
        .await?;
    if other.is_some() { Err(Error::Duplicate) } else { Ok(()) }
}

/// What an issuer needs to know of an organization.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct IssuingOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// The id that a client chose for it.
    pub public_alias: Option<String>,
    /// Its name for people; may be empty.
    pub display_name: String,
    /// Its other name.
    pub name: Option<String>,
    /// Its handle.
    pub handle: Option<String>,
}

impl IssuingOrganization {
    /// What people call it: its display name, else its other name.
    pub fn shown_name(&self) -> &str {
        let names = [Some(self.display_name.as_str()), self.name.as_deref()];
        names.into_iter().flatten().find(|name| !name.is_empty()).unwrap_or_default()
    }
}

/// The organization with this id, the root too, if it can issue tokens: it is not switched off, and no template.
pub async fn find_organization(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: OrganizationId,
) -> Result<Option<IssuingOrganization>> {
    conn.sql(
        "SELECT id, public_alias, display_name, name, handle FROM organizations WHERE environment_id = $1 AND id = $2 \
         AND deleted_at IS NULL AND status = 'active' AND NOT is_template",
    )
    .bind(environment_id)
    .bind(id)
    .optional()
    .await
}
