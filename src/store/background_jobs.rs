//! The background jobs: what each did last, and which replica runs those that one replica at a time runs.

use base::time::Timestamp;

use super::{Conn, Result};

/// What is known of a job.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct BackgroundJob {
    /// Its name.
    pub name: String,
    /// How often it runs while it succeeds, in milliseconds.
    pub period_ms: i64,
    /// The process that runs it now. `None` for a job that every replica runs.
    pub holder: Option<String>,
    /// When its holder's lease ends.
    pub lease_until: Option<Timestamp>,
    /// When it runs again. `None` for a job that every replica runs.
    pub due_at: Option<Timestamp>,
    /// When it last began.
    pub last_started_at: Timestamp,
    /// When it last succeeded.
    pub last_succeeded_at: Option<Timestamp>,
    /// When it last failed.
    pub last_failed_at: Option<Timestamp>,
    /// How often in a row it has failed.
    pub failures: i64,
    /// The text of its last failure.
    pub last_error: Option<String>,
}

impl BackgroundJob {
    /// Whether a replica may run it at `now`. A time after `latest` is that of a clock that was wrong.
    pub fn is_free(&self, now: Timestamp, latest: Timestamp) -> bool {
        [self.due_at, self.lease_until].into_iter().flatten().all(|until| until <= now || until > latest)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub struct JobOutcome<'a> {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How often in a row the job has failed; 0: it succeeded.
    pub failures: u32,
    /// Why it failed.
    pub error: Option<&'a str>,
}

impl JobOutcome<'_> {
    fn succeeded_at(&self) -> Option<Timestamp> {
        (self.failures == 0).then_some(self.ended_at)
    }

    fn failed_at(&self) -> Option<Timestamp> {
        (self.failures > 0).then_some(self.ended_at)
    }
}

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT name, period_ms, holder, lease_until, due_at, last_started_at, last_succeeded_at, \
             last_failed_at, failures, last_error FROM background_jobs ",
            $condition
        )
    };
}

/// The job of this name.
pub async fn find(conn: &mut Conn, name: &str) -> Result<Option<BackgroundJob>> {
    conn.sql(select!("WHERE name = $1")).bind(name).optional().await
}

/// Every job; there are few.
pub async fn list(conn: &mut Conn) -> Result<Vec<BackgroundJob>> {
    conn.sql(select!("ORDER BY name")).all().await
}

/// Claims a job for `holder` until `until`, if it [is free](BackgroundJob::is_free). Of concurrent replicas one succeeds.
pub async fn claim(
    conn: &mut Conn,
    (name, period_ms): (&str, i64),
    holder: &str,
    (now, until): (Timestamp, Timestamp),
    latest: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql(
            "INSERT INTO background_jobs (name, period_ms, holder, lease_until, last_started_at, failures) \
             VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (name) DO UPDATE SET period_ms = excluded.period_ms, \
             holder = excluded.holder, lease_until = excluded.lease_until, \
             last_started_at = excluded.last_started_at WHERE \
             (background_jobs.due_at IS NULL OR background_jobs.due_at <= $5 OR background_jobs.due_at > $6) \
             AND (background_jobs.lease_until IS NULL OR background_jobs.lease_until <= $5 \
             OR background_jobs.lease_until > $6)",
        )
        .bind(name)
        .bind(period_ms)
        .bind(holder)
        .bind(until)
        .bind(now)
        .bind(latest)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Renews the lease of `holder` until `until`. Returns `false` if another process has the job now.
pub async fn renew(conn: &mut Conn, name: &str, holder: &str, until: Timestamp) -> Result<bool> {
    let touched = conn
        .sql("UPDATE background_jobs SET lease_until = $3 WHERE name = $1 AND holder = $2")
        .bind(name)
        .bind(holder)
        .bind(until)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Gives the job back before its run has ended: another process may begin at once.
pub async fn release(conn: &mut Conn, name: &str, holder: &str) -> Result<()> {
    conn.sql("UPDATE background_jobs SET holder = NULL, lease_until = NULL WHERE name = $1 AND holder = $2")
        .bind(name)
        .bind(holder)
        .execute()
        .await?;
    Ok(())
}

/// Stores how a run ended, and gives the job back until `due_at`. Does nothing if another process has the job now.
pub async fn finish(
    conn: &mut Conn,
    name: &str,
    holder: &str,
    outcome: JobOutcome<'_>,
    due_at: Timestamp,
) -> Result<()> {
    conn.sql(
        "UPDATE background_jobs SET holder = NULL, lease_until = NULL, due_at = $3, failures = $4, \
         last_succeeded_at = COALESCE($5, last_succeeded_at), last_failed_at = COALESCE($6, last_failed_at), \
         last_error = COALESCE($7, last_error) WHERE name = $1 AND holder = $2",
    )
    .bind(name)
    .bind(holder)
    .bind(due_at)
    .bind(i64::from(outcome.failures))
    .bind(outcome.succeeded_at())
    .bind(outcome.failed_at())
    .bind(outcome.error)
    .execute()
    .await?;
    Ok(())
}

/// Stores how a run ended of a job that every replica runs. The last replica that writes is seen.
pub async fn upsert_outcome(
    conn: &mut Conn,
    (name, period_ms): (&str, i64),
    outcome: JobOutcome<'_>,
) -> Result<()> {
    conn.sql(
        "INSERT INTO background_jobs (name, period_ms, last_started_at, failures, last_succeeded_at, \
         last_failed_at, last_error) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET \
         period_ms = excluded.period_ms, last_started_at = excluded.last_started_at, \
         failures = excluded.failures, \
         last_succeeded_at = COALESCE(excluded.last_succeeded_at, background_jobs.last_succeeded_at), \
         last_failed_at = COALESCE(excluded.last_failed_at, background_jobs.last_failed_at), \
         last_error = COALESCE(excluded.last_error, background_jobs.last_error)",
    )
    .bind(name)
    .bind(period_ms)
    .bind(outcome.started_at)
    .bind(i64::from(outcome.failures))
    .bind(outcome.succeeded_at())
    .bind(outcome.failed_at())
    .bind(outcome.error)
    .execute()
    .await?;
    Ok(())
}
