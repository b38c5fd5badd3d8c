//! Organizations, read with their domains, and the search for organizations.

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, EnvironmentKind, OrganizationId, OrganizationKind},
    time::Timestamp,
};
use model::{
    domain::{Domain, DomainState},
    organization::Organization,
    search_index::SearchWord,
};

use super::{
    Conn, Result, Sql,
    connection::{Row, Statement},
    organization_words,
    table::{Key, Table, select_text, select_where},
};

impl Table for Organization {
    type Kind = OrganizationKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "organizations";
    const COLUMNS: &'static [&'static str] = &["display_name", "external_id", "disabled", "updated_at"];
    const FIXED: &'static [&'static str] = &["created_at"];
    const COMPUTED: &'static [(&'static str, &'static str)] = &[(
        "domains",
        "(SELECT string_agg(d.domain || ' ' || d.state, ',') FROM organization_domains d \
         WHERE d.organization_id = organizations.id)",
    )];

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        self.version = version;
        self.updated_at = at;
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.display_name.as_str())
            .bind(self.external_id.as_deref())
            .bind(self.disabled)
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        let listed: Option<String> = row.get("domains")?;
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            version: row.get("version")?,
            display_name: row.get("display_name")?,
            external_id: row.get("external_id")?,
            disabled: row.get("disabled")?,
            domains: domains(listed.as_deref()).ok_or_else(|| row.inconsistent("domains"))?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Parses the result of `string_agg(domain || ' ' || state, ',')`: neither part can contain a space or a comma.
pub(super) fn domains(text: Option<&str>) -> Option<BTreeMap<Domain, DomainState>> {
    let pairs = text.unwrap_or_default().split_terminator(',');
    pairs
        .map(|pair| {
            let (domain, state) = pair.split_once(' ')?;
            Some((Domain::from_ascii(domain)?, DomainState::parse(state)?))
        })
        .collect()
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

/// Up to `limit` organizations of an environment that have, for each word of the query, a search word with that
/// prefix; newest first, from `from` on.
pub async fn search(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    words: &[SearchWord],
    from: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Organization>> {
    let mut sql = Sql::from(select_text::<Organization>()).value(environment_id.to_string());
    if let Some(from) = from {
        sql = sql.push(" AND organizations.id <= ").value(from.to_string());
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
        let rare = at == 0 && !organization_words::is_common(conn, environment_id, word).await?;
        sql = if rare {
            let inner = sql
                .push(" AND organizations.id IN (SELECT w.organization_id FROM organization_words w WHERE w.environment_id = ")
                .value(environment_id.to_string());
            range(inner).push(")")
        } else {
            let inner = sql.push(
                " AND EXISTS (SELECT 1 FROM organization_words w WHERE w.organization_id = organizations.id",
            );
            range(inner).push(")")
        };
    }
    let sql = sql.push(" ORDER BY organizations.id DESC LIMIT ").value(limit);
    conn.dynamic(sql).all_of().await
}

/// Up to `limit` organizations of an environment for which the domain counts (`whitelisted` and
/// `verified`), in creation order.
pub async fn list_by_domain(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    domain: &Domain,
    limit: i64,
) -> Result<Vec<Organization>> {
    select_where::<Organization>(
        conn,
        "JOIN organization_domains r ON r.organization_id = organizations.id WHERE r.environment_id = $1 \
         AND r.domain = $2 AND r.state IN ('whitelisted', 'verified') ORDER BY organizations.id LIMIT $3",
    )
    .bind(environment_id)
    .bind(domain.as_str())
    .bind(limit)
    .all_of()
    .await
}
