//! Whom domains make members of organizations, and whom no more: users who were removed from one, or left it.

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::{domain::Domain, organization_domain::AutoJoinRole};

use super::{Conn, Result, Sql, Transaction, columns, organization_domains::broken_domain};

/// An organization that a user joins by a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joining {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The domain.
    pub domain: Domain,
    /// What the user becomes.
    pub role: AutoJoinRole,
}

/// Up to `limit` domains by which a user who has verified addresses of these becomes a member, of organizations that are in use, in
/// the order of the organizations' ids. Those of which they are a member, whatever its status, or which they may not join any more,
/// are left out.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    user_id: UserId,
    domains: &[Domain],
    limit: i64,
) -> Result<Vec<Joining>> {
    if domains.is_empty() {
        return Ok(Vec::new());
    }
    let sql = Sql::from(
        "SELECT d.organization_id, d.domain, d.auto_join_role FROM organization_domains d \
         JOIN organizations o ON o.id = d.organization_id AND o.deleted_at IS NULL AND o.status = 'active' \
         AND NOT o.is_template WHERE d.environment_id = ",
    )
    .value(environment_id.to_string())
    .push(" AND d.domain IN (")
    .values(domains.iter().map(Domain::as_str))
    .push(
        ") AND d.auto_join_enabled AND d.state = 'verified' AND NOT EXISTS (SELECT 1 FROM memberships m \
         WHERE m.organization_id = d.organization_id AND m.user_id = ",
    )
    .value(user_id.to_string())
    .push(
        ") AND NOT EXISTS (SELECT 1 FROM membership_denials n WHERE n.organization_id = d.organization_id \
         AND n.user_id = ",
    )
    .value(user_id.to_string())
    .push(") ORDER BY d.organization_id, d.auto_join_role DESC, d.domain LIMIT ")
    .value(limit);
    let rows: Vec<(OrganizationId, String, String)> = conn.dynamic(sql).all().await?;
    rows.into_iter()
        .map(|(organization_id, domain, role)| {
            let domain = Domain::from_ascii(&domain).ok_or_else(|| broken_domain(organization_id))?;
            let role = columns::by_name(&role).ok_or_else(|| broken_domain(organization_id))?;
            Ok(Joining { organization_id, domain, role })
        })
        .collect()
}

/// Stores that no domain makes a user a member of an organization any more.
pub(super) async fn deny(
    tx: &mut Transaction,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
    user_id: UserId,
) -> Result<()> {
    tx.sql(
        "INSERT INTO membership_denials (organization_id, user_id, environment_id) VALUES ($1, $2, $3) \
         ON CONFLICT (organization_id, user_id) DO NOTHING",
    )
    .bind(organization_id)
    .bind(user_id)
    .bind(environment_id)
    .execute()
    .await?;
    Ok(())
}

/// Forgets that, of somebody who becomes a member.
pub(super) async fn forget(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<()> {
    tx.sql("DELETE FROM membership_denials WHERE organization_id = $1 AND user_id = $2")
        .bind(organization_id)
        .bind(user_id)
        .execute()
        .await?;
    Ok(())
}
