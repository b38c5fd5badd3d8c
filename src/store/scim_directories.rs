//! SCIM directories and their bearer tokens. Only digests of the tokens are stored.

use base::{
    id::{EnvironmentId, OrganizationId, ScimDirectoryId},
    secret::Digest,
    time::Timestamp,
};
use model::{
    idp_kind::IdpKind,
    organization::Organization,
    scim_directory::{BearerToken, ScimDirectory},
};

use super::{
    Conn, Error, Result, Transaction,
    columns::{self, column_list},
    organizations,
};

/// How many expired tokens one statement deletes.
const DELETE_BATCH_SIZE: i64 = 1000;

// Columns are listed, never `*`: when the next release adds a column, statements that a running replica has
// prepared must stay valid.
macro_rules! columns {
    ($table:literal) => {
        column_list!(
            $table,
            id,
            environment_id,
            organization_id,
            is_primary,
            scim_base_url,
            allow_foreign_secondary_emails,
            refuse_inactive_logins,
            require_provisioned_logins,
            idp_kind,
            created_at,
            updated_at
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ScimDirectoryId,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    is_primary: bool,
    scim_base_url: String,
    allow_foreign_secondary_emails: bool,
    refuse_inactive_logins: bool,
    require_provisioned_logins: bool,
    idp_kind: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for ScimDirectory {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            environment_id: row.environment_id,
            organization_id: row.organization_id,
            primary: row.is_primary,
            scim_base_url: row.scim_base_url,
            allow_foreign_secondary_emails: row.allow_foreign_secondary_emails,
            refuse_inactive_logins: row.refuse_inactive_logins,
            require_provisioned_logins: row.require_provisioned_logins,
            // A value written by a later release must not make the directory unreadable.
            idp_kind: row.idp_kind.as_deref().and_then(IdpKind::parse),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A directory with its organization, and the presented token if it is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedToken {
    /// The directory.
    pub directory: ScimDirectory,
    /// Its organization.
    pub organization: Organization,
    /// The token, if it belongs to this directory and has not expired.
    pub token: Option<BearerToken>,
}

#[derive(sqlx::FromRow)]
struct PresentedRow {
    #[sqlx(flatten)]
    directory: Row,
    o_display_name: String,
    o_external_id: Option<String>,
    o_domains: Option<String>,
    o_created_at: Timestamp,
    o_updated_at: Timestamp,
    t_created_at: Option<Timestamp>,
    t_expires_at: Option<Timestamp>,
    t_last_used_at: Option<Timestamp>,
}

/// The directory with this id, in any environment, with the token of this digest if it is valid at `now`. The
/// token is found by its digest, so that the response time reveals nothing about other tokens.
pub async fn find_presented(
    conn: &mut Conn,
    id: ScimDirectoryId,
    token: Digest,
    now: Timestamp,
) -> Result<Option<PresentedToken>> {
    let row = conn
        .sql(concat!(
            "SELECT ",
            columns!("d."),
            ", o.display_name AS o_display_name, o.external_id AS o_external_id, \
             (SELECT string_agg(a.domain || ' ' || a.state, ',') FROM organization_domains a \
             WHERE a.organization_id = o.id) AS o_domains, \
             o.created_at AS o_created_at, o.updated_at AS o_updated_at, t.created_at AS t_created_at, \
             t.expires_at AS t_expires_at, t.last_used_at AS t_last_used_at \
             FROM scim_directories d JOIN organizations o ON o.id = d.organization_id \
             LEFT JOIN scim_bearer_tokens t ON t.token_sha256 = $2 AND t.directory_id = d.id \
             AND (t.expires_at IS NULL OR t.expires_at > $3) WHERE d.id = $1"
        ))
        .bind(id)
        .bind(token)
        .bind(now)
        .optional::<PresentedRow>()
        .await?;
    let Some(row) = row else { return Ok(None) };
    let directory = ScimDirectory::from(row.directory);
    let organization = Organization {
        id: directory.organization_id,
        environment_id: directory.environment_id,
        display_name: row.o_display_name,
        external_id: row.o_external_id,
        domains: organizations::domains(row.o_domains.as_deref()).ok_or_else(|| {
            Error::inconsistent("organization_domains", "domain, state", directory.organization_id)
        })?,
        created_at: row.o_created_at,
        updated_at: row.o_updated_at,
    };
    let token = row.t_created_at.map(|created_at| BearerToken {
        created_at,
        expires_at: row.t_expires_at,
        last_used_at: row.t_last_used_at,
    });
    Ok(Some(PresentedToken { directory, organization, token }))
}

/// Stores when a token was last used, unless a use after `unless_since` is stored already.
pub async fn update_last_used(
    conn: &mut Conn,
    token: Digest,
    now: Timestamp,
    unless_since: Timestamp,
) -> Result<()> {
    conn.sql(
        "UPDATE scim_bearer_tokens SET last_used_at = $2 WHERE token_sha256 = $1 \
         AND (last_used_at IS NULL OR last_used_at <= $3)",
    )
    .bind(token)
    .bind(now)
    .bind(unless_since)
    .execute()
    .await?;
    Ok(())
}

/// Stores that a directory was called at `now`.
pub async fn upsert_use(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: ScimDirectoryId,
    now: Timestamp,
) -> Result<()> {
    conn.sql(
        "INSERT INTO scim_directory_uses (directory_id, environment_id, last_used_at) VALUES ($1, $2, $3) \
         ON CONFLICT (directory_id) DO UPDATE SET last_used_at = excluded.last_used_at",
    )
    .bind(id)
    .bind(environment_id)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// A directory that has not been called for some time.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct IdleDirectory {
    /// The directory.
    pub directory_id: ScimDirectoryId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// The organization's name.
    pub organization_name: String,
    /// When it was last called.
    pub last_used_at: Timestamp,
}

/// Directories of an environment whose last call is before `before`, the latest call first. Directories that
/// were never called are not included.
pub async fn list_idle(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<IdleDirectory>> {
    conn.sql(
        "SELECT u.directory_id, d.organization_id, o.display_name AS organization_name, u.last_used_at \
         FROM scim_directory_uses u JOIN scim_directories d ON d.id = u.directory_id \
         JOIN organizations o ON o.id = d.organization_id \
         WHERE u.environment_id = $1 AND u.last_used_at < $2 ORDER BY u.last_used_at DESC LIMIT $3",
    )
    .bind(environment_id)
    .bind(before)
    .bind(limit)
    .all()
    .await
}

/// The directory with this id in the environment.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: ScimDirectoryId,
) -> Result<Option<ScimDirectory>> {
    let row = conn
        .sql(concat!("SELECT ", columns!(""), " FROM scim_directories WHERE environment_id = $1 AND id = $2"))
        .bind(environment_id)
        .bind(id)
        .optional::<Row>()
        .await?;
    Ok(row.map(ScimDirectory::from))
}

/// The primary directory of an organization.
pub async fn find_primary(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<ScimDirectory>> {
    let row = conn
        .sql(concat!(
            "SELECT ",
            columns!(""),
            " FROM scim_directories WHERE environment_id = $1 AND organization_id = $2 \
             AND is_primary"
        ))
        .bind(environment_id)
        .bind(organization_id)
        .optional::<Row>()
        .await?;
    Ok(row.map(ScimDirectory::from))
}

/// The primary directory of the organization with this external id.
pub async fn find_primary_by_external_id(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    external_id: &str,
) -> Result<Option<ScimDirectory>> {
    let row = conn
        .sql(concat!(
            "SELECT ",
            columns!("d."),
            " FROM scim_directories d JOIN organizations o ON o.id = d.organization_id \
             WHERE o.environment_id = $1 AND o.external_id = $2 AND d.is_primary"
        ))
        .bind(environment_id)
        .bind(external_id)
        .optional::<Row>()
        .await?;
    Ok(row.map(ScimDirectory::from))
}

/// The environment of a directory, looked up without a scope: for the command line.
pub async fn find_environment(conn: &mut Conn, id: ScimDirectoryId) -> Result<Option<EnvironmentId>> {
    let row: Option<(EnvironmentId,)> =
        conn.sql("SELECT environment_id FROM scim_directories WHERE id = $1").bind(id).optional().await?;
    Ok(row.map(|(id,)| id))
}

/// Up to `limit` directories of an organization from `from` on, in creation order.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    from: Option<ScimDirectoryId>,
    limit: i64,
) -> Result<Vec<ScimDirectory>> {
    let rows = conn
        .sql(concat!(
            "SELECT ",
            columns!(""),
            " FROM scim_directories WHERE environment_id = $1 AND organization_id = $2 \
             AND id >= $3 ORDER BY id LIMIT $4"
        ))
        .bind(environment_id)
        .bind(organization_id)
        .bind(columns::page_start(from))
        .bind(limit)
        .all::<Row>()
        .await?;
    Ok(rows.into_iter().map(ScimDirectory::from).collect())
}

/// A directory in the list of an environment's directories.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DirectorySummary {
    /// The directory.
    pub id: ScimDirectoryId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// The organization's name; may be empty.
    pub organization_name: String,
    /// The number of users, not counting deleted ones.
    pub user_count: i64,
    /// The number of groups, not counting deleted ones.
    pub group_count: i64,
    /// When the directory was last called, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// Up to `limit` directories of an environment, newest first, from `from` on.
pub async fn list_newest(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    from: Option<ScimDirectoryId>,
    limit: i64,
) -> Result<Vec<DirectorySummary>> {
    conn.sql(
        "SELECT d.id, d.organization_id, o.display_name AS organization_name, d.user_count, d.group_count, \
         u.last_used_at FROM scim_directories d JOIN organizations o ON o.id = d.organization_id \
         LEFT JOIN scim_directory_uses u ON u.directory_id = d.id \
         WHERE d.environment_id = $1 AND d.id <= $2 ORDER BY d.id DESC LIMIT $3",
    )
    .bind(environment_id)
    .bind(from.unwrap_or(ScimDirectoryId::from_bits(u128::MAX)))
    .bind(limit)
    .all()
    .await
}

/// Clears the primary flag of the organization's directories. The caller has locked the organization.
pub async fn unset_primary(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    tx.sql(
        "UPDATE scim_directories SET is_primary = FALSE \
         WHERE environment_id = $1 AND organization_id = $2 AND is_primary",
    )
    .bind(environment_id)
    .bind(organization_id)
    .execute()
    .await?;
    Ok(())
}

/// Adds a directory. [`Error::Duplicate`]: the organization already has a primary directory.
pub async fn insert(conn: &mut Conn, directory: &ScimDirectory) -> Result<()> {
    conn.sql(
        "INSERT INTO scim_directories (id, environment_id, organization_id, is_primary, scim_base_url, \
         allow_foreign_secondary_emails, refuse_inactive_logins, require_provisioned_logins, created_at, \
         updated_at, idp_kind) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(directory.id)
    .bind(directory.environment_id)
    .bind(directory.organization_id)
    .bind(directory.primary)
    .bind(directory.scim_base_url.as_str())
    .bind(directory.allow_foreign_secondary_emails)
    .bind(directory.refuse_inactive_logins)
    .bind(directory.require_provisioned_logins)
    .bind(directory.created_at)
    .bind(directory.updated_at)
    .bind(directory.idp_kind.map(IdpKind::as_str))
    .execute()
    .await?;
    Ok(())
}

/// Updates a directory. Returns whether it exists. [`Error::Duplicate`]: the organization has another primary
/// directory.
pub async fn update(conn: &mut Conn, directory: &ScimDirectory) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE scim_directories SET is_primary = $3, allow_foreign_secondary_emails = $4, \
             refuse_inactive_logins = $5, require_provisioned_logins = $6, updated_at = $7, idp_kind = $8 \
             WHERE environment_id = $1 AND id = $2",
        )
        .bind(directory.environment_id)
        .bind(directory.id)
        .bind(directory.primary)
        .bind(directory.allow_foreign_secondary_emails)
        .bind(directory.refuse_inactive_logins)
        .bind(directory.require_provisioned_logins)
        .bind(directory.updated_at)
        .bind(directory.idp_kind.map(IdpKind::as_str))
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes a directory with everything in it. Returns whether it existed.
pub async fn remove(conn: &mut Conn, environment_id: EnvironmentId, id: ScimDirectoryId) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM scim_directories WHERE environment_id = $1 AND id = $2")
        .bind(environment_id)
        .bind(id)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Up to `limit` valid tokens of a directory, newest first.
pub async fn list_tokens(
    conn: &mut Conn,
    directory_id: ScimDirectoryId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<BearerToken>> {
    let rows: Vec<(Timestamp, Option<Timestamp>, Option<Timestamp>)> = conn
        .sql(
            "SELECT created_at, expires_at, last_used_at FROM scim_bearer_tokens WHERE directory_id = $1 \
             AND (expires_at IS NULL OR expires_at > $2) ORDER BY created_at DESC, token_sha256 LIMIT $3",
        )
        .bind(directory_id)
        .bind(now)
        .bind(limit)
        .all()
        .await?;
    Ok(rows
        .into_iter()
        .map(|(created_at, expires_at, last_used_at)| BearerToken { created_at, expires_at, last_used_at })
        .collect())
}

/// Adds a token without an expiry.
pub async fn insert_token(
    conn: &mut Conn,
    directory_id: ScimDirectoryId,
    token: Digest,
    now: Timestamp,
) -> Result<()> {
    conn.sql("INSERT INTO scim_bearer_tokens (token_sha256, directory_id, created_at) VALUES ($1, $2, $3)")
        .bind(token)
        .bind(directory_id)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Sets the expiry of a directory's tokens to `at`, unless they expire earlier; tokens without an expiry only
/// with `include_non_expiring`.
pub async fn expire_tokens(
    conn: &mut Conn,
    directory_id: ScimDirectoryId,
    at: Timestamp,
    include_non_expiring: bool,
) -> Result<()> {
    conn.sql(
        "UPDATE scim_bearer_tokens SET expires_at = $2 WHERE directory_id = $1 \
         AND (expires_at > $2 OR (expires_at IS NULL AND $3))",
    )
    .bind(directory_id)
    .bind(at)
    .bind(include_non_expiring)
    .execute()
    .await?;
    Ok(())
}

/// Deletes a batch of tokens that expired before `before`. Returns how many.
pub async fn remove_expired_tokens(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM scim_bearer_tokens WHERE token_sha256 IN \
         (SELECT token_sha256 FROM scim_bearer_tokens WHERE expires_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
