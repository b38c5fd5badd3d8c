//! The audit log. Entries are added and read, never changed: triggers that `db::Db::migrate` creates enforce
//! it.

use base::{
    id::{AuditEventId, EnvironmentId, OrganizationId},
    time::Timestamp,
};
use model::audit::{AuditActor, AuditEvent};
use serde_json::{Map, Value};

use super::{Conn, Error, Result, Sql, columns};

#[derive(sqlx::FromRow)]
struct Row {
    id: AuditEventId,
    environment_id: String,
    at: Timestamp,
    actor_kind: String,
    actor_id: String,
    address: Option<String>,
    action: String,
    target_kind: String,
    target_id: String,
    organization_id: Option<OrganizationId>,
    before: String,
    after: String,
}

impl TryFrom<Row> for AuditEvent {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let wrong = |column| Error::inconsistent("audit_events", column, row.id);
        let object = |text: &str, column| columns::object_from_json(text).ok_or_else(|| wrong(column));
        let environment_id = match row.environment_id.as_str() {
            "" => None,
            id => Some(id.parse().map_err(|_| wrong("environment_id"))?),
        };
        let address = row.address.as_deref().map(str::parse).transpose().map_err(|_| wrong("address"))?;
        Ok(Self {
            id: row.id,
            environment_id,
            at: row.at,
            address,
            organization_id: row.organization_id,
            before: object(&row.before, "before")?,
            after: object(&row.after, "after")?,
            actor: AuditActor { kind: row.actor_kind, id: row.actor_id },
            action: row.action,
            target_kind: row.target_kind,
            target_id: row.target_id,
        })
    }
}

/// Adds an entry.
pub async fn insert(conn: &mut Conn, event: &AuditEvent) -> Result<()> {
    let json = |fields: &Map<String, Value>| columns::object_to_json(fields);
    conn.sql(
        "INSERT INTO audit_events (id, environment_id, at, actor_kind, actor_id, address, action, \
         target_kind, target_id, organization_id, before, after) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(event.id)
    .bind(environment(event.environment_id))
    .bind(event.at)
    .bind(event.actor.kind.as_str())
    .bind(event.actor.id.as_str())
    .bind(event.address.map(|address| address.to_string()))
    .bind(event.action.as_str())
    .bind(event.target_kind.as_str())
    .bind(event.target_id.as_str())
    .bind(event.organization_id)
    .bind(json(&event.before))
    .bind(json(&event.after))
    .execute()
    .await?;
    Ok(())
}

/// A filter for the audit log. All given conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Entries about this resource.
    pub target_id: Option<String>,
    /// Entries about this organization and what belongs to it.
    pub organization_id: Option<OrganizationId>,
    /// Entries of this actor.
    pub actor_id: Option<String>,
    /// Entries with one of these actions: `organization.updated`; empty: with any.
    pub actions: Vec<String>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// Up to `limit` entries of an environment (`None`: of the installation), newest first, from `from` on.
pub async fn list(
    conn: &mut Conn,
    environment_id: Option<EnvironmentId>,
    filter: &AuditFilter,
    from: Option<AuditEventId>,
    limit: i64,
) -> Result<Vec<AuditEvent>> {
    let mut sql = Sql::from(
        "SELECT id, environment_id, at, actor_kind, actor_id, address, action, target_kind, target_id, \
         organization_id, before, after FROM audit_events WHERE environment_id = ",
    )
    .value(environment(environment_id));
    if let Some(id) = &filter.target_id {
        sql = sql.push(" AND target_id = ").value(id.clone());
    }
    if let Some(id) = filter.organization_id {
        sql = sql.push(" AND organization_id = ").value(id.to_string());
    }
    if let Some(id) = &filter.actor_id {
        sql = sql.push(" AND actor_id = ").value(id.clone());
    }
    if !filter.actions.is_empty() {
        sql = sql.push(" AND action IN (").values(filter.actions.iter().cloned()).push(")");
    }
    // Ids sort by creation time.
    if let Some(since) = filter.since {
        sql = sql.push(" AND id >= ").value(AuditEventId::lower_bound_at(since).to_string());
    }
    if let Some(until) = filter.until {
        sql = sql.push(" AND id < ").value(AuditEventId::lower_bound_at(until).to_string());
    }
    if let Some(from) = from {
        sql = sql.push(" AND id <= ").value(from.to_string());
    }
    sql = sql.push(" ORDER BY id DESC LIMIT ").value(limit);
    conn.dynamic(sql).all::<Row>().await?.into_iter().map(AuditEvent::try_from).collect()
}

/// One entry of an environment (`None`: of the installation).
pub async fn find(
    conn: &mut Conn,
    environment_id: Option<EnvironmentId>,
    id: AuditEventId,
) -> Result<Option<AuditEvent>> {
    conn.sql(
        "SELECT id, environment_id, at, actor_kind, actor_id, address, action, target_kind, target_id, \
         organization_id, before, after FROM audit_events WHERE environment_id = $1 AND id = $2",
    )
    .bind(environment(environment_id))
    .bind(id)
    .optional::<Row>()
    .await?
    .map(AuditEvent::try_from)
    .transpose()
}

fn environment(id: Option<EnvironmentId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}
