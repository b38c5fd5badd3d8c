//! Organizations with their domains, and the search for organizations.

use std::collections::{BTreeMap, BTreeSet};

use base::{
    id::{EnvironmentId, OrganizationId},
    time::Timestamp,
};
use model::{
    domain::{Domain, DomainState},
    organization::{Organization, OrganizationDomain},
    search_index::{self, SearchWord},
};

use super::{Conn, Error, Result, Sql, Transaction, batch::BATCH_SIZE, columns};

#[derive(sqlx::FromRow)]
struct Row {
    id: OrganizationId,
    environment_id: EnvironmentId,
    display_name: String,
    external_id: Option<String>,
    domains: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for Organization {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            environment_id: row.environment_id,
            display_name: row.display_name,
            external_id: row.external_id,
            domains: domains(row.domains.as_deref())
                .ok_or_else(|| Error::inconsistent("organization_domains", "domain, state", row.id))?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Parses the result of `string_agg(domain || ' ' || state, ',')` and sorts it: neither part can contain a
/// space or a comma.
pub(super) fn domains(text: Option<&str>) -> Option<Vec<OrganizationDomain>> {
    let mut domains = text
        .unwrap_or_default()
        .split_terminator(',')
        .map(|pair| {
            let (domain, state) = pair.split_once(' ')?;
            Some(OrganizationDomain {
                domain: Domain::from_ascii(domain)?,
                state: DomainState::parse(state)?,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    domains.sort_unstable_by(|a, b| a.domain.cmp(&b.domain));
    Some(domains)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.environment_id, o.display_name, o.external_id, o.created_at, o.updated_at, \
             (SELECT string_agg(d.domain || ' ' || d.state, ',') FROM organization_domains d \
             WHERE d.organization_id = o.id) AS domains FROM organizations o ",
            $rest
        )
    };
}

/// The organization with this id in the environment.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: OrganizationId,
) -> Result<Option<Organization>> {
    conn.sql(select!("WHERE o.environment_id = $1 AND o.id = $2"))
        .bind(environment_id)
        .bind(id)
        .optional::<Row>()
        .await?
        .map(Organization::try_from)
        .transpose()
}

/// The names of these organizations of an environment; ids that do not exist are left out.
pub async fn list_names(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    ids: &[OrganizationId],
) -> Result<Vec<(OrganizationId, String)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = Sql::from("SELECT id, display_name FROM organizations WHERE environment_id = ")
        .value(environment_id.to_string())
        .push(" AND id IN (")
        .values(ids.iter().map(ToString::to_string))
        .push(")");
    conn.dynamic(text).all().await
}

/// The environment of an organization, looked up without a scope: for the command line.
pub async fn find_environment(conn: &mut Conn, id: OrganizationId) -> Result<Option<EnvironmentId>> {
    let row: Option<(EnvironmentId,)> =
        conn.sql("SELECT environment_id FROM organizations WHERE id = $1").bind(id).optional().await?;
    Ok(row.map(|(id,)| id))
}

/// Up to `limit` organizations of an environment from `from` on, in creation order.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    from: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Organization>> {
    conn.sql(select!("WHERE o.environment_id = $1 AND o.id >= $2 ORDER BY o.id LIMIT $3"))
        .bind(environment_id)
        .bind(columns::page_start(from))
        .bind(limit)
        .all::<Row>()
        .await?
        .into_iter()
        .map(Organization::try_from)
        .collect()
}

/// From how many matches on a word counts as common.
const COMMON_WORD_MATCHES: i64 = 2000;

/// Up to `limit` organizations of an environment that have, for each word of the query, a search word with that
/// prefix; newest first, from `from` on.
pub async fn search(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    words: &[SearchWord],
    from: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Organization>> {
    let mut sql = Sql::from(select!("WHERE o.environment_id = ")).value(environment_id.to_string());
    if let Some(from) = from {
        sql = sql.push(" AND o.id <= ").value(from.to_string());
    }
    for (at, word) in words.iter().enumerate() {
        // Matches of a rare word are collected and sorted. For a common word, organizations are read newest
        // first until enough of them match.
        let range = |sql: Sql| {
            sql.push(" AND w.word >= ")
                .value(word.as_str().to_owned())
                .push(" AND w.word < ")
                .value(word.upper_bound())
        };
        let rare = at == 0 && !is_common(conn, environment_id, word).await?;
        sql = if rare {
            let inner = sql
                .push(" AND o.id IN (SELECT w.organization_id FROM organization_words w WHERE w.environment_id = ")
                .value(environment_id.to_string());
            range(inner).push(")")
        } else {
            let inner =
                sql.push(" AND EXISTS (SELECT 1 FROM organization_words w WHERE w.organization_id = o.id");
            range(inner).push(")")
        };
    }
    let sql = sql.push(" ORDER BY o.id DESC LIMIT ").value(limit);
    conn.dynamic(sql).all::<Row>().await?.into_iter().map(Organization::try_from).collect()
}

async fn is_common(conn: &mut Conn, environment_id: EnvironmentId, word: &SearchWord) -> Result<bool> {
    let row: Option<(i64,)> = conn
        .sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM organization_words WHERE environment_id = $1 AND word >= $2 \
             AND word < $3 LIMIT $4) found",
        )
        .bind(environment_id)
        .bind(word.as_str())
        .bind(word.upper_bound())
        .bind(COMMON_WORD_MATCHES)
        .optional()
        .await?;
    Ok(row.is_some_and(|(count,)| count >= COMMON_WORD_MATCHES))
}

/// Inserts the search words of an organization that are missing and deletes those that no longer apply.
async fn write_search_words(conn: &mut Conn, organization: &Organization, known: bool) -> Result<()> {
    let words = search_index::index_words(organization);
    let stored: Vec<(String,)> = match known {
        true => {
            conn.sql("SELECT word FROM organization_words WHERE organization_id = $1")
                .bind(organization.id)
                .all()
                .await?
        }
        false => Vec::new(),
    };
    let stored: BTreeSet<&str> = stored.iter().map(|(word,)| word.as_str()).collect();
    let wanted: BTreeSet<&str> = words.iter().map(SearchWord::as_str).collect();
    let gone: Vec<&str> = stored.difference(&wanted).copied().collect();
    for some in gone.chunks(BATCH_SIZE) {
        let sql = Sql::from("DELETE FROM organization_words WHERE organization_id = ")
            .value(organization.id.to_string())
            .push(" AND word IN (")
            .values(some.iter().copied())
            .push(")");
        conn.dynamic(sql).execute().await?;
    }
    let new: Vec<&str> = wanted.difference(&stored).copied().collect();
    for some in new.chunks(BATCH_SIZE) {
        let mut sql =
            Sql::from("INSERT INTO organization_words (environment_id, word, organization_id) VALUES ");
        for (at, word) in some.iter().enumerate() {
            sql = sql.push(if at == 0 { "(" } else { ", (" });
            sql = sql.value(organization.environment_id.to_string()).push(", ").value(*word).push(", ");
            sql = sql.value(organization.id.to_string()).push(")");
        }
        conn.dynamic(sql.push(" ON CONFLICT DO NOTHING")).execute().await?;
    }
    Ok(())
}

/// Updates the search words of an organization from its stored domains.
pub(super) async fn update_search_words(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: OrganizationId,
) -> Result<()> {
    match find(conn, environment_id, id).await? {
        Some(organization) => write_search_words(conn, &organization, true).await,
        None => Ok(()),
    }
}

/// Up to `limit` organizations of an environment for which the domain counts (`whitelisted` and
/// `verified`), in creation order.
pub async fn list_by_domain(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    domain: &Domain,
    limit: i64,
) -> Result<Vec<Organization>> {
    conn.sql(select!(
        "JOIN organization_domains r ON r.organization_id = o.id WHERE r.environment_id = $1 \
         AND r.domain = $2 AND r.state IN ('whitelisted', 'verified') ORDER BY o.id LIMIT $3"
    ))
    .bind(environment_id)
    .bind(domain.as_str())
    .bind(limit)
    .all::<Row>()
    .await?
    .into_iter()
    .map(Organization::try_from)
    .collect()
}

/// Adds an organization with its domains. [`Error::Duplicate`]: another organization has the external id.
pub async fn insert(conn: &mut Conn, organization: &Organization) -> Result<()> {
    conn.sql(
        "INSERT INTO organizations (id, environment_id, display_name, external_id, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(organization.id)
    .bind(organization.environment_id)
    .bind(organization.display_name.as_str())
    .bind(organization.external_id.as_deref())
    .bind(organization.created_at)
    .bind(organization.updated_at)
    .execute()
    .await?;
    write_search_words(conn, organization, false).await?;
    write_domains(conn, organization, false).await
}

/// Updates an organization with its domains. Returns whether it exists. [`Error::Duplicate`]: another
/// organization has the external id.
pub async fn update(conn: &mut Conn, organization: &Organization) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE organizations SET display_name = $3, external_id = $4, updated_at = $5 \
             WHERE environment_id = $1 AND id = $2",
        )
        .bind(organization.environment_id)
        .bind(organization.id)
        .bind(organization.display_name.as_str())
        .bind(organization.external_id.as_deref())
        .bind(organization.updated_at)
        .execute()
        .await?;
    if touched == 0 {
        return Ok(false);
    }
    write_search_words(conn, organization, true).await?;
    write_domains(conn, organization, true).await?;
    Ok(true)
}

/// Locks the organization and its connections until the transaction ends. Returns whether the organization
/// exists. (An update that changes nothing locks the row on PostgreSQL; a SQLite write transaction is exclusive
/// anyway.)
pub async fn lock(tx: &mut Transaction, environment_id: EnvironmentId, id: OrganizationId) -> Result<bool> {
    let touched = tx
        .sql("UPDATE organizations SET updated_at = updated_at WHERE environment_id = $1 AND id = $2")
        .bind(environment_id)
        .bind(id)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Upserts the domains of an organization that are new or changed and deletes those that it no longer has, in
/// few statements, however many domains there are.
async fn write_domains(conn: &mut Conn, organization: &Organization, known: bool) -> Result<()> {
    let stored: Vec<(String, String)> = match known {
        true => {
            conn.sql("SELECT domain, state FROM organization_domains WHERE organization_id = $1")
                .bind(organization.id)
                .all()
                .await?
        }
        false => Vec::new(),
    };
    let stored: BTreeMap<&str, &str> =
        stored.iter().map(|(domain, state)| (domain.as_str(), state.as_str())).collect();
    let wanted: BTreeMap<&str, &str> = organization
        .domains
        .iter()
        .map(|OrganizationDomain { domain, state }| (domain.as_str(), state.as_str()))
        .collect();
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
    Ok(())
}

/// Deletes an organization with its domains and connections. Returns whether it existed.
pub async fn remove(conn: &mut Conn, environment_id: EnvironmentId, id: OrganizationId) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM organizations WHERE environment_id = $1 AND id = $2")
        .bind(environment_id)
        .bind(id)
        .execute()
        .await?;
    Ok(touched == 1)
}
