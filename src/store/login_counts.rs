//! Logins counted by the hour in which they began. A background job counts them from `saml_flows` and writes
//! only what changed; pages read a few rows.

use std::time::Duration;

use super::{Conn, error::Result};
use crate::model::{
    id::{EnvironmentId, OrganizationId, SamlConnectionId, SamlFlowId},
    time::Timestamp,
};

/// An hour.
pub const HOUR: Duration = Duration::from_secs(3600);

/// How logins of an hour ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::FromRow)]
pub struct Outcomes {
    /// The app has the answer.
    pub succeeded: i64,
    /// Refused.
    pub failed: i64,
    /// Begun, and not finished (yet).
    pub in_progress: i64,
    /// Posts that belong to no login and that nobody we know signed.
    pub stray: i64,
}

impl Outcomes {
    /// These and others.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            succeeded: self.succeeded + other.succeeded,
            failed: self.failed + other.failed,
            in_progress: self.in_progress + other.in_progress,
            stray: self.stray + other.stray,
        }
    }
}

/// The logins of one connection in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Count {
    /// The connection.
    pub saml_connection_id: SamlConnectionId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// How they ended.
    #[sqlx(flatten)]
    pub outcomes: Outcomes,
}

/// A count as it is made, with when each thing happened last.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Counted {
    /// The count.
    #[sqlx(flatten)]
    pub count: Count,
    /// When somebody was let in last.
    pub last_succeeded_at: Option<Timestamp>,
    /// When somebody was refused last.
    pub last_failed_at: Option<Timestamp>,
}

/// Counts the logins that began in the hour that `hour` begins. The answer has a row for each connection that
/// somebody used in it. Tests of a connection are
/// no logins; one that succeeds shows that the connection works.
pub async fn count(conn: &mut Conn, hour: Timestamp) -> Result<Vec<Counted>> {
    conn.sql(
        "SELECT saml_connection_id, organization_id, environment_id, \
         COUNT(CASE WHEN status = 'succeeded' AND origin NOT IN ('setup', 'console') THEN 1 END) AS succeeded, \
         COUNT(CASE WHEN status = 'failed' AND origin NOT IN ('setup', 'console', 'detached') THEN 1 END) AS failed, \
         COUNT(CASE WHEN status = 'in_progress' AND origin NOT IN ('setup', 'console') THEN 1 END) AS in_progress, \
         COUNT(CASE WHEN status = 'failed' AND origin = 'detached' THEN 1 END) AS stray, \
         MAX(CASE WHEN status = 'succeeded' THEN updated_at END) AS last_succeeded_at, \
         MAX(CASE WHEN status = 'failed' AND origin NOT IN ('setup', 'console', 'detached') THEN updated_at END) \
         AS last_failed_at \
         FROM saml_flows WHERE id >= $1 AND id < $2 \
         GROUP BY saml_connection_id, organization_id, environment_id",
    )
    .bind(SamlFlowId::first_at(hour))
    .bind(SamlFlowId::first_at(hour + HOUR))
    .all()
    .await
}

/// What is written of an hour.
pub async fn list(conn: &mut Conn, hour: Timestamp) -> Result<Vec<Count>> {
    conn.sql(
        "SELECT saml_connection_id, organization_id, environment_id, succeeded, failed, in_progress, stray \
         FROM login_counts WHERE hour = $1",
    )
    .bind(hour)
    .all()
    .await
}

/// Writes a connection's hour.
pub async fn upsert(conn: &mut Conn, hour: Timestamp, count: &Count) -> Result<()> {
    conn.sql(
        "INSERT INTO login_counts (hour, saml_connection_id, organization_id, environment_id, succeeded, failed, \
         in_progress, stray) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (hour, saml_connection_id) DO UPDATE SET succeeded = excluded.succeeded, \
         failed = excluded.failed, in_progress = excluded.in_progress, stray = excluded.stray",
    )
    .bind(hour)
    .bind(count.saml_connection_id)
    .bind(count.organization_id)
    .bind(count.environment_id)
    .bind(count.outcomes.succeeded)
    .bind(count.outcomes.failed)
    .bind(count.outcomes.in_progress)
    .bind(count.outcomes.stray)
    .execute()
    .await?;
    Ok(())
}

/// Writes an environment's hour.
pub async fn upsert_total(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    hour: Timestamp,
    outcomes: Outcomes,
) -> Result<()> {
    conn.sql(
        "INSERT INTO login_hours (environment_id, hour, succeeded, failed, in_progress, stray) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (environment_id, hour) DO UPDATE SET succeeded = excluded.succeeded, \
         failed = excluded.failed, in_progress = excluded.in_progress, stray = excluded.stray",
    )
    .bind(environment_id)
    .bind(hour)
    .bind(outcomes.succeeded)
    .bind(outcomes.failed)
    .bind(outcomes.in_progress)
    .bind(outcomes.stray)
    .execute()
    .await?;
    Ok(())
}

/// Moves forward when a connection last let somebody in and last refused somebody.
pub async fn upsert_connection(conn: &mut Conn, counted: &Counted) -> Result<()> {
    conn.sql(
        "INSERT INTO connection_logins (saml_connection_id, organization_id, environment_id, last_succeeded_at, \
         last_failed_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (saml_connection_id) DO UPDATE SET \
         last_succeeded_at = CASE WHEN excluded.last_succeeded_at > connection_logins.last_succeeded_at \
         THEN excluded.last_succeeded_at ELSE connection_logins.last_succeeded_at END, \
         last_failed_at = CASE WHEN excluded.last_failed_at > connection_logins.last_failed_at \
         THEN excluded.last_failed_at ELSE connection_logins.last_failed_at END",
    )
    .bind(counted.count.saml_connection_id)
    .bind(counted.count.organization_id)
    .bind(counted.count.environment_id)
    .bind(counted.last_succeeded_at.unwrap_or(Timestamp::from_millis(0)))
    .bind(counted.last_failed_at.unwrap_or(Timestamp::from_millis(0)))
    .execute()
    .await?;
    Ok(())
}

/// An hour that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct CountedHour {
    /// Its first millisecond.
    pub hour: Timestamp,
    /// When it was counted last.
    pub counted_at: Timestamp,
    /// How long that took.
    pub took_ms: i64,
}

/// The hours from `since` on that were counted.
pub async fn list_counted_hours(conn: &mut Conn, since: Timestamp) -> Result<Vec<CountedHour>> {
    conn.sql("SELECT hour, counted_at, took_ms FROM counted_hours WHERE hour >= $1").bind(since).all().await
}

/// Writes that an hour was counted.
pub async fn upsert_counted_hour(conn: &mut Conn, hour: &CountedHour) -> Result<()> {
    conn.sql(
        "INSERT INTO counted_hours (hour, counted_at, took_ms) VALUES ($1, $2, $3) \
         ON CONFLICT (hour) DO UPDATE SET counted_at = excluded.counted_at, took_ms = excluded.took_ms",
    )
    .bind(hour.hour)
    .bind(hour.counted_at)
    .bind(hour.took_ms)
    .execute()
    .await?;
    Ok(())
}

/// An environment's logins of one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Hour {
    /// Its first millisecond.
    pub hour: Timestamp,
    /// How they ended.
    #[sqlx(flatten)]
    pub outcomes: Outcomes,
}

/// An environment's hours from `since` on, the oldest first. Hours in which nothing happened have no row.
pub async fn list_hours(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    since: Timestamp,
) -> Result<Vec<Hour>> {
    conn.sql(
        "SELECT hour, succeeded, failed, in_progress, stray FROM login_hours \
         WHERE environment_id = $1 AND hour >= $2 ORDER BY hour",
    )
    .bind(environment_id)
    .bind(since)
    .all()
    .await
}

/// The same of one organization, summed over its connections.
pub async fn list_hours_of_organization(
    conn: &mut Conn,
    organization_id: OrganizationId,
    since: Timestamp,
) -> Result<Vec<Hour>> {
    conn.sql(
        "SELECT hour, CAST(SUM(succeeded) AS BIGINT) AS succeeded, CAST(SUM(failed) AS BIGINT) AS failed, \
         CAST(SUM(in_progress) AS BIGINT) AS in_progress, CAST(SUM(stray) AS BIGINT) AS stray FROM login_counts \
         WHERE organization_id = $1 AND hour >= $2 GROUP BY hour ORDER BY hour",
    )
    .bind(organization_id)
    .bind(since)
    .all()
    .await
}

/// An organization whose people were refused.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FailingOrganization {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its name.
    pub organization_name: String,
    /// How often.
    pub failed: i64,
}

/// The organizations with the most refused logins from `since` on.
pub async fn list_failing_organizations(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<FailingOrganization>> {
    conn.sql(
        "SELECT f.organization_id, o.display_name AS organization_name, f.failed FROM \
         (SELECT organization_id, CAST(SUM(failed) AS BIGINT) AS failed FROM login_counts \
         WHERE environment_id = $1 AND hour >= $2 AND failed > 0 GROUP BY organization_id \
         ORDER BY 2 DESC, organization_id LIMIT $3) AS f \
         JOIN organizations o ON o.id = f.organization_id ORDER BY f.failed DESC, f.organization_id",
    )
    .bind(environment_id)
    .bind(since)
    .bind(limit)
    .all()
    .await
}

/// A connection that refused somebody and has let nobody in since.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FailingConnection {
    /// The connection.
    pub saml_connection_id: SamlConnectionId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// That one's name.
    pub organization_name: String,
    /// When it last refused somebody.
    pub last_failed_at: Timestamp,
    /// When it last let somebody in; the beginning of time when never.
    pub last_succeeded_at: Timestamp,
}

/// Connections that refused somebody at `since` or later and have let nobody in since, the latest first.
pub async fn list_failing_connections(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<FailingConnection>> {
    conn.sql(
        "SELECT l.saml_connection_id, l.organization_id, o.display_name AS organization_name, l.last_failed_at, \
         l.last_succeeded_at FROM connection_logins l JOIN saml_connections c ON c.id = l.saml_connection_id \
         JOIN organizations o ON o.id = c.organization_id \
         WHERE l.environment_id = $1 AND l.last_failed_at >= $2 AND l.last_failed_at > l.last_succeeded_at \
         ORDER BY l.last_failed_at DESC LIMIT $3",
    )
    .bind(environment_id)
    .bind(since)
    .bind(limit)
    .all()
    .await
}

/// Drops counts of hours before `before`, up to a thousand rows of a kind. Says how many went.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    let mut gone = 0;
    for text in [
        "DELETE FROM login_counts WHERE (hour, saml_connection_id) IN \
         (SELECT hour, saml_connection_id FROM login_counts WHERE hour < $1 LIMIT 1000)",
        "DELETE FROM login_hours WHERE (environment_id, hour) IN \
         (SELECT environment_id, hour FROM login_hours WHERE hour < $1 LIMIT 1000)",
        "DELETE FROM counted_hours WHERE hour IN (SELECT hour FROM counted_hours WHERE hour < $1 LIMIT 1000)",
    ] {
        gone += conn.sql(text).bind(before).execute().await?;
    }
    Ok(gone)
}
