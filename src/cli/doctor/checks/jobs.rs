//! The background jobs of the servers on this database.

use std::time::Duration;

use base::time::{Clock as _, SystemClock, Timestamp};

use crate::{
    cli::doctor::findings::Findings,
    store::{
        Db,
        background_jobs::{self, BackgroundJob},
    },
};

const SUBJECT: &str = "background jobs";

/// After how long without success a job is reported, if five of its periods are less.
const MIN_OVERDUE: Duration = Duration::from_secs(10 * 60);

const LOOK: &str = "the servers' logs and their metrics background_job_… say which replica and why";

/// Reports jobs that fail, or have not succeeded for several of their periods.
pub(super) async fn jobs(db: &Db, findings: &mut Findings) {
    let known = match db.read().await {
        Ok(mut conn) => background_jobs::list(&mut conn).await,
        Err(error) => Err(error),
    };
    match known {
        Ok(known) => report(&known, SystemClock.now(), findings),
        Err(error) => findings.bad(SUBJECT, error.to_string(), "see what the database's own log says"),
    }
}

fn report(jobs: &[BackgroundJob], now: Timestamp, findings: &mut Findings) {
    let Some(latest) = jobs.iter().map(|job| job.last_started_at).max() else {
        findings.ok(SUBJECT, "no server has run one on this database yet");
        return;
    };
    if now.since(latest) > MIN_OVERDUE {
        findings.attention(
            SUBJECT,
            format!("none has begun since {latest}"),
            "start a server, if none is meant to be stopped; if one runs, its log says why",
        );
        return;
    }
    let before = findings.0.len();
    for job in jobs {
        let overdue = MIN_OVERDUE.max(Duration::from_millis(u64::try_from(job.period_ms).unwrap_or(0)) * 5);
        let since = job.last_succeeded_at.unwrap_or(Timestamp::from_millis(0));
        let late = now.since(since) > overdue && (job.last_succeeded_at.is_some() || job.failures > 0);
        if job.failures > 0 || late {
            findings.attention(SUBJECT, sentence(job), LOOK);
        }
    }
    if findings.0.len() == before {
        findings.ok(SUBJECT, format!("{} run as they should", jobs.len()));
    }
}

/// `webhooks: failed 3 times in a row, last at …: …; has succeeded last at …`.
fn sentence(job: &BackgroundJob) -> String {
    let mut text = format!("{}: ", job.name);
    if let (1.., Some(at)) = (job.failures, job.last_failed_at) {
        let times = if job.failures == 1 { "once" } else { &*format!("{} times in a row", job.failures) };
        let error = job.last_error.as_deref().unwrap_or("?");
        text.push_str(&format!("failed {times}, last at {at}: {error}; "));
    }
    match job.last_succeeded_at {
        Some(at) => text.push_str(&format!("last succeeded at {at}")),
        None => text.push_str("has not succeeded yet"),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::findings::Level;

    const NOW: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW + seconds)
    }

    fn job(name: &str) -> BackgroundJob {
        BackgroundJob {
            name: name.to_owned(),
            period_ms: 60_000,
            holder: None,
            lease_until: None,
            due_at: None,
            last_started_at: at(-30),
            last_succeeded_at: Some(at(-30)),
            last_failed_at: None,
            failures: 0,
            last_error: None,
        }
    }

    fn said(jobs: &[BackgroundJob]) -> Vec<(Level, String)> {
        let mut findings = Findings::default();
        report(jobs, at(0), &mut findings);
        findings.0.into_iter().map(|finding| (finding.level, finding.seen)).collect()
    }

    #[test]
    fn jobs_that_fail_or_do_not_succeed_are_reported() {
        let good = job("retention");
        assert_eq!(said(std::slice::from_ref(&good)), [(Level::Ok, "1 run as they should".to_owned())]);
        let failing = BackgroundJob {
            failures: 3,
            last_failed_at: Some(at(-10)),
            last_error: Some("the disk is full".to_owned()),
            ..job("webhooks")
        };
        let (level, text) = said(&[good.clone(), failing]).remove(0);
        assert_eq!(level, Level::Attention);
        assert!(text.starts_with("webhooks: failed 3 times in a row") && text.contains("the disk is full"));
        let silent = |seconds| BackgroundJob { last_succeeded_at: Some(at(seconds)), ..job("login_counts") };
        assert_eq!(said(&[good.clone(), silent(-600)])[0].0, Level::Ok);
        assert_eq!(said(&[good.clone(), silent(-601)])[0].0, Level::Attention);
        let hourly = BackgroundJob { period_ms: 3_600_000, ..silent(-5 * 3600) };
        assert_eq!(said(&[good.clone(), hourly])[0].0, Level::Ok);
        let first_run = BackgroundJob { last_succeeded_at: None, ..job("domain_ids") };
        assert_eq!(said(&[good, first_run])[0].0, Level::Ok);
    }

    #[test]
    fn a_server_that_is_stopped_is_one_finding() {
        let old = |name| BackgroundJob {
            last_started_at: at(-3600),
            last_succeeded_at: Some(at(-3600)),
            ..job(name)
        };
        let found = said(&[old("retention"), old("webhooks")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].0 == Level::Attention && found[0].1.contains("none has begun since"), "{found:?}");
        assert_eq!(said(&[])[0].0, Level::Ok);
    }
}
