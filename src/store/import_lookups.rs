//! What an import finds in the database: which of its objects exist already.

use std::collections::{BTreeSet, HashMap, HashSet};

use base::{
    id::{EnvironmentId, OrganizationId, ScimDirectoryId, ScimGroupId, ScimUserId},
    secret::Digest,
    time::Timestamp,
};

use super::{Conn, Result, Sql, Transaction, batch::BATCH_SIZE, scim_filter, table};

/// A table that an import fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Environments.
    Environments,
    /// API keys.
    ApiKeys,
    /// OAuth clients.
    OauthClients,
    /// Organizations.
    Organizations,
    /// SAML connections.
    SamlConnections,
    /// SCIM directories.
    ScimDirectories,
    /// SCIM groups.
    ScimGroups,
    /// SCIM users.
    ScimUsers,
}

/// Which of these ids exist in a table.
pub async fn list_existing_ids(conn: &mut Conn, table: Table, ids: &[String]) -> Result<HashSet<String>> {
    let head = match table {
        Table::Environments => "SELECT id FROM environments WHERE id IN (",
        Table::ApiKeys => "SELECT id FROM api_keys WHERE id IN (",
        Table::OauthClients => "SELECT id FROM oauth_clients WHERE id IN (",
        Table::Organizations => "SELECT id FROM organizations WHERE id IN (",
        Table::SamlConnections => "SELECT id FROM saml_connections WHERE id IN (",
        Table::ScimDirectories => "SELECT id FROM scim_directories WHERE id IN (",
        Table::ScimGroups => "SELECT id FROM scim_groups WHERE id IN (",
        Table::ScimUsers => "SELECT id FROM scim_users WHERE id IN (",
    };
    let mut found = HashSet::with_capacity(ids.len());
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from(head).values(some.iter().map(String::as_str)).push(")");
        found.extend(conn.dynamic(sql).all::<(String,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

/// Locks these organizations until the transaction ends, as changes of what is within them do. Returns those that exist.
pub async fn lock_organizations(tx: &mut Transaction, ids: &[String]) -> Result<HashSet<String>> {
    let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut found = HashSet::with_capacity(ids.len());
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from(
            "SELECT id FROM organizations WHERE deleted_at IS NULL AND kind = 'organization' AND id IN (",
        )
        .values(some.iter().copied())
        .push(") ORDER BY id");
        let sql = table::locking_sql(tx.dialect(), sql, table::ROW_LOCK);
        found.extend(tx.dynamic(sql).all::<(String,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

/// Which of these secret digests exist already, in any environment.
pub async fn list_taken_secrets(
    conn: &mut Conn,
    table: SecretTable,
    digests: &[Digest],
) -> Result<HashSet<String>> {
    let head = match table {
        SecretTable::ApiKeys => "SELECT secret_sha256 FROM api_keys WHERE secret_sha256 IN (",
        SecretTable::ScimBearerTokens => {
            "SELECT token_sha256 FROM scim_bearer_tokens WHERE token_sha256 IN ("
        }
    };
    let mut found = HashSet::with_capacity(digests.len());
    for some in digests.chunks(BATCH_SIZE) {
        let sql = Sql::from(head).values(some.iter().map(|digest| digest.to_hex())).push(")");
        found.extend(conn.dynamic(sql).all::<(String,)>().await?.into_iter().map(|(digest,)| digest));
    }
    Ok(found)
}

/// Tables in which a secret's digest is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretTable {
    /// API keys.
    ApiKeys,
    /// Bearer tokens of directories.
    ScimBearerTokens,
}

/// Which organizations of an environment have these external ids.
pub async fn list_external_ids(
    conn: &mut Conn,
    environment: EnvironmentId,
    external_ids: &[String],
) -> Result<HashMap<String, OrganizationId>> {
    let mut found = HashMap::new();
    for some in external_ids.chunks(BATCH_SIZE) {
        let sql = Sql::from(
            "SELECT external_id, id FROM organizations WHERE deleted_at IS NULL AND environment_id = ",
        )
        .value(environment.to_string())
        .push(" AND external_id IN (")
        .values(some.iter().map(String::as_str))
        .push(")");
        found.extend(conn.dynamic(sql).all::<(String, OrganizationId)>().await?);
    }
    Ok(found)
}

/// The kind of object of which an organization has a primary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrimaryOf {
    /// SAML connections.
    Connections,
    /// SCIM directories.
    Directories,
}

/// The primary one of each of these organizations: its id and when it was last changed.
pub async fn list_primaries(
    conn: &mut Conn,
    of: PrimaryOf,
    organizations: &[OrganizationId],
) -> Result<HashMap<OrganizationId, (String, Timestamp)>> {
    let head = match of {
        PrimaryOf::Connections => {
            "SELECT organization_id, id, updated_at FROM saml_connections WHERE is_primary AND organization_id IN ("
        }
        PrimaryOf::Directories => {
            "SELECT organization_id, id, updated_at FROM scim_directories \
             WHERE is_primary AND deleted_at IS NULL AND organization_id IN ("
        }
    };
    let mut found = HashMap::new();
    for some in organizations.chunks(BATCH_SIZE) {
        let sql = Sql::from(head).values(some.iter().map(OrganizationId::to_string)).push(")");
        let rows: Vec<(OrganizationId, String, Timestamp)> = conn.dynamic(sql).all().await?;
        found.extend(rows.into_iter().map(|(organization, id, at)| (organization, (id, at))));
    }
    Ok(found)
}

/// The form in which `userName`s are compared.
pub fn user_name_key(user_name: &str) -> String {
    scim_filter::key(user_name)
}

/// Which users of a directory, not counting deleted ones, have these `userName`s, given as [`user_name_key`]
/// makes them.
pub async fn list_user_names(
    conn: &mut Conn,
    directory: ScimDirectoryId,
    keys: &[String],
) -> Result<HashMap<String, ScimUserId>> {
    let mut found = HashMap::new();
    for some in keys.chunks(BATCH_SIZE) {
        let sql = Sql::from(
            "SELECT user_name_key, id FROM scim_users WHERE deleted_at IS NULL AND directory_id = ",
        )
        .value(directory.to_string())
        .push(" AND user_name_key IN (")
        .values(some.iter().map(String::as_str))
        .push(")");
        found.extend(conn.dynamic(sql).all::<(String, ScimUserId)>().await?);
    }
    Ok(found)
}

/// The direct memberships of these users: user and group.
pub async fn list_memberships(
    conn: &mut Conn,
    users: &[ScimUserId],
) -> Result<HashSet<(ScimUserId, ScimGroupId)>> {
    let mut found = HashSet::new();
    for some in users.chunks(BATCH_SIZE) {
        let sql = Sql::from("SELECT member_id, group_id FROM scim_group_members WHERE member_id IN (")
            .values(some.iter().map(ScimUserId::to_string))
            .push(")");
        found.extend(conn.dynamic(sql).all::<(ScimUserId, ScimGroupId)>().await?);
    }
    Ok(found)
}

/// A group that is not deleted, as an import of memberships needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownGroup {
    /// Its directory.
    pub directory_id: ScimDirectoryId,
    /// When it or its membership was last changed.
    pub updated_at: Timestamp,
}

/// Those of these groups that exist and are not deleted.
pub async fn list_groups(
    conn: &mut Conn,
    groups: &[ScimGroupId],
) -> Result<HashMap<ScimGroupId, KnownGroup>> {
    let mut found = HashMap::new();
    for some in groups.chunks(BATCH_SIZE) {
        let sql = Sql::from(
            "SELECT id, directory_id, updated_at FROM scim_groups WHERE deleted_at IS NULL AND id IN (",
        )
        .values(some.iter().map(ScimGroupId::to_string))
        .push(")");
        let rows: Vec<(ScimGroupId, ScimDirectoryId, Timestamp)> = conn.dynamic(sql).all().await?;
        found.extend(
            rows.into_iter()
                .map(|(id, directory_id, updated_at)| (id, KnownGroup { directory_id, updated_at })),
        );
    }
    Ok(found)
}

/// Those of these SCIM users that exist and are not deleted.
pub async fn list_existing_users(conn: &mut Conn, users: &[ScimUserId]) -> Result<HashSet<ScimUserId>> {
    let mut found = HashSet::with_capacity(users.len());
    for some in users.chunks(BATCH_SIZE) {
        let sql = Sql::from("SELECT id FROM scim_users WHERE deleted_at IS NULL AND id IN (")
            .values(some.iter().map(ScimUserId::to_string))
            .push(")");
        found.extend(conn.dynamic(sql).all::<(ScimUserId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(found)
}
