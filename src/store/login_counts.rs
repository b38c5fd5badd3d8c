//! Login counts per hour of the login's start. A background job computes them from `login_flows` and writes only
//! what changed; pages read a few rows.

use std::time::Duration;

use base::{
    connection_id::ConnectionId,
    id::{EnvironmentId, LoginFlowId, OrganizationId},
    time::Timestamp,
};

use super::{Conn, error::Result};

/// An hour.
pub const HOUR: Duration = Duration::from_secs(3600);

/// How many logins of an hour ended in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::FromRow)]
pub struct Outcomes {
    /// The app has redeemed the code.
    pub succeeded: i64,
    /// The login was refused.
    pub failed: i64,
    /// Started and not finished (yet).
    pub in_progress: i64,
    /// Posts to the ACS that belong to no login and carry no valid signature of the connection's identity
    /// provider.
    pub stray: i64,
}

impl Outcomes {
    /// The sum of both.
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

/// The logins through one connection in one hour, or those with the accounts of one organization.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ConnectionHour {
    /// The connection; the organization, of logins that have none.
    pub connection_id: String,
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// How they ended.
    #[sqlx(flatten)]
    pub outcomes: Outcomes,
}

/// A freshly computed count, with the time of the latest success and failure.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ConnectionHourActivity {
    /// The count.
    #[sqlx(flatten)]
    pub count: ConnectionHour,
    /// When the latest login succeeded.
    pub last_succeeded_at: Option<Timestamp>,
    /// When the latest login was refused.
    pub last_failed_at: Option<Timestamp>,
}

/// Counts the logins that started in the hour that begins at `hour`: one row per connection that was used, and
/// one per organization whose accounts were. Test logins are not counted, but a successful one sets `last_succeeded_at`.
pub async fn count(conn: &mut Conn, hour: Timestamp) -> Result<Vec<ConnectionHourActivity>> {
    conn.sql(
        "SELECT COALESCE(connection_id, organization_id) AS connection_id, organization_id, environment_id, \
         COUNT(CASE WHEN status = 'succeeded' AND origin NOT IN ('setup', 'console') THEN 1 END) AS succeeded, \
         COUNT(CASE WHEN status = 'failed' AND origin NOT IN ('setup', 'console', 'detached') THEN 1 END) AS failed, \
         COUNT(CASE WHEN status = 'in_progress' AND origin NOT IN ('setup', 'console') THEN 1 END) AS in_progress, \
         COUNT(CASE WHEN status = 'failed' AND origin = 'detached' THEN 1 END) AS stray, \
         MAX(CASE WHEN status = 'succeeded' THEN updated_at END) AS last_succeeded_at, \
         MAX(CASE WHEN status = 'failed' AND origin NOT IN ('setup', 'console', 'detached') THEN updated_at END) \
         AS last_failed_at \
         FROM login_flows WHERE id >= $1 AND id < $2 \
         GROUP BY COALESCE(connection_id, organization_id), organization_id, environment_id",
    )
    .bind(LoginFlowId::lower_bound_at(hour))
    .bind(LoginFlowId::lower_bound_at(hour + HOUR))
    .all()
    .await
}

/// The stored counts of an hour.
pub async fn list(conn: &mut Conn, hour: Timestamp) -> Result<Vec<ConnectionHour>> {
    conn.sql(
        "SELECT connection_id, organization_id, environment_id, succeeded, failed, in_progress, stray \
         FROM login_counts WHERE hour = $1",
    )
    .bind(hour)
    .all()
    .await
}

/// Writes the counts of a connection in an hour.
pub async fn upsert(conn: &mut Conn, hour: Timestamp, count: &ConnectionHour) -> Result<()> {
    conn.sql(
        "INSERT INTO login_counts (hour, connection_id, organization_id, environment_id, succeeded, failed, \
         in_progress, stray) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (hour, connection_id) DO UPDATE SET succeeded = excluded.succeeded, \
         failed = excluded.failed, in_progress = excluded.in_progress, stray = excluded.stray",
    )
    .bind(hour)
    .bind(count.connection_id.as_str())
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

/// Writes the total of an environment in an hour.
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

/// Updates when a connection last accepted and last refused a login; the times never move back.
pub async fn upsert_connection(conn: &mut Conn, counted: &ConnectionHourActivity) -> Result<()> {
    conn.sql(
        "INSERT INTO connection_logins (connection_id, organization_id, environment_id, last_succeeded_at, \
         last_failed_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (connection_id) DO UPDATE SET \
         last_succeeded_at = CASE WHEN excluded.last_succeeded_at > connection_logins.last_succeeded_at \
         THEN excluded.last_succeeded_at ELSE connection_logins.last_succeeded_at END, \
         last_failed_at = CASE WHEN excluded.last_failed_at > connection_logins.last_failed_at \
         THEN excluded.last_failed_at ELSE connection_logins.last_failed_at END",
    )
    .bind(counted.count.connection_id.as_str())
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
    /// How long counting took.
    pub took_ms: i64,
}

/// The counted hours from `since` on.
pub async fn list_counted_hours(conn: &mut Conn, since: Timestamp) -> Result<Vec<CountedHour>> {
    conn.sql("SELECT hour, counted_at, took_ms FROM counted_hours WHERE hour >= $1").bind(since).all().await
}

/// Stores that an hour was counted.
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

/// The logins of one hour, of an environment or an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct HourlyOutcomes {
    /// Its first millisecond.
    pub hour: Timestamp,
    /// How they ended.
    #[sqlx(flatten)]
    pub outcomes: Outcomes,
}

/// The hours of an environment from `since` on, oldest first. Hours without logins have no row.
pub async fn list_hours(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    since: Timestamp,
) -> Result<Vec<HourlyOutcomes>> {
    conn.sql(
        "SELECT hour, succeeded, failed, in_progress, stray FROM login_hours \
         WHERE environment_id = $1 AND hour >= $2 ORDER BY hour",
    )
    .bind(environment_id)
    .bind(since)
    .all()
    .await
}

/// The hours of one organization, summed over its connections.
pub async fn list_hours_of_organization(
    conn: &mut Conn,
    organization_id: OrganizationId,
    since: Timestamp,
) -> Result<Vec<HourlyOutcomes>> {
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

/// An organization with refused logins.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FailingOrganization {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its name.
    pub organization_name: String,
    /// The number of refused logins.
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
         JOIN organizations o ON o.id = f.organization_id AND o.deleted_at IS NULL \
         ORDER BY f.failed DESC, f.organization_id",
    )
    .bind(environment_id)
    .bind(since)
    .bind(limit)
    .all()
    .await
}

/// A connection whose latest login was refused.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FailingConnection {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// The organization's name.
    pub organization_name: String,
    /// When it last refused a login.
    pub last_failed_at: Timestamp,
    /// When it last accepted a login; 0 if never.
    pub last_succeeded_at: Timestamp,
}

/// Connections that refused a login at `since` or later and have accepted none since, the latest refusal first.
pub async fn list_failing_connections(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<FailingConnection>> {
    conn.sql(
        "SELECT l.connection_id, l.organization_id, o.display_name AS organization_name, l.last_failed_at, \
         l.last_succeeded_at FROM connection_logins l \
         JOIN organizations o ON o.id = l.organization_id AND o.deleted_at IS NULL \
         WHERE l.environment_id = $1 AND l.last_failed_at >= $2 AND l.last_failed_at > l.last_succeeded_at \
         AND (EXISTS (SELECT 1 FROM saml_connections c WHERE c.id = l.connection_id) \
         OR EXISTS (SELECT 1 FROM oidc_connections c WHERE c.id = l.connection_id)) \
         ORDER BY l.last_failed_at DESC LIMIT $3",
    )
    .bind(environment_id)
    .bind(since)
    .bind(limit)
    .all()
    .await
}

/// Deletes counts of hours before `before`, up to a thousand rows per table. Returns how many.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    let mut gone = 0;
    for text in [
        "DELETE FROM login_counts WHERE (hour, connection_id) IN \
         (SELECT hour, connection_id FROM login_counts WHERE hour < $1 LIMIT 1000)",
        "DELETE FROM login_hours WHERE (environment_id, hour) IN \
         (SELECT environment_id, hour FROM login_hours WHERE hour < $1 LIMIT 1000)",
        "DELETE FROM counted_hours WHERE hour IN (SELECT hour FROM counted_hours WHERE hour < $1 LIMIT 1000)",
    ] {
        gone += conn.sql(text).bind(before).execute().await?;
    }
    Ok(gone)
}
