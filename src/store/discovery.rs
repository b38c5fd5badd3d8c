//! WSO2's discovery: whether the vendor says whose the domains of addresses are, and of which it does.

use base::{
    id::{EnvironmentId, OrganizationId},
    time::Timestamp,
};
use model::domain::Domain;

use super::{Conn, Result, Sql, Transaction, columns::like_pattern, organization_domains::broken_domain};

/// Whether the vendor says whose domains of e-mail addresses are; `None`: nobody has decided that.
pub async fn find_settings(conn: &mut Conn, environment_id: EnvironmentId) -> Result<Option<bool>> {
    let row: Option<(bool,)> = conn
        .sql("SELECT email_domains FROM discovery_settings WHERE environment_id = $1")
        .bind(environment_id)
        .optional()
        .await?;
    Ok(row.map(|(email_domains,)| email_domains))
}

/// Stores whether it does, where nobody has decided it yet. Returns whether that was so.
pub async fn insert_settings(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    email_domains: bool,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .sql(
            "INSERT INTO discovery_settings (environment_id, email_domains, updated_at) VALUES ($1, $2, $3) \
             ON CONFLICT (environment_id) DO NOTHING",
        )
        .bind(environment_id)
        .bind(email_domains)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Stores whether it does.
pub async fn upsert_settings(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    email_domains: bool,
    now: Timestamp,
) -> Result<()> {
    tx.sql(
        "INSERT INTO discovery_settings (environment_id, email_domains, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (environment_id) DO UPDATE SET email_domains = excluded.email_domains, updated_at = excluded.updated_at",
    )
    .bind(environment_id)
    .bind(email_domains)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Forgets the decision. Returns whether there was one.
pub async fn remove_settings(tx: &mut Transaction, environment_id: EnvironmentId) -> Result<bool> {
    let rows = tx
        .sql("DELETE FROM discovery_settings WHERE environment_id = $1")
        .bind(environment_id)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// The domains of an organization of which the vendor says so, by name.
pub async fn list_domains(conn: &mut Conn, organization_id: OrganizationId) -> Result<Vec<Domain>> {
    let rows: Vec<(String,)> = conn
        .sql(
            "SELECT domain FROM organization_domains WHERE organization_id = $1 AND asserted ORDER BY domain",
        )
        .bind(organization_id)
        .all()
        .await?;
    rows.into_iter()
        .map(|(domain,)| Domain::from_ascii(&domain).ok_or_else(|| broken_domain(organization_id)))
        .collect()
}

/// The organization for which a domain counts as proved, by DNS or by the vendor's word.
pub async fn find_owner(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    domain: &Domain,
) -> Result<Option<OrganizationId>> {
    let row: Option<(OrganizationId,)> = conn
        .sql(
            "SELECT organization_id FROM organization_domains WHERE environment_id = $1 AND domain = $2 \
             AND state = 'verified' LIMIT 1",
        )
        .bind(environment_id)
        .bind(domain.as_str())
        .optional()
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Organizations that have such domains, with their names, in the order of their ids: `limit` of them after the first `offset`, and how
/// many there are. Of a name, what comes before and after `name` may be anything where `around` says so.
pub async fn list_organizations(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    name: Option<(&str, (bool, bool))>,
    (offset, limit): (i64, i64),
) -> Result<(Vec<(OrganizationId, String)>, i64)> {
    let matching = |sql: Sql| {
        let mut sql = sql
            .push(
                " FROM organizations o WHERE o.deleted_at IS NULL AND o.kind = 'organization' AND EXISTS \
                 (SELECT 1 FROM organization_domains d WHERE d.asserted AND d.environment_id = o.environment_id \
                 AND d.organization_id = o.id) AND o.environment_id = ",
            )
            .value(environment_id.to_string());
        if let Some((text, (before, after))) = name {
            let pattern = like_pattern(&model::organization::name_key(text));
            let pattern = pattern.strip_prefix('%').filter(|_| !before).unwrap_or(&pattern);
            let pattern = pattern.strip_suffix('%').filter(|_| !after).unwrap_or(pattern);
            sql = sql.push(" AND o.name_key LIKE ").value(pattern.to_owned()).push(" ESCAPE '!'");
        }
        sql
    };
    let (total,): (i64,) = conn.dynamic(matching(Sql::from("SELECT COUNT(*)"))).one().await?;
    let page = matching(Sql::from("SELECT o.id, COALESCE(o.name, o.display_name)"))
        .push(" ORDER BY o.id LIMIT ")
        .value(limit)
        .push(" OFFSET ")
        .value(offset);
    Ok((conn.dynamic(page).all().await?, total))
}
