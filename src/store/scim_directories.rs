//! SCIM directories and their bearer tokens. Only digests of the tokens are stored.

use base::{
    id::{EnvironmentId, EnvironmentKind, OrganizationId, ScimDirectoryId, ScimDirectoryKind},
    secret::Digest,
    time::Timestamp,
};
use model::{
    organization::Organization,
    scim_directory::{BearerToken, ScimDirectory},
};

use super::{
    Conn, Result, Transaction, columns,
    connection::{Row, Statement},
    table::{self, Key, Table, select_joined, select_where},
};

/// How many expired tokens one statement deletes.
const DELETE_BATCH_SIZE: i64 = 1000;

impl Table for ScimDirectory {
    type Kind = ScimDirectoryKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "scim_directories";
    const COLUMNS: &'static [&'static str] = &[
        "is_primary",
        "allow_foreign_secondary_emails",
        "allow_users_without_email",
        "refuse_inactive_logins",
        "require_provisioned_logins",
        "disabled",
        "idp_kind",
        "updated_at",
    ];
    const FIXED: &'static [&'static str] = &["organization_id", "scim_base_url", "created_at"];

    const CONDITION: &'static str = "scim_directories.deleted_at IS NULL";
    const REMOVAL: Option<&'static str> = Some("deleted_at = $3, is_primary = FALSE");

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        (self.version, self.updated_at) = (version, at);
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.primary)
            .bind(self.allow_foreign_secondary_emails)
            .bind(self.allow_users_without_email)
            .bind(self.refuse_inactive_logins)
            .bind(self.require_provisioned_logins)
            .bind(self.disabled)
            .bind(self.idp_kind.map(<&str>::from))
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.organization_id).bind(self.scim_base_url.as_str()).bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            organization_id: row.get("organization_id")?,
            version: row.get("version")?,
            primary: row.get("is_primary")?,
            scim_base_url: row.get("scim_base_url")?,
            allow_foreign_secondary_emails: row.get("allow_foreign_secondary_emails")?,
            allow_users_without_email: row.get("allow_users_without_email")?,
            refuse_inactive_logins: row.get("refuse_inactive_logins")?,
            require_provisioned_logins: row.get("require_provisioned_logins")?,
            disabled: row.get("disabled")?,
            // A value written by a later release must not make the directory unreadable.
            idp_kind: row.get::<Option<String>>("idp_kind")?.as_deref().and_then(columns::by_name),
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
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

/// Why a directory takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Disabled {
    /// Whether the directory is.
    pub directory: bool,
    /// Whether its organization is.
    pub organization: bool,
    /// Whether its organization is a template, into which nothing is pushed.
    pub template: bool,
}

/// Why a directory, in any environment, takes nothing; `None` if it does not exist.
pub async fn find_disabled(conn: &mut Conn, id: ScimDirectoryId) -> Result<Option<Disabled>> {
    conn.sql(
        "SELECT d.disabled AS directory, o.status = 'disabled' AS organization, o.is_template AS template \
         FROM scim_directories d \
         JOIN organizations o ON o.id = d.organization_id AND o.deleted_at IS NULL \
         WHERE d.id = $1 AND d.deleted_at IS NULL",
    )
    .bind(id)
    .optional()
    .await
}

/// The directory with this id, in any environment, with the token of this digest if it is valid at `now`. The
/// token is found by its digest, so that the response time reveals nothing about other tokens.
pub async fn find_presented(
    conn: &mut Conn,
    id: ScimDirectoryId,
    token: Digest,
    now: Timestamp,
) -> Result<Option<PresentedToken>> {
    let found = select_joined::<ScimDirectory>(
        conn,
        || {
            let token = "t.created_at AS t_created_at, t.expires_at AS t_expires_at, t.last_used_at AS t_last_used_at";
            [&table::columns_as::<Organization>("o_"), token].join(", ")
        },
        "JOIN organizations ON organizations.id = scim_directories.organization_id \
         AND organizations.deleted_at IS NULL \
         LEFT JOIN scim_bearer_tokens t ON t.token_sha256 = $2 AND t.directory_id = scim_directories.id \
         AND (t.expires_at IS NULL OR t.expires_at > $3) WHERE scim_directories.id = $1",
    )
    .bind(id)
    .bind(token)
    .bind(now)
    .first_row()
    .await?;
    let Some(row) = found else { return Ok(None) };
    let directory: ScimDirectory = table::read(&row)?;
    let row = row.part("o_");
    let organization = table::read(&row)?;
    let row = row.part("t_");
    let token = match row.get("created_at")? {
        Some(created_at) => Some(BearerToken {
            created_at,
            expires_at: row.get("expires_at")?,
            last_used_at: row.get("last_used_at")?,
        }),
        None => None,
    };
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
         FROM scim_directory_uses u JOIN scim_directories d ON d.id = u.directory_id AND d.deleted_at IS NULL \
         JOIN organizations o ON o.id = d.organization_id AND o.deleted_at IS NULL \
         WHERE u.environment_id = $1 AND u.last_used_at < $2 ORDER BY u.last_used_at DESC LIMIT $3",
    )
    .bind(environment_id)
    .bind(before)
    .bind(limit)
    .all()
    .await
}

/// The primary directory of an organization.
pub async fn find_primary(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<ScimDirectory>> {
    select_where::<ScimDirectory>(conn, "WHERE environment_id = $1 AND organization_id = $2 AND is_primary")
        .bind(environment_id)
        .bind(organization_id)
        .optional_of()
        .await
}

/// The primary directory of the organization with this external id.
pub async fn find_primary_by_external_id(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    external_id: &str,
) -> Result<Option<ScimDirectory>> {
    select_where::<ScimDirectory>(
        conn,
        "JOIN organizations o ON o.id = scim_directories.organization_id AND o.deleted_at IS NULL \
         WHERE o.environment_id = $1 AND o.external_id = $2 AND scim_directories.is_primary",
    )
    .bind(environment_id)
    .bind(external_id)
    .optional_of()
    .await
}

/// The environment of a directory, looked up without a scope: for the command line.
pub async fn find_environment(conn: &mut Conn, id: ScimDirectoryId) -> Result<Option<EnvironmentId>> {
    let row: Option<(EnvironmentId,)> = conn
        .sql("SELECT environment_id FROM scim_directories WHERE id = $1 AND deleted_at IS NULL")
        .bind(id)
        .optional()
        .await?;
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
    select_where::<ScimDirectory>(
        conn,
        "WHERE environment_id = $1 AND organization_id = $2 AND id >= $3 ORDER BY id LIMIT $4",
    )
    .bind(environment_id)
    .bind(organization_id)
    .bind(columns::page_start(from))
    .bind(limit)
    .all_of()
    .await
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
    /// Whether it or its organization is switched off.
    pub disabled: bool,
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
         u.last_used_at, d.disabled OR o.status = 'disabled' AS disabled FROM scim_directories d \
         JOIN organizations o ON o.id = d.organization_id AND o.deleted_at IS NULL \
         LEFT JOIN scim_directory_uses u ON u.directory_id = d.id \
         WHERE d.environment_id = $1 AND d.id <= $2 AND d.deleted_at IS NULL ORDER BY d.id DESC LIMIT $3",
    )
    .bind(environment_id)
    .bind(from.unwrap_or(ScimDirectoryId::from_bits(u128::MAX)))
    .bind(limit)
    .all()
    .await
}

/// Clears the primary flag of the organization's primary directory, which gives it a new version. The caller has locked
/// the organization.
pub async fn unset_primary(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    tx.sql(
        "UPDATE scim_directories SET is_primary = FALSE, version = version + 1 \
         WHERE environment_id = $1 AND organization_id = $2 AND is_primary AND deleted_at IS NULL",
    )
    .bind(environment_id)
    .bind(organization_id)
    .execute()
    .await?;
    Ok(())
}

/// Removes the directories of an organization, as [`table::remove`] does one, with their tokens.
pub async fn remove_by_organization(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<()> {
    // First, because whoever rotates a token holds the directory.
    tx.sql(
        "UPDATE scim_directories SET deleted_at = $3, is_primary = FALSE \
         WHERE environment_id = $1 AND organization_id = $2 AND deleted_at IS NULL",
    )
    .bind(environment_id)
    .bind(organization_id)
    .bind(now)
    .execute()
    .await?;
    tx.sql(
        "DELETE FROM scim_bearer_tokens WHERE directory_id IN (SELECT id FROM scim_directories \
         WHERE environment_id = $1 AND organization_id = $2 AND deleted_at IS NOT NULL)",
    )
    .bind(environment_id)
    .bind(organization_id)
    .execute()
    .await?;
    Ok(())
}

/// Deletes all tokens of a directory.
pub async fn remove_tokens(tx: &mut Transaction, directory_id: ScimDirectoryId) -> Result<()> {
    tx.sql("DELETE FROM scim_bearer_tokens WHERE directory_id = $1").bind(directory_id).execute().await?;
    Ok(())
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
