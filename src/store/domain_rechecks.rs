//! Domains of organizations that DNS proved: which are due to be looked at again, and which have lost their record.

use base::{
    id::{EnvironmentId, OrganizationId},
    time::Timestamp,
};
use model::domain::Domain;

use super::{Conn, Result, Transaction, organization_domains::broken_domain};

/// A proved domain of which DNS is to be asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDomain {
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// The domain.
    pub domain: Domain,
    /// Since when it is due.
    pub recheck_at: Timestamp,
}

/// Up to `limit` domains that are due: of each organization the longest due one before a second of any, so that one with very
/// many domains keeps nobody else's waiting.
pub async fn list_due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<DueDomain>> {
    let rows: Vec<(EnvironmentId, OrganizationId, String, Timestamp)> = conn
        .sql(
            "SELECT d.environment_id, d.organization_id, d.domain, d.recheck_at FROM \
             (SELECT environment_id, organization_id, domain, recheck_at, \
             ROW_NUMBER() OVER (PARTITION BY organization_id ORDER BY recheck_at, domain) AS place \
             FROM organization_domains WHERE recheck_at <= $1) d \
             ORDER BY d.place, d.recheck_at, d.organization_id LIMIT $2",
        )
        .bind(now)
        .bind(limit)
        .all()
        .await?;
    rows.into_iter()
        .map(|(environment_id, organization_id, domain, recheck_at)| {
            let domain = Domain::from_ascii(&domain).ok_or_else(|| broken_domain(organization_id))?;
            Ok(DueDomain { environment_id, organization_id, domain, recheck_at })
        })
        .collect()
}

/// Takes a due domain, so that no other replica asks about it before `until`. Returns whether it was still due.
pub async fn claim_due(tx: &mut Transaction, due: &DueDomain, until: Timestamp) -> Result<bool> {
    let claimed = tx
        .sql(
            "UPDATE organization_domains SET recheck_at = $4 \
             WHERE organization_id = $1 AND domain = $2 AND recheck_at = $3",
        )
        .bind(due.organization_id)
        .bind(due.domain.as_str())
        .bind(due.recheck_at)
        .bind(until)
        .execute()
        .await?;
    Ok(claimed == 1)
}

/// A domain that counts as proved although its record is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostDomain {
    /// Its organization.
    pub organization_id: OrganizationId,
    /// The organization's display name.
    pub organization_name: String,
    /// The domain.
    pub domain: Domain,
    /// Since when the record has been gone.
    pub record_lost_at: Timestamp,
}

/// Up to `limit` domains of an environment whose record is gone while they still count as proved, the longest gone first.
pub async fn list_lost(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    limit: i64,
) -> Result<Vec<LostDomain>> {
    let rows: Vec<(OrganizationId, String, String, Timestamp)> = conn
        .sql(
            "SELECT d.organization_id, o.display_name, d.domain, d.record_lost_at FROM organization_domains d \
             JOIN organizations o ON o.id = d.organization_id AND o.deleted_at IS NULL \
             WHERE d.environment_id = $1 AND d.record_lost_at IS NOT NULL AND d.state = 'verified' \
             ORDER BY d.record_lost_at, d.organization_id, d.domain LIMIT $2",
        )
        .bind(environment_id)
        .bind(limit)
        .all()
        .await?;
    rows.into_iter()
        .map(|(organization_id, organization_name, domain, record_lost_at)| {
            let domain = Domain::from_ascii(&domain).ok_or_else(|| broken_domain(organization_id))?;
            Ok(LostDomain { organization_id, organization_name, domain, record_lost_at })
        })
        .collect()
}
