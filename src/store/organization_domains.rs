//! Single domains of organizations, with the state of their verification. Callers that write hold the
//! organization's lock.

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, OrganizationId},
    time::Timestamp,
};
use model::{
    domain::{Domain, DomainState},
    domain_verification::DomainVerification,
    organization::Organization,
};

use super::{Conn, Error, Result, Sql, Transaction, batch::BATCH_SIZE, organization_words};

#[derive(sqlx::FromRow)]
struct Row {
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    domain: String,
    state: String,
    verification_token: Option<String>,
    verified_at: Option<Timestamp>,
    checked_at: Option<Timestamp>,
    check_error: Option<String>,
    created_at: Timestamp,
}

impl TryFrom<Row> for DomainVerification {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let broken = |column| Error::inconsistent("organization_domains", column, row.organization_id);
        Ok(Self {
            environment_id: row.environment_id,
            organization_id: row.organization_id,
            domain: Domain::from_ascii(&row.domain).ok_or_else(|| broken("domain"))?,
            state: DomainState::parse(&row.state).ok_or_else(|| broken("state"))?,
            verification_token: row.verification_token,
            verified_at: row.verified_at,
            checked_at: row.checked_at,
            check_error: row.check_error,
            created_at: row.created_at,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT environment_id, organization_id, domain, state, verification_token, verified_at, \
             checked_at, check_error, created_at FROM organization_domains ",
            $rest
        )
    };
}

/// Up to `limit` domains of an organization, by name.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    limit: i64,
) -> Result<Vec<DomainVerification>> {
    conn.sql(select!("WHERE environment_id = $1 AND organization_id = $2 ORDER BY domain LIMIT $3"))
        .bind(environment_id)
        .bind(organization_id)
        .bind(limit)
        .all::<Row>()
        .await?
        .into_iter()
        .map(DomainVerification::try_from)
        .collect()
}

/// One domain of an organization.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    domain: &Domain,
) -> Result<Option<DomainVerification>> {
    conn.sql(select!("WHERE environment_id = $1 AND organization_id = $2 AND domain = $3"))
        .bind(environment_id)
        .bind(organization_id)
        .bind(domain.as_str())
        .optional::<Row>()
        .await?
        .map(DomainVerification::try_from)
        .transpose()
}

/// A domain that also counts for another organization of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedDomain {
    /// The domain.
    pub domain: Domain,
    /// The other organization.
    pub organization_id: OrganizationId,
    /// Its display name.
    pub display_name: String,
    /// Whether that organization has verified it by DNS.
    pub verified: bool,
}

/// How many other organizations are listed per domain, and in total. Domains verified by DNS come first, so
/// that a limit never hides one and lets it be shared; then one organization per domain, then a second.
const MAX_OTHER_ORGANIZATIONS: (i64, i64) = (20, 1000);

/// The other organizations of the environment for which these domains count: up to 20 per domain, those that
/// verified a domain by DNS first.
pub async fn list_other_organizations(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    domains: &[Domain],
) -> Result<Vec<SharedDomain>> {
    if domains.is_empty() {
        return Ok(Vec::new());
    }
    let sql = Sql::from(
        "SELECT d.domain, d.organization_id, o.display_name, d.state FROM \
         (SELECT domain, organization_id, state, ROW_NUMBER() OVER (PARTITION BY domain \
         ORDER BY CASE WHEN state = 'verified' THEN 0 ELSE 1 END, organization_id) AS place \
         FROM organization_domains WHERE environment_id = ",
    )
    .value(environment_id.to_string())
    .push(" AND domain IN (")
    .values(domains.iter().map(Domain::as_str))
    .push(") AND organization_id <> ")
    .value(organization_id.to_string())
    .push(
        " AND state IN ('whitelisted', 'verified')) d \
         JOIN organizations o ON o.id = d.organization_id WHERE d.place <= ",
    )
    .value(MAX_OTHER_ORGANIZATIONS.0)
    .push(" ORDER BY CASE WHEN d.state = 'verified' THEN 0 ELSE 1 END, d.place, d.domain LIMIT ")
    .value(MAX_OTHER_ORGANIZATIONS.1);
    let rows: Vec<(String, OrganizationId, String, String)> = conn.dynamic(sql).all().await?;
    rows.into_iter()
        .map(|(domain, organization_id, display_name, state)| {
            Ok(SharedDomain {
                domain: Domain::from_ascii(&domain).ok_or_else(|| broken_domain(organization_id))?,
                organization_id,
                display_name,
                verified: state == DomainState::Verified.as_str(),
            })
        })
        .collect()
}

/// The domains that count for one of these organizations and for another organization of the environment.
pub async fn list_shared(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organizations: &[OrganizationId],
) -> Result<Vec<(OrganizationId, Domain)>> {
    if organizations.is_empty() {
        return Ok(Vec::new());
    }
    let sql = Sql::from(
        "SELECT m.organization_id, m.domain FROM organization_domains m WHERE m.organization_id IN (",
    )
    .values(organizations.iter().map(ToString::to_string))
    .push(") AND m.environment_id = ")
    .value(environment_id.to_string())
    .push(
        " AND m.state IN ('whitelisted', 'verified') AND EXISTS (SELECT 1 FROM organization_domains d \
             WHERE d.environment_id = m.environment_id AND d.domain = m.domain \
             AND d.organization_id <> m.organization_id AND d.state IN ('whitelisted', 'verified')) \
             ORDER BY m.organization_id, m.domain",
    );
    let rows: Vec<(OrganizationId, String)> = conn.dynamic(sql).all().await?;
    rows.into_iter()
        .map(|(id, domain)| Ok((id, Domain::from_ascii(&domain).ok_or_else(|| broken_domain(id))?)))
        .collect()
}

fn broken_domain(organization_id: OrganizationId) -> Error {
    Error::inconsistent("organization_domains", "domain", organization_id)
}

/// Stores the domains of an organization as it lists them, new ones since its last change, and its search words: after
/// each change of its row or its list. In few statements, however many domains there are.
pub async fn set(conn: &mut Conn, organization: &Organization) -> Result<()> {
    let stored: Vec<(String, String)> = conn
        .sql("SELECT domain, state FROM organization_domains WHERE organization_id = $1")
        .bind(organization.id)
        .all()
        .await?;
    let stored: BTreeMap<&str, &str> =
        stored.iter().map(|(domain, state)| (domain.as_str(), state.as_str())).collect();
    let wanted: BTreeMap<&str, &str> =
        organization.domains.iter().map(|(domain, state)| (domain.as_str(), state.as_str())).collect();
    let gone: Vec<&str> = stored.keys().filter(|domain| !wanted.contains_key(*domain)).copied().collect();
    for some in gone.chunks(BATCH_SIZE) {
        let sql = Sql::from("DELETE FROM organization_domains WHERE organization_id = ")
            .value(organization.id.to_string())
            .push(" AND domain IN (")
            .values(some.iter().copied())
            .push(")");
        conn.dynamic(sql).execute().await?;
    }
    let new: Vec<(&str, &str)> = wanted
        .into_iter()
        .filter(|(domain, state)| stored.get(domain).is_none_or(|stored| stored != state))
        .collect();
    for some in new.chunks(BATCH_SIZE) {
        let mut sql = Sql::from(
            "INSERT INTO organization_domains (organization_id, environment_id, domain, state, created_at) VALUES ",
        );
        for (at, (domain, state)) in some.iter().enumerate() {
            sql = sql.push(if at == 0 { "(" } else { ", (" });
            sql = sql.value(organization.id.to_string()).push(", ");
            sql = sql.value(organization.environment_id.to_string()).push(", ").value(*domain).push(", ");
            sql = sql.value(*state).push(", ").value(organization.updated_at.millis()).push(")");
        }
        let sql = sql.push(" ON CONFLICT (organization_id, domain) DO UPDATE SET state = excluded.state");
        conn.dynamic(sql).execute().await?;
    }
    organization_words::write(conn, organization.environment_id, organization.id).await
}

/// Adds a domain and updates the organization's search words.
pub async fn insert(conn: &mut Conn, domain: &DomainVerification) -> Result<()> {
    conn.sql(
        "INSERT INTO organization_domains (environment_id, organization_id, domain, state, \
         verification_token, verified_at, checked_at, check_error, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(domain.environment_id)
    .bind(domain.organization_id)
    .bind(domain.domain.as_str())
    .bind(domain.state.as_str())
    .bind(domain.verification_token.as_deref())
    .bind(domain.verified_at)
    .bind(domain.checked_at)
    .bind(domain.check_error.as_deref())
    .bind(domain.created_at)
    .execute()
    .await?;
    organization_words::write(conn, domain.environment_id, domain.organization_id).await
}

/// Updates a domain. [`Error::Duplicate`]: another organization of the environment has verified it.
pub async fn update(conn: &mut Conn, domain: &DomainVerification) -> Result<bool> {
    let rows = conn
        .sql(
            "UPDATE organization_domains SET state = $4, verification_token = $5, verified_at = $6, \
             checked_at = $7, check_error = $8 \
             WHERE environment_id = $1 AND organization_id = $2 AND domain = $3",
        )
        .bind(domain.environment_id)
        .bind(domain.organization_id)
        .bind(domain.domain.as_str())
        .bind(domain.state.as_str())
        .bind(domain.verification_token.as_deref())
        .bind(domain.verified_at)
        .bind(domain.checked_at)
        .bind(domain.check_error.as_deref())
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Reserves a DNS check for the organization, unless one of its domains was checked after `unless_since`. The
/// database decides between concurrent callers. Returns whether the check may run.
pub async fn update_checked(
    tx: &mut Transaction,
    domain: &DomainVerification,
    now: Timestamp,
    unless_since: Timestamp,
) -> Result<bool> {
    let turn = tx
        .sql(
            "UPDATE organizations SET domains_checked_at = $3 WHERE environment_id = $1 AND id = $2 \
             AND (domains_checked_at IS NULL OR domains_checked_at <= $4)",
        )
        .bind(domain.environment_id)
        .bind(domain.organization_id)
        .bind(now)
        .bind(unless_since)
        .execute()
        .await?;
    if turn == 0 {
        return Ok(false);
    }
    tx.sql(
        "UPDATE organization_domains SET checked_at = $4 \
         WHERE environment_id = $1 AND organization_id = $2 AND domain = $3",
    )
    .bind(domain.environment_id)
    .bind(domain.organization_id)
    .bind(domain.domain.as_str())
    .bind(now)
    .execute()
    .await?;
    Ok(true)
}

/// Deletes a domain and updates the organization's search words. Returns whether it existed.
pub async fn remove(conn: &mut Conn, domain: &DomainVerification) -> Result<bool> {
    let rows = conn
        .sql(
            "DELETE FROM organization_domains WHERE environment_id = $1 AND organization_id = $2 \
             AND domain = $3",
        )
        .bind(domain.environment_id)
        .bind(domain.organization_id)
        .bind(domain.domain.as_str())
        .execute()
        .await?;
    organization_words::write(conn, domain.environment_id, domain.organization_id).await?;
    Ok(rows == 1)
}
