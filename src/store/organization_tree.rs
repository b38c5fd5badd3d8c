//! The tree of an environment's organizations. Its shape changes under the lock of the environment only: a cycle would be made
//! by two moves that do not see each other, and a child that is added while its parent moves would miss an ancestor.

use base::id::{EnvironmentId, OrganizationId};

use super::{Conn, Result, Sql};

/// Whether `id` is `ancestor_id` or below it.
pub async fn is_below(conn: &mut Conn, ancestor_id: OrganizationId, id: OrganizationId) -> Result<bool> {
    let row: Option<(i64,)> = conn
        .sql("SELECT depth FROM organization_closure WHERE ancestor_id = $1 AND descendant_id = $2")
        .bind(ancestor_id)
        .bind(id)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// How far an organization is below the root, which is at 0.
pub async fn depth_of(conn: &mut Conn, id: OrganizationId) -> Result<i64> {
    let row: Option<(i64,)> = conn
        .sql("SELECT MAX(depth) FROM organization_closure WHERE descendant_id = $1 HAVING COUNT(*) > 0")
        .bind(id)
        .optional()
        .await?;
    Ok(row.map_or(0, |(depth,)| depth))
}

/// The organizations above one, the nearest last; with each how far above it is, and its name.
pub async fn list_ancestors(
    conn: &mut Conn,
    id: OrganizationId,
) -> Result<Vec<(OrganizationId, i64, String)>> {
    conn.sql(
        "SELECT c.ancestor_id, c.depth, COALESCE(o.name, o.display_name) FROM organization_closure c \
         JOIN organizations o ON o.id = c.ancestor_id AND o.deleted_at IS NULL \
         WHERE c.descendant_id = $1 AND c.depth > 0 ORDER BY c.depth DESC",
    )
    .bind(id)
    .all()
    .await
}

/// How many levels there are below an organization: 0 for one without children.
pub async fn height_of(conn: &mut Conn, id: OrganizationId) -> Result<i64> {
    let row: Option<(i64,)> = conn
        .sql("SELECT MAX(depth) FROM organization_closure WHERE ancestor_id = $1 HAVING COUNT(*) > 0")
        .bind(id)
        .optional()
        .await?;
    Ok(row.map_or(0, |(height,)| height))
}

/// Moves an organization, with all that is below it, below another parent.
pub async fn move_below(conn: &mut Conn, id: OrganizationId, parent_id: OrganizationId) -> Result<()> {
    conn.sql(
        "DELETE FROM organization_closure WHERE descendant_id IN (SELECT d.descendant_id FROM organization_closure d \
         WHERE d.ancestor_id = $1) AND ancestor_id IN (SELECT a.ancestor_id FROM organization_closure a \
         WHERE a.descendant_id = $1 AND a.depth > 0)",
    )
    .bind(id)
    .execute()
    .await?;
    conn.sql(
        "INSERT INTO organization_closure (environment_id, ancestor_id, descendant_id, depth) \
         SELECT a.environment_id, a.ancestor_id, d.descendant_id, a.depth + d.depth + 1 \
         FROM organization_closure a, organization_closure d WHERE a.descendant_id = $2 AND d.ancestor_id = $1",
    )
    .bind(id)
    .bind(parent_id)
    .execute()
    .await?;
    Ok(())
}

/// Whether an organization has children: any, or only those that are in use.
pub async fn has_children(conn: &mut Conn, id: OrganizationId, only_active: bool) -> Result<bool> {
    let row: Option<(OrganizationId,)> = conn
        .sql(
            "SELECT id FROM organizations WHERE parent_id = $1 AND deleted_at IS NULL AND kind = 'organization' \
             AND (status = 'active' OR NOT $2) LIMIT 1",
        )
        .bind(id)
        .bind(only_active)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// How many children each of these organizations has; those without are left out.
pub async fn count_children(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    ids: &[OrganizationId],
) -> Result<Vec<(OrganizationId, i64)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = Sql::from(
        "SELECT parent_id, COUNT(*) FROM organizations WHERE deleted_at IS NULL AND kind = 'organization' \
         AND parent_id IN (",
    )
    .values(ids.iter().map(ToString::to_string))
    .push(") AND COALESCE(environment_id, '') = ")
    .value(environment_id.to_string())
    .push(" GROUP BY parent_id");
    conn.dynamic(text).all().await
}

/// What an organization has that a template cannot have: the first of these, in words.
pub async fn what_a_template_cannot_have(
    conn: &mut Conn,
    id: OrganizationId,
) -> Result<Option<&'static str>> {
    const QUESTIONS: [(&str, &str); 7] = [
        ("children", "SELECT id FROM organizations WHERE parent_id = $1 AND deleted_at IS NULL LIMIT 1"),
        ("domains", "SELECT domain FROM organization_domains WHERE organization_id = $1 LIMIT 1"),
        ("SAML connections", "SELECT id FROM saml_connections WHERE organization_id = $1 LIMIT 1"),
        ("OIDC connections", "SELECT id FROM oidc_connections WHERE organization_id = $1 LIMIT 1"),
        (
            "SCIM directories",
            "SELECT id FROM scim_directories WHERE organization_id = $1 AND deleted_at IS NULL LIMIT 1",
        ),
        ("applications", "SELECT id FROM oauth_clients WHERE organization_id = $1 LIMIT 1"),
        (
            "users",
            "SELECT u.id FROM identity_pools p JOIN users u ON u.pool_id = p.id WHERE p.organization_id = $1 \
             AND p.deleted_at IS NULL LIMIT 1",
        ),
    ];
    for (what, text) in QUESTIONS {
        let found: Option<(String,)> = conn.sql(text).bind(id).optional().await?;
        if found.is_some() {
            return Ok(Some(what));
        }
    }
    Ok(None)
}
