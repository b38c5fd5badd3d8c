//! The domains of organizations, each with the state of its verification. Callers that write hold the organization's
//! lock.
//!
//! A row has had an id since schema 0021. One from before, or from a program of before, has none: it is read with a
//! derived id, which is written when the row is next changed, or by [`write_ids`] in the background.

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, Id, OrganizationDomainId, OrganizationDomainKind, OrganizationId, OrganizationKind},
    random::Random,
    time::Timestamp,
};
use model::{
    domain::{Domain, DomainState},
    organization::Organization,
    organization_domain::{CheckFailure, OrganizationDomain, VERIFICATION_WINDOW},
};

use super::{
    Conn, Error, Result, Sql, Transaction,
    batch::BATCH_SIZE,
    columns,
    connection::{Row, Statement},
    organization_words,
    table::{self, Key, Table, select_text, select_where},
};

impl Table for OrganizationDomain {
    type Kind = OrganizationDomainKind;
    type Scope = OrganizationKind;

    const TABLE: &'static str = "organization_domains";
    const SCOPE: &'static str = "organization_id";
    const COLUMNS: &'static [&'static str] = &[
        "state",
        "verification_token",
        "approved",
        "asserted",
        "verification_started_at",
        "routing_enabled",
        "auto_join_enabled",
        "auto_join_role",
        "updated_at",
    ];
    const FIXED: &'static [&'static str] = &["environment_id", "domain", "created_at"];
    const STAMPS: &'static [&'static str] = &[
        "verified_at",
        "checked_at",
        "check_error",
        "record_lost_at",
        "recheck_at",
        "check_attempts",
        "check_failure",
        "missed_checks",
    ];

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.organization_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        self.version = version;
        self.updated_at = at;
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        let statement = statement.bind(self.state.as_str()).bind(self.verification_token.as_deref());
        let statement = statement.bind(self.approved).bind(self.asserted).bind(self.verification_started_at);
        let statement = statement.bind(self.routing_enabled).bind(self.auto_join_enabled);
        statement.bind(self.auto_join_role.as_str()).bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.environment_id).bind(self.domain.as_str()).bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        let organization_id = row.get("organization_id")?;
        let domain = row.parse("domain", Domain::from_ascii)?;
        let id: Option<OrganizationDomainId> = row.get("id")?;
        Ok(Self {
            id: id.unwrap_or_else(|| Self::derived_id(organization_id, &domain)),
            version: row.get("version")?,
            environment_id: row.get("environment_id")?,
            organization_id,
            domain,
            state: row.parse("state", columns::by_name)?,
            verification_token: row.get("verification_token")?,
            verified_at: row.get("verified_at")?,
            checked_at: row.get("checked_at")?,
            check_error: row.get("check_error")?,
            approved: row.get("approved")?,
            asserted: row.get("asserted")?,
            record_lost_at: row.get("record_lost_at")?,
            recheck_at: row.get("recheck_at")?,
            verification_started_at: row.get("verification_started_at")?,
            check_attempts: row.get("check_attempts")?,
            check_failure: row.parse_optional("check_failure", columns::by_name)?,
            missed_checks: row.get("missed_checks")?,
            routing_enabled: row.get("routing_enabled")?,
            auto_join_enabled: row.get("auto_join_enabled")?,
            auto_join_role: row.parse("auto_join_role", columns::by_name)?,
            created_at: row.get("created_at")?,
            updated_at: match row.get("updated_at")? {
                Some(at) => at,
                None => row.get("created_at")?,
            },
        })
    }
}

/// Up to `limit` domains of an organization, by name.
pub async fn list(
    conn: &mut Conn,
    organization_id: OrganizationId,
    limit: i64,
) -> Result<Vec<OrganizationDomain>> {
    select_where::<OrganizationDomain>(conn, "WHERE organization_id = $1 ORDER BY domain LIMIT $2")
        .bind(organization_id)
        .bind(limit)
        .all_of()
        .await
}

/// Up to `limit` domains of an organization from one of them on, in the order of their ids; only those that are seen in `state` at
/// `now`, unless that is `None`. Their number is bounded by that of an organization's domains. Those without an id are none of them
/// until [`write_ids`] has run.
pub async fn list_from(
    conn: &mut Conn,
    organization_id: OrganizationId,
    state: Option<DomainState>,
    now: Timestamp,
    from: Option<OrganizationDomainId>,
    limit: i64,
) -> Result<Vec<OrganizationDomain>> {
    let sql = Sql::from(select_text::<OrganizationDomain>()).value(organization_id.to_string());
    let sql = sql.push(" AND id >= ").value(columns::page_start(from).to_string());
    // A challenge that is over is one that was made a window ago.
    let is_over = |sql: Sql| {
        sql.push(
            "(state = 'pending' AND verification_token IS NOT NULL AND verification_started_at IS NOT NULL \
                  AND verification_started_at <= ",
        )
        .value((now - VERIFICATION_WINDOW).millis())
        .push(")")
    };
    let sql = match state {
        None => sql,
        Some(DomainState::Failed) => is_over(sql.push(" AND (state = 'failed' OR ")).push(")"),
        Some(DomainState::Pending) => is_over(sql.push(" AND state = 'pending' AND NOT ")),
        Some(state) => sql.push(" AND state = ").value(state.as_str()),
    };
    let sql = sql.push(" ORDER BY id LIMIT ").value(limit);
    conn.dynamic(sql).all_of().await
}

/// The domain of an organization with this name.
pub async fn find(
    conn: &mut Conn,
    organization_id: OrganizationId,
    domain: &Domain,
) -> Result<Option<OrganizationDomain>> {
    select_where::<OrganizationDomain>(conn, "WHERE organization_id = $1 AND domain = $2")
        .bind(organization_id)
        .bind(domain.as_str())
        .optional_of()
        .await
}

/// The domain of an organization with this id, stored or derived.
pub async fn find_by_id(
    conn: &mut Conn,
    organization_id: OrganizationId,
    id: OrganizationDomainId,
) -> Result<Option<OrganizationDomain>> {
    if let Some(found) = table::find(conn, organization_id, id).await? {
        return Ok(Some(found));
    }
    // Their number is bounded by that of an organization's domains.
    let without: Vec<OrganizationDomain> =
        select_where::<OrganizationDomain>(conn, "WHERE organization_id = $1 AND id IS NULL")
            .bind(organization_id)
            .all_of()
            .await?;
    Ok(without.into_iter().find(|domain| domain.id == id))
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
         JOIN organizations o ON o.id = d.organization_id AND o.deleted_at IS NULL WHERE d.place <= ",
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
    let sql = shared(Sql::from(""), environment_id, organizations);
    let rows: Vec<(OrganizationId, String)> = conn.dynamic(sql).all().await?;
    rows.into_iter()
        .map(|(id, domain)| Ok((id, Domain::from_ascii(&domain).ok_or_else(|| broken_domain(id))?)))
        .collect()
}

/// The query of [`list_shared`], after `start`. The environment is compared so that no index serves it: SQLite would take that one,
/// and read the domains of all organizations.
fn shared(start: Sql, environment_id: EnvironmentId, organizations: &[OrganizationId]) -> Sql {
    start
        .push("SELECT m.organization_id, m.domain FROM organization_domains m WHERE m.organization_id IN (")
        .values(organizations.iter().map(ToString::to_string))
        .push(") AND COALESCE(m.environment_id, '') = ")
        .value(environment_id.to_string())
        .push(
            " AND m.state IN ('whitelisted', 'verified') AND EXISTS (SELECT 1 FROM organization_domains d \
             WHERE d.environment_id = ",
        )
        .value(environment_id.to_string())
        .push(
            " AND d.domain = m.domain \
             AND d.organization_id <> m.organization_id AND d.state IN ('whitelisted', 'verified')) \
             ORDER BY m.organization_id, m.domain",
        )
}

pub(super) fn broken_domain(organization_id: OrganizationId) -> Error {
    Error::inconsistent("organization_domains", "domain", organization_id)
}

/// Stores the domains of an organization as it lists them (new ones since its last change), and its search words: after
/// each change of its row or its list. In few statements, however many domains there are.
pub async fn set(conn: &mut Conn, organization: &Organization, random: &dyn Random) -> Result<()> {
    let stored: Vec<(String, String)> = conn
        .sql("SELECT domain, state FROM organization_domains WHERE organization_id = $1")
        .bind(organization.id)
        .all()
        .await?;
    let stored: BTreeMap<&str, &str> =
        stored.iter().map(|(domain, state)| (domain.as_str(), state.as_str())).collect();
    let mut added = Vec::new();
    let mut changed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (domain, state) in &organization.domains {
        match stored.get(domain.as_str()) {
            None => added.push(listed_domain(organization, domain, *state, random)),
            Some(was) if *was != state.as_str() => {
                changed.entry(state.as_str()).or_default().push(domain.as_str());
            }
            Some(_) => {}
        }
    }
    let listed = |domain: &str| organization.domains.keys().any(|listed| listed.as_str() == domain);
    let removed: Vec<&str> = stored.keys().copied().filter(|domain| !listed(domain)).collect();
    for (state, domains) in changed {
        for some in domains.chunks(BATCH_SIZE) {
            // Of all states the vendor's list gives only one anew: `whitelisted`.
            let sql = Sql::from(
                "UPDATE organization_domains SET version = version + 1, record_lost_at = NULL, recheck_at = NULL, \
                 missed_checks = 0, updated_at = ",
            )
                .value(organization.updated_at.millis())
                .push(", approved = ")
                .value(state == DomainState::Whitelisted.as_str())
                .push(", state = ")
                .value(state)
                .push(" WHERE organization_id = ")
                .value(organization.id.to_string())
                .push(" AND domain IN (")
                .values(some.iter().copied())
                .push(")");
            conn.dynamic(sql).execute().await?;
        }
    }
    replace(conn, organization.environment_id, organization.id, &added, &removed).await
}

/// Stores the domains of an organization that was inserted in this transaction, and its search words.
pub async fn insert_all(conn: &mut Conn, organization: &Organization, random: &dyn Random) -> Result<()> {
    let domains = organization.domains.iter();
    let added: Vec<OrganizationDomain> =
        domains.map(|(domain, state)| listed_domain(organization, domain, *state, random)).collect();
    add(conn, organization.environment_id, organization.id, &added).await?;
    organization_words::insert(conn, organization).await
}

/// A domain that the vendor's list has anew.
fn listed_domain(
    organization: &Organization,
    domain: &Domain,
    state: DomainState,
    random: &dyn Random,
) -> OrganizationDomain {
    let id = Id::new(organization.updated_at, random);
    let of = (organization.environment_id, organization.id);
    let approved = state == DomainState::Whitelisted;
    let added = OrganizationDomain::new(id, of, domain.clone(), state, organization.updated_at);
    OrganizationDomain { approved, ..added }
}

/// Adds a domain.
pub async fn insert(conn: &mut Conn, domain: &OrganizationDomain) -> Result<()> {
    let added = std::slice::from_ref(domain);
    replace(conn, domain.environment_id, domain.organization_id, added, &[]).await
}

/// Deletes a domain.
pub async fn remove(conn: &mut Conn, domain: &OrganizationDomain) -> Result<()> {
    let removed = [domain.domain.as_str()];
    replace(conn, domain.environment_id, domain.organization_id, &[], &removed).await
}

/// Deletes the domains of an organization that is removed, and its search words.
pub async fn remove_all(tx: &mut Transaction, organization_id: OrganizationId) -> Result<()> {
    for text in [
        "DELETE FROM organization_domains WHERE organization_id = $1",
        "DELETE FROM organization_words WHERE organization_id = $1",
    ] {
        tx.sql(text).bind(organization_id).execute().await?;
    }
    Ok(())
}

/// Adds and deletes domains of an organization, whose search words are those of its row and its domains afterwards. No
/// other function but [`insert_all`] adds one or deletes a single one, so that the search knows all of them.
async fn replace(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    added: &[OrganizationDomain],
    removed: &[&str],
) -> Result<()> {
    for some in removed.chunks(BATCH_SIZE) {
        let sql = Sql::from("DELETE FROM organization_domains WHERE organization_id = ")
            .value(organization_id.to_string())
            .push(" AND domain IN (")
            .values(some.iter().copied())
            .push(")");
        conn.dynamic(sql).execute().await?;
    }
    add(conn, environment_id, organization_id, added).await?;
    organization_words::write(conn, environment_id, organization_id).await
}

async fn add(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    added: &[OrganizationDomain],
) -> Result<()> {
    for some in added.chunks(BATCH_SIZE) {
        let mut sql = Sql::from(
            "INSERT INTO organization_domains (id, organization_id, environment_id, domain, state, created_at, \
             approved, asserted, routing_enabled, verification_token, verification_started_at) VALUES ",
        );
        for (at, domain) in some.iter().enumerate() {
            sql = sql.push(if at == 0 { "(" } else { ", (" });
            sql = sql.value(domain.id.to_string()).push(", ").value(organization_id.to_string()).push(", ");
            sql = sql.value(environment_id.to_string()).push(", ").value(domain.domain.as_str()).push(", ");
            sql = sql.value(domain.state.as_str()).push(", ").value(domain.created_at.millis()).push(", ");
            sql = sql.value(domain.approved).push(", ").value(domain.asserted).push(", ");
            sql = sql.value(domain.routing_enabled).push(", ");
            sql = match &domain.verification_token {
                Some(token) => sql.value(token.as_str()).push(", "),
                None => sql.push("NULL, "),
            };
            sql = match domain.verification_started_at {
                Some(at) => sql.value(at.millis()).push(")"),
                None => sql.push("NULL)"),
            };
        }
        conn.dynamic(sql).execute().await?;
    }
    Ok(())
}

/// Updates a domain, if the stored one still has the version that was read. Returns whether it has.
/// [`Error::Duplicate`]: another organization of the environment has verified it.
pub async fn update(conn: &mut Conn, domain: &mut OrganizationDomain, at: Timestamp) -> Result<bool> {
    if domain.id == OrganizationDomain::derived_id(domain.organization_id, &domain.domain) {
        conn.sql(
            "UPDATE organization_domains SET id = $3 WHERE organization_id = $1 AND domain = $2 AND id IS NULL",
        )
        .bind(domain.organization_id)
        .bind(domain.domain.as_str())
        .bind(domain.id)
        .execute()
        .await?;
    }
    table::update(conn, domain, at).await
}

/// Stores the result of the last DNS check, which belongs to no version.
pub async fn update_check(conn: &mut Conn, domain: &OrganizationDomain) -> Result<()> {
    conn.sql(
        "UPDATE organization_domains SET verified_at = $3, checked_at = $4, check_error = $5, record_lost_at = $6, \
         recheck_at = $7, check_attempts = $8, check_failure = $9, missed_checks = $10 \
         WHERE organization_id = $1 AND domain = $2",
    )
    .bind(domain.organization_id)
    .bind(domain.domain.as_str())
    .bind(domain.verified_at)
    .bind(domain.checked_at)
    .bind(domain.check_error.as_deref())
    .bind(domain.record_lost_at)
    .bind(domain.recheck_at)
    .bind(domain.check_attempts)
    .bind(domain.check_failure.map(CheckFailure::as_str))
    .bind(domain.missed_checks)
    .execute()
    .await?;
    Ok(())
}

/// Reserves a DNS check for the organization, unless one of its domains was checked after `unless_since`. The
/// database decides between concurrent callers. Returns whether the check may run.
pub async fn update_checked(
    tx: &mut Transaction,
    domain: &OrganizationDomain,
    now: Timestamp,
    unless_since: Timestamp,
) -> Result<bool> {
    let turn = tx
        .sql(
            "UPDATE organizations SET domains_checked_at = $3 WHERE environment_id = $1 AND id = $2 \
             AND deleted_at IS NULL AND (domains_checked_at IS NULL OR domains_checked_at <= $4)",
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

/// Up to `limit` organizations of which a domain has no id.
pub async fn list_without_ids(conn: &mut Conn, limit: i64) -> Result<Vec<(EnvironmentId, OrganizationId)>> {
    conn.sql(
        "SELECT DISTINCT environment_id, organization_id FROM organization_domains WHERE id IS NULL \
         ORDER BY organization_id LIMIT $1",
    )
    .bind(limit)
    .all()
    .await
}

/// Writes the derived ids of an organization's domains that have none, and the search words of all of them: programs
/// that wrote no ids did not always write the words.
pub async fn write_ids(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    let without: Vec<OrganizationDomain> =
        select_where::<OrganizationDomain>(conn, "WHERE organization_id = $1 AND id IS NULL")
            .bind(organization_id)
            .all_of()
            .await?;
    for some in without.chunks(BATCH_SIZE) {
        let mut sql = Sql::from("UPDATE organization_domains SET id = CASE domain");
        for domain in some {
            sql =
                sql.push(" WHEN ").value(domain.domain.as_str()).push(" THEN ").value(domain.id.to_string());
        }
        let sql = sql
            .push(" END WHERE organization_id = ")
            .value(organization_id.to_string())
            .push(" AND id IS NULL AND domain IN (")
            .values(some.iter().map(|domain| domain.domain.as_str()))
            .push(")");
        conn.dynamic(sql).execute().await?;
    }
    organization_words::write(conn, environment_id, organization_id).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;

    #[tokio::test]
    async fn the_shared_domains_of_an_organization_are_found_by_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        for organizations in [vec![Id::from_bits(1)], vec![Id::from_bits(1), Id::from_bits(2)]] {
            let explain = shared(Sql::from("EXPLAIN QUERY PLAN "), Id::from_bits(3), &organizations);
            let mut conn = db.read().await.unwrap();
            let plan: Vec<(i64, i64, i64, String)> = conn.dynamic(explain).all().await.unwrap();
            let own = plan.iter().find(|(.., step)| step.contains(" m ")).unwrap();
            assert!(own.3.contains("(organization_id=?"), "{plan:#?}");
        }
    }
}
