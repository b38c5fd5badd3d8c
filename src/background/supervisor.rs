//! Runs the jobs, each in a task of its own: none waits for another, and none ends before the server does. A job that fails
//! or panics is started again after a pause.

use std::{sync::Arc, time::Duration};

use base::time::Timestamp;

use super::job::{Job, Place};
use crate::{
    app::{
        Result, State,
        background_tasks::StopSignal,
        lease::{self, Interruption},
        panics::{Panicked, catch_panic},
    },
    store::{
        PoolShare,
        background_jobs::{self, JobOutcome},
    },
    telemetry::{self, JobResult},
};

/// How often a replica looks whether a job is due that one replica at a time runs, if its period is longer.
const LOOK_INTERVAL: Duration = Duration::from_secs(15);

/// How often the success of a job is stored that every replica runs. Metrics tell each.
const STORE_INTERVAL: Duration = Duration::from_secs(60);

/// How long a run that holds no lease may go on after the server was told to stop: longer than one below it that holds one.
const STOP_GRACE: Duration = lease::STOP_GRACE.saturating_mul(2);

/// How many characters of an error are stored.
const MAX_ERROR_LENGTH: usize = 300;

/// Starts the jobs. They end when the background tasks of `state` are stopped.
pub fn start(state: &State, jobs: Vec<Job>) {
    let holder: Arc<str> = format!("{:032x}", state.random.bits()).into();
    for job in jobs {
        let stored_at = state.now();
        let supervised =
            Supervised { state: state.clone(), holder: Arc::clone(&holder), job, failures: 0, stored_at };
        drop(state.background_tasks.spawn(supervised.run()));
    }
}

struct Supervised {
    state: State,
    /// The name of this process in leases.
    holder: Arc<str>,
    job: Job,
    /// How often in a row it has failed.
    failures: u32,
    /// When its outcome was last stored, for a job that every replica runs.
    stored_at: Timestamp,
}

impl Supervised {
    async fn run(mut self) {
        let lifeline = self.state.background_tasks.lifeline(self.job.name);
        let stop = lifeline.signal();
        let mut pause = self.job.period;
        loop {
            tokio::select! {
                biased;
                () = stop.given() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = match self.job.place {
                Place::EveryReplica => self.run_here(stop).await,
                Place::OneReplica => self.run_if_free(stop).await,
            };
        }
    }

    /// Runs the job, and returns the pause after it.
    async fn run_here(&mut self, stop: &StopSignal) -> Duration {
        let started_at = self.begin();
        let stopping = async {
            stop.given().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        let outcome = tokio::select! {
            outcome = self.outcome() => outcome,
            () = stopping => return Duration::ZERO,
        };
        let failed_before = self.failures > 0;
        let error = self.end(outcome);
        let now = self.state.now();
        if error.is_some() || failed_before || now.since(self.stored_at) >= STORE_INTERVAL {
            let outcome = self.job_outcome(started_at, error.as_deref());
            if self.note(self.store_outcome(outcome).await) {
                self.stored_at = now;
            }
        }
        self.job.pause_after(self.failures)
    }

    /// Runs the job under a lease if no other replica does and it is due. Returns after which time to look again.
    async fn run_if_free(&mut self, stop: &StopSignal) -> Duration {
        let look = self.job.period.min(LOOK_INTERVAL);
        match self.claim().await {
            Ok(None) => return look,
            Ok(Some(failures)) => self.failures = failures,
            Err(error) => {
                self.begin();
                self.end(Ok(Err(error)));
                return self.job.pause_after(self.failures).min(LOOK_INTERVAL);
            }
        }
        let started_at = self.begin();
        let renew =
            || renew(self.state.with_share(PoolShare::General), self.job.name, Arc::clone(&self.holder));
        match lease::work_under(self.outcome(), renew, stop).await {
            Ok(outcome) => {
                let error = self.end(outcome);
                let outcome = self.job_outcome(started_at, error.as_deref());
                // From its beginning on, as the looks of replicas are apart.
                let due_at = outcome.ended_at.max(started_at + self.job.pause_after(self.failures));
                self.note(self.finish(outcome, due_at).await);
            }
            Err(Interruption::LeaseLost) => {
                telemetry::job_ended(self.job.name, JobResult::Failed, self.state.now(), self.failures);
                tracing::warn!(
                    job = self.job.name,
                    "a background job lost its lease; another replica does it"
                );
            }
            Err(Interruption::Stopping) => {
                self.note(self.release().await);
            }
        }
        look
    }

    /// One run; the outer error is a panic.
    async fn outcome(&self) -> std::result::Result<Result<()>, Panicked> {
        catch_panic(async { (self.job.run)(self.state.clone()).await }).await
    }

    fn begin(&self) -> Timestamp {
        let now = self.state.now();
        telemetry::job_started(self.job.name, now);
        now
    }

    /// Counts and reports the end of a run. Returns the text of its error.
    fn end(&mut self, outcome: std::result::Result<Result<()>, Panicked>) -> Option<String> {
        let (result, error) = match outcome {
            Ok(Ok(())) => (JobResult::Succeeded, None),
            Ok(Err(error)) => (JobResult::Failed, Some(telemetry::error_chain(&error))),
            Err(panic) => (JobResult::Panicked, Some(panic.to_string())),
        };
        self.failures = if error.is_some() { self.failures.saturating_add(1) } else { 0 };
        telemetry::job_ended(self.job.name, result, self.state.now(), self.failures);
        if let Some(cause) = &error {
            report(self.job.name, cause, self.failures);
        }
        error.map(|text| text.chars().take(MAX_ERROR_LENGTH).collect())
    }

    fn job_outcome<'a>(&self, started_at: Timestamp, error: Option<&'a str>) -> JobOutcome<'a> {
        JobOutcome { started_at, ended_at: self.state.now(), failures: self.failures, error }
    }

    /// Claims the job. Returns how often in a row it has failed on any replica; `None`: it is not due, or another has it.
    async fn claim(&self) -> Result<Option<u32>> {
        let (name, now) = (self.job.name, self.state.now());
        let latest = now + self.job.max_pause() + lease::DURATION;
        let known = background_jobs::find(&mut self.state.db.read().await?, name).await?;
        let failures = known.as_ref().map_or(0, |job| u32::try_from(job.failures).unwrap_or(u32::MAX));
        telemetry::job_failures(name, failures);
        if known.is_some_and(|job| !job.is_free(now, latest)) {
            return Ok(None);
        }
        let mut tx = self.state.db.write().await?;
        let (job, times) = ((name, self.job.period_ms()), (now, now + lease::DURATION));
        let claimed = background_jobs::claim(&mut tx, job, &self.holder, times, latest).await?;
        tx.commit().await?;
        Ok(claimed.then_some(failures))
    }

    async fn store_outcome(&self, outcome: JobOutcome<'_>) -> Result<()> {
        let mut tx = self.state.db.write().await?;
        background_jobs::upsert_outcome(&mut tx, (self.job.name, self.job.period_ms()), outcome).await?;
        Ok(tx.commit().await?)
    }

    async fn finish(&self, outcome: JobOutcome<'_>, due_at: Timestamp) -> Result<()> {
        let mut tx = self.state.db.write().await?;
        background_jobs::finish(&mut tx, self.job.name, &self.holder, outcome, due_at).await?;
        Ok(tx.commit().await?)
    }

    async fn release(&self) -> Result<()> {
        let mut tx = self.state.db.write().await?;
        background_jobs::release(&mut tx, self.job.name, &self.holder).await?;
        Ok(tx.commit().await?)
    }

    /// Whether the state of the job could be stored. If not, its lease ends by itself.
    fn note(&self, stored: Result<()>) -> bool {
        if let Err(error) = &stored {
            let cause = telemetry::error_chain(error);
            tracing::warn!(job = self.job.name, cause, "the state of a background job could not be stored");
        }
        stored.is_ok()
    }
}

async fn renew(state: State, name: &'static str, holder: Arc<str>) -> Result<bool> {
    let until = state.now() + lease::DURATION;
    let mut tx = state.db.write().await?;
    let held = background_jobs::renew(&mut tx, name, &holder, until).await?;
    tx.commit().await?;
    Ok(held)
}

fn report(job: &str, cause: &str, failures: u32) {
    tracing::warn!(job, cause, failures, "a background job failed; it is tried again");
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_failure_is_reported_with_its_cause() {
        #[derive(Clone, Default)]
        struct Log(Arc<Mutex<Vec<u8>>>);
        impl std::io::Write for Log {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let error = crate::app::Error::internal(std::io::Error::other("the disk is full"));
            report("retention", &telemetry::error_chain(&error), 1);
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("something failed on our side: the disk is full"), "{text}");
    }
}
