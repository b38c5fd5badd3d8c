//! The columns by which lists of organizations are sorted, for rows that were written by programs that did not know them.

use base::id::{EnvironmentId, OrganizationId};
use model::organization::Organization;

use super::{Conn, Result};

/// Up to `limit` organizations without them.
pub async fn list_without(conn: &mut Conn, limit: i64) -> Result<Vec<(EnvironmentId, OrganizationId)>> {
    conn.sql(
        "SELECT environment_id, id FROM organizations WHERE public_id = '' AND deleted_at IS NULL \
         AND kind = 'organization' ORDER BY id LIMIT $1",
    )
    .bind(limit)
    .all()
    .await
}

/// Writes them, where the organization still has the version that was read. That is no change of it.
pub async fn write(conn: &mut Conn, organization: &Organization) -> Result<()> {
    conn.sql(
        "UPDATE organizations SET name_key = $3, public_id = $4 WHERE environment_id = $1 AND id = $2 \
         AND version = $5 AND deleted_at IS NULL AND kind = 'organization'",
    )
    .bind(organization.environment_id)
    .bind(organization.id)
    .bind(organization.name_key())
    .bind(organization.public_id())
    .bind(organization.version)
    .execute()
    .await?;
    Ok(())
}
