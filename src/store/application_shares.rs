//! With which organizations applications of the vendor are shared. Sharing with all, or with those that there are, writes nothing
//! for any organization; the rows here are for single ones, and for what is below them.

use std::collections::{BTreeMap, BTreeSet};

use base::{
    id::{ApplicationId, EnvironmentId, OrganizationId},
    time::Timestamp,
};
use model::application::{Application, RoleSharing};

use super::{
    Conn, Result, Sql, Transaction,
    columns::{self, list_to_json, page_start},
    connection::Row,
    table::{SHARED_LOCK, locking},
};

/// The condition that a row of `oauth_clients` is shared with a row of `organizations`, each by its name in the statement. What is
/// said of the closest organization counts, from the organization itself upwards; else what holds for all of them.
macro_rules! shared_condition {
    ($client:literal, $organization:literal) => {
        concat!(
            "(",
            $client,
            ".organization_id IS NULL AND ",
            $client,
            ".workspace IS NULL AND ",
            $client,
            ".shared <> 'none' AND COALESCE((SELECT s.mode = 'shared' FROM organization_closure k CROSS JOIN application_shares s \
             WHERE k.descendant_id = ",
            $organization,
            ".id AND s.application_id = ",
            $client,
            ".id AND s.organization_id = k.ancestor_id AND (k.depth = 0 OR s.with_children) ORDER BY k.depth LIMIT 1), ",
            $client,
            ".shared = 'all' OR (",
            $client,
            ".shared = 'existing' AND ",
            $organization,
            ".created_at <= ",
            $client,
            ".shared_at)))"
        )
    };
}
pub(super) use shared_condition;

/// How many rows one statement adds.
const BATCH: usize = 500;

/// What holds for one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Whether the application is shared with it.
    pub shared: bool,
    /// Whether that holds for all that are and will be below it, too.
    pub with_children: bool,
    /// Which roles are shared along.
    pub roles: RoleSharing,
}

fn read(row: &Row) -> Result<Share> {
    let mode: String = row.get("mode")?;
    Ok(Share {
        organization_id: row.get("organization_id")?,
        shared: mode == "shared",
        with_children: row.get("with_children")?,
        roles: RoleSharing {
            mode: row.parse("role_mode", columns::by_name)?,
            roles: row.parse("roles", columns::list_from_json)?,
        },
    })
}

/// Whether an application is shared with an organization.
pub async fn is_shared(conn: &mut Conn, id: ApplicationId, organization_id: OrganizationId) -> Result<bool> {
    let row: Option<(String,)> = conn
        .sql(concat!(
            "SELECT c.id FROM oauth_clients c CROSS JOIN organizations o WHERE c.id = $1 AND o.id = $2 AND o.deleted_at IS NULL AND ",
            shared_condition!("c", "o")
        ))
        .bind(id)
        .bind(organization_id)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Locks an application until the transaction ends, so that its sharing stays as it is. Many may hold the lock at once. Returns
/// whether it is there.
pub async fn lock(tx: &mut Transaction, id: ApplicationId) -> Result<bool> {
    let text = locking(tx.dialect(), "SELECT id FROM oauth_clients WHERE id = $1", SHARED_LOCK);
    Ok(tx.sql(text).bind(id).optional::<(String,)>().await?.is_some())
}

/// What is said of the closest organization, from this one upwards; `None` where nothing is.
pub async fn find_closest(
    conn: &mut Conn,
    id: ApplicationId,
    organization_id: OrganizationId,
) -> Result<Option<Share>> {
    let row = conn
        .sql(
            "SELECT s.organization_id, s.mode, s.with_children, s.role_mode, s.roles FROM organization_closure k \
             CROSS JOIN application_shares s WHERE k.descendant_id = $2 AND s.application_id = $1 \
             AND s.organization_id = k.ancestor_id AND (k.depth = 0 OR s.with_children) ORDER BY k.depth LIMIT 1",
        )
        .bind(id)
        .bind(organization_id)
        .first_row()
        .await?;
    row.as_ref().map(read).transpose()
}

/// What is said of these organizations themselves.
pub async fn list_of(
    conn: &mut Conn,
    id: ApplicationId,
    organizations: &[OrganizationId],
) -> Result<BTreeMap<OrganizationId, Share>> {
    let mut found = BTreeMap::new();
    for batch in organizations.chunks(BATCH) {
        let sql = Sql::from(
            "SELECT organization_id, mode, with_children, role_mode, roles FROM application_shares WHERE application_id = ",
        )
        .value(id.to_string())
        .push(" AND organization_id IN (")
        .values(batch.iter().map(ToString::to_string))
        .push(")");
        for row in conn.dynamic(sql).rows().await? {
            let share = read(&row)?;
            found.insert(share.organization_id, share);
        }
    }
    Ok(found)
}

/// One of these organizations that an environment does not have, if there is such a one.
pub async fn find_missing(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    ids: &[OrganizationId],
) -> Result<Option<OrganizationId>> {
    for batch in ids.chunks(BATCH) {
        let sql = Sql::from(
            "SELECT id FROM organizations WHERE deleted_at IS NULL AND kind = 'organization' AND NOT is_template AND environment_id = ",
        )
        .value(environment_id.to_string())
        .push(" AND id IN (")
        .values(batch.iter().map(ToString::to_string))
        .push(")");
        let rows: Vec<(OrganizationId,)> = conn.dynamic(sql).all().await?;
        let there: BTreeSet<OrganizationId> = rows.into_iter().map(|(id,)| id).collect();
        if let Some(missing) = batch.iter().find(|id| !there.contains(id)) {
            return Ok(Some(*missing));
        }
    }
    Ok(None)
}

/// Says what holds for these organizations, each once.
pub async fn put(tx: &mut Transaction, id: ApplicationId, shares: &[Share], at: Timestamp) -> Result<()> {
    for batch in shares.chunks(BATCH) {
        let mut sql = Sql::from(
            "INSERT INTO application_shares (application_id, organization_id, mode, with_children, role_mode, roles, created_at) \
             VALUES ",
        );
        for (at_row, share) in batch.iter().enumerate() {
            sql = sql
                .push(if at_row == 0 { "(" } else { ", (" })
                .value(id.to_string())
                .push(", ")
                .value(share.organization_id.to_string())
                .push(if share.shared { ", 'shared', " } else { ", 'unshared', " })
                .value(share.with_children)
                .push(", ")
                .value(share.roles.mode.as_str())
                .push(", ")
                .value(list_to_json(&share.roles.roles))
                .push(", ")
                .value(at.millis())
                .push(")");
        }
        let sql = sql.push(
            " ON CONFLICT (application_id, organization_id) DO UPDATE SET mode = excluded.mode, \
             with_children = excluded.with_children, role_mode = excluded.role_mode, roles = excluded.roles",
        );
        tx.dynamic(sql).execute().await?;
    }
    Ok(())
}

/// Forgets what is said of single organizations.
pub async fn remove_all(tx: &mut Transaction, id: ApplicationId) -> Result<()> {
    tx.sql("DELETE FROM application_shares WHERE application_id = $1").bind(id).execute().await?;
    Ok(())
}

/// Forgets what is said of an organization, and of those below it if `with_children`.
pub async fn remove(
    tx: &mut Transaction,
    id: ApplicationId,
    organization_id: OrganizationId,
    with_children: bool,
) -> Result<()> {
    let text = match with_children {
        false => "DELETE FROM application_shares WHERE application_id = $1 AND organization_id = $2",
        true => {
            "DELETE FROM application_shares WHERE application_id = $1 AND organization_id IN \
             (SELECT descendant_id FROM organization_closure WHERE ancestor_id = $2)"
        }
    };
    tx.sql(text).bind(id).bind(organization_id).execute().await?;
    Ok(())
}

/// Revokes the tokens and grants of an application in organizations with which it is not shared.
pub async fn revoke_where_not_shared(tx: &mut Transaction, id: ApplicationId, now: Timestamp) -> Result<()> {
    let tokens = concat!(
        "UPDATE signed_access_tokens SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL \
         AND organization_id IS NOT NULL AND EXISTS (SELECT 1 FROM oauth_clients c CROSS JOIN organizations o \
         WHERE c.id = $1 AND o.id = signed_access_tokens.organization_id AND o.deleted_at IS NULL AND o.kind <> 'root' \
         AND COALESCE(c.organization_id, '') <> o.id AND NOT ",
        shared_condition!("c", "o"),
        ")"
    );
    let grants = concat!(
        "UPDATE authorization_grants SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL \
         AND issuer IS NOT NULL AND EXISTS (SELECT 1 FROM oauth_clients c CROSS JOIN organizations o \
         WHERE c.id = $1 AND o.id = authorization_grants.issuer AND o.deleted_at IS NULL AND o.kind <> 'root' \
         AND COALESCE(c.organization_id, '') <> o.id AND NOT ",
        shared_condition!("c", "o"),
        ")"
    );
    for text in [tokens, grants] {
        tx.sql(text).bind(id).bind(now).execute().await?;
    }
    Ok(())
}

/// An organization with which an application is shared.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SharedOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name; empty: the display name counts.
    pub name: Option<String>,
    /// Its display name.
    pub display_name: String,
    /// Its handle.
    pub handle: Option<String>,
    /// The organization above it.
    pub parent_id: Option<OrganizationId>,
    /// Whether it is in use: `active` or `disabled`.
    pub status: String,
    /// How far it is below the root.
    pub depth: i64,
    /// Whether there are others below it.
    pub has_children: bool,
}

impl SharedOrganization {
    /// Its name for people, if it has one.
    pub fn shown_name(&self) -> Option<&str> {
        let names = [self.name.as_deref(), Some(self.display_name.as_str())];
        names.into_iter().flatten().find(|name| !name.is_empty())
    }
}

/// What is selected of an organization.
const SELECTED: &str = "SELECT o.id, o.name, o.display_name, o.handle, o.parent_id, o.status, \
     (SELECT MAX(d.depth) FROM organization_closure d WHERE d.descendant_id = o.id) AS depth, \
     EXISTS (SELECT 1 FROM organizations b WHERE b.parent_id = o.id AND b.deleted_at IS NULL) AS has_children \
     FROM oauth_clients c CROSS JOIN organizations o WHERE c.id = ";

/// An organization that an application was taken from.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Excluded {
    /// The organization.
    pub id: OrganizationId,
    /// Its name for people; may be empty.
    pub name: String,
    /// Whether that holds for all below it, too.
    pub with_children: bool,
}

/// Up to `limit` organizations that an application was taken from, in order of creation.
pub async fn list_excluded(conn: &mut Conn, id: ApplicationId, limit: i64) -> Result<Vec<Excluded>> {
    conn.sql(
        "SELECT o.id, CASE WHEN o.display_name = '' THEN COALESCE(o.name, '') ELSE o.display_name END AS name, s.with_children \
         FROM application_shares s JOIN organizations o ON o.id = s.organization_id AND o.deleted_at IS NULL \
         WHERE s.application_id = $1 AND s.mode <> 'shared' ORDER BY o.id LIMIT $2",
    )
    .bind(id)
    .bind(limit)
    .all()
    .await
}

/// Up to `limit` organizations with which an application is shared, from this one on, in order of creation. `below`: only those that
/// are right below this organization.
pub async fn list_organizations(
    conn: &mut Conn,
    application: &Application,
    below: Option<OrganizationId>,
    from: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<SharedOrganization>> {
    conn.dynamic(list_statement(
        SELECTED,
        application.environment_id,
        application.id,
        application.shared == model::application::Sharing::Selected,
        below,
        from,
        limit,
    ))
    .all()
    .await
}

fn list_statement(
    start: &'static str,
    environment_id: EnvironmentId,
    id: ApplicationId,
    is_selected: bool,
    below: Option<OrganizationId>,
    from: Option<OrganizationId>,
    limit: i64,
) -> Sql {
    let mut sql = Sql::from(start)
        .value(id.to_string())
        .push(" AND o.environment_id = ")
        .value(environment_id.to_string())
        .push(" AND o.deleted_at IS NULL AND o.kind = 'organization' AND NOT o.is_template AND o.id >= ")
        .value(page_start(from).to_string());
    if let Some(parent_id) = below {
        sql = sql.push(" AND o.parent_id = ").value(parent_id.to_string());
    }
    if is_selected {
        // There may be few of them among many.
        sql = sql
            .push(
                " AND o.id IN (SELECT k.descendant_id FROM application_shares s JOIN organization_closure k \
                 ON k.ancestor_id = s.organization_id AND (k.depth = 0 OR s.with_children) \
                 WHERE s.mode = 'shared' AND s.application_id = ",
            )
            .value(id.to_string())
            .push(")");
    }
    sql.push(" AND ").push(shared_condition!("c", "o")).push(" ORDER BY o.id LIMIT ").value(limit)
}

/// The roles of the root organization that an application uses.
pub async fn list_roles(conn: &mut Conn, id: ApplicationId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = conn
        .sql("SELECT role_id FROM application_roles WHERE application_id = $1 ORDER BY role_id LIMIT 1000")
        .bind(id)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Sets the roles of the root organization that an application uses.
pub async fn set_roles(tx: &mut Transaction, id: ApplicationId, roles: &[String]) -> Result<()> {
    tx.sql("DELETE FROM application_roles WHERE application_id = $1").bind(id).execute().await?;
    for role in roles {
        tx.sql(
            "INSERT INTO application_roles (application_id, role_id) VALUES ($1, $2) \
             ON CONFLICT (application_id, role_id) DO NOTHING",
        )
        .bind(id)
        .bind(role.as_str())
        .execute()
        .await?;
    }
    Ok(())
}
