//! The domains of organizations one by one, with how far their proof has come. Whoever writes holds the
//! organization's lock (`organizations::lock`).

use super::{Conn, Error, Result, Transaction};
use crate::model::{
    domain::{Domain, DomainState},
    id::{EnvironmentId, OrganizationId},
    listed_domain::ListedDomain,
    time::Timestamp,
};

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

impl TryFrom<Row> for ListedDomain {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let broken = |column| Error::inconsistent("organization_domains", column, row.organization_id);
        Ok(Self {
            environment_id: row.environment_id,
            organization_id: row.organization_id,
            domain: Domain::from_ascii(&row.domain).ok_or_else(|| broken("domain"))?,
            state: DomainState::from_stored(&row.state).ok_or_else(|| broken("state"))?,
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
) -> Result<Vec<ListedDomain>> {
    conn.sql(select!("WHERE environment_id = $1 AND organization_id = $2 ORDER BY domain LIMIT $3"))
        .bind(environment_id)
        .bind(organization_id)
        .bind(limit)
        .all::<Row>()
        .await?
        .into_iter()
        .map(ListedDomain::try_from)
        .collect()
}

/// One domain of an organization.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    domain: &Domain,
) -> Result<Option<ListedDomain>> {
    conn.sql(select!("WHERE environment_id = $1 AND organization_id = $2 AND domain = $3"))
        .bind(environment_id)
        .bind(organization_id)
        .bind(domain.as_str())
        .optional::<Row>()
        .await?
        .map(ListedDomain::try_from)
        .transpose()
}

/// Adds a domain.
pub async fn insert(conn: &mut Conn, domain: &ListedDomain) -> Result<()> {
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
    Ok(())
}

/// Writes everything that can change of a domain. [`Error::Duplicate`]: another organization of the
/// environment has proved it.
pub async fn update(conn: &mut Conn, domain: &ListedDomain) -> Result<bool> {
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

/// Takes the organization's turn to ask DNS about a domain: one in `unless_since`'s time, decided by the
/// database, whichever of its domains it is about.
pub async fn update_checked(
    tx: &mut Transaction,
    domain: &ListedDomain,
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

/// Whether another organization of the environment has proved the domain.
pub async fn is_verified_elsewhere(conn: &mut Conn, domain: &ListedDomain) -> Result<bool> {
    let row: Option<(OrganizationId,)> = conn
        .sql(
            "SELECT organization_id FROM organization_domains WHERE environment_id = $1 AND domain = $2 \
             AND state = 'verified' AND organization_id <> $3",
        )
        .bind(domain.environment_id)
        .bind(domain.domain.as_str())
        .bind(domain.organization_id)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Takes a domain out of the list. Tells whether it was there.
pub async fn remove(conn: &mut Conn, domain: &ListedDomain) -> Result<bool> {
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
    Ok(rows == 1)
}
