//! A background job: its name, how often it runs, where, and what it does.

use std::{pin::Pin, time::Duration};

use crate::app::{Result, State};

/// How long a job that fails rests at most, if ten times its period is less.
const MAX_SHORT_PAUSE: Duration = Duration::from_secs(15);

/// The first pause of a job that fails, if its period is less.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// A job.
pub struct Job {
    pub(super) name: &'static str,
    pub(super) period: Duration,
    pub(super) place: Place,
    pub(super) run: Box<dyn Fn(State) -> Run + Send + Sync>,
}

/// One run of a job.
type Run = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Where a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On one replica at a time, which has a lease in the database.
    OneReplica,
    /// On every replica.
    EveryReplica,
}

impl Job {
    /// A job that one replica at a time runs.
    pub fn on_one_replica<F: Future<Output = Result<()>> + Send + 'static>(
        name: &'static str,
        period: Duration,
        run: impl Fn(State) -> F + Send + Sync + 'static,
    ) -> Self {
        Self { name, period, place: Place::OneReplica, run: Box::new(move |state| Box::pin(run(state))) }
    }

    /// A job that every replica runs: it is about the process, or claims rows.
    pub fn on_every_replica<F: Future<Output = Result<()>> + Send + 'static>(
        name: &'static str,
        period: Duration,
        run: impl Fn(State) -> F + Send + Sync + 'static,
    ) -> Self {
        Self { name, period, place: Place::EveryReplica, run: Box::new(move |state| Box::pin(run(state))) }
    }

    /// The pause after so many failures in a row: the period, then twice as long each time, up to ten periods.
    pub(super) fn pause_after(&self, failures: u32) -> Duration {
        match failures {
            0 => self.period,
            _ => {
                let doubled = 2_u32.saturating_pow(failures - 1);
                self.period.max(MIN_PAUSE).saturating_mul(doubled).min(self.max_pause())
            }
        }
    }

    /// The longest pause between two runs.
    pub(super) fn max_pause(&self) -> Duration {
        MAX_SHORT_PAUSE.max(self.period * 10)
    }

    /// The period as it is stored.
    pub(super) fn period_ms(&self) -> i64 {
        i64::try_from(self.period.as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_fails_rests_longer_each_time() {
        let pauses = |period: u64| {
            let job =
                Job::on_every_replica("x", Duration::from_millis(period), |_| std::future::ready(Ok(())));
            [0, 1, 2, 3, 4, 5, 100, u32::MAX].map(|failures| job.pause_after(failures).as_millis())
        };
        assert_eq!(pauses(500), [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
        assert_eq!(pauses(60_000), [60_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000, 600_000]);
    }
}
