//! Leases: rows that say which replica does something, until when. A lease is short and renewed while its holder works, so
//! that another replica goes on soon after the holder was killed.
//!
//! Times are of the replicas' clocks. Where those differ by more than a lease, two replicas may work at the same time; every
//! kind of work stays right then, and is only done twice.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use base::time::Timestamp;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Result, State, background_tasks::StopSignal};

/// How long others leave the work to a holder that is not heard of.
pub const DURATION: Duration = Duration::from_secs(15);

/// The time between two renewals.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(5);

/// How long work may go on after the server was told to stop.
pub const STOP_GRACE: Duration = Duration::from_secs(2);

/// Why work was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// Another replica has the lease now, or may have it.
    LeaseLost,
    /// The server stops. The lease is still held, and to be released.
    Stopping,
}

/// Does `work` whose lease is held, and renews the lease meanwhile: `renew` returns whether it is still held. Work that is
/// interrupted is dropped.
pub async fn work_under<T, R: Future<Output = Result<bool>>>(
    work: impl Future<Output = T>,
    renew: impl FnMut() -> R,
    stop: &StopSignal,
) -> Result<T, Interruption> {
    Times { duration: DURATION, interval: RENEWAL_INTERVAL }.work_under(work, renew, stop).await
}

/// The same for a lease that is a column of the row that is worked on: the time until which it lasts, which nobody else
/// writes meanwhile. `extend` changes it from one time to another, and returns whether it was the first. Also returns until
/// when the lease lasts at the end.
pub(super) async fn work_under_claim<T, R: Future<Output = Result<bool>>>(
    state: &State,
    until: Timestamp,
    work: impl Future<Output = T>,
    extend: impl Fn(Timestamp, Timestamp) -> R,
) -> (Result<T, Interruption>, Timestamp) {
    let held = AtomicI64::new(until.millis());
    let until = || Timestamp::from_millis(held.load(Ordering::Relaxed));
    let renew = || async {
        let next = state.now() + DURATION;
        let extended = extend(until(), next).await?;
        if extended {
            held.store(next.millis(), Ordering::Relaxed);
        }
        Ok(extended)
    };
    let outcome = work_under(work, renew, &state.background_tasks.signal()).await;
    (outcome, until())
}

#[derive(Debug, Clone, Copy)]
struct Times {
    duration: Duration,
    interval: Duration,
}

impl Times {
    async fn work_under<T, R: Future<Output = Result<bool>>>(
        self,
        work: impl Future<Output = T>,
        renew: impl FnMut() -> R,
        stop: &StopSignal,
    ) -> Result<T, Interruption> {
        let stopping = async {
            stop.given().await;
            sleep(STOP_GRACE).await;
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.renew_until_lost(renew) => Err(Interruption::LeaseLost),
            () = stopping => Err(Interruption::Stopping),
        }
    }

    /// Returns when the lease is lost, or could not be renewed in time.
    async fn renew_until_lost<R: Future<Output = Result<bool>>>(self, mut renew: impl FnMut() -> R) {
        let mut renewed_at = Instant::now();
        loop {
            sleep(self.interval).await;
            let begun = Instant::now();
            match timeout_at(renewed_at + self.duration, renew()).await {
                Ok(Ok(true)) => renewed_at = begun,
                Ok(Err(error)) if renewed_at.elapsed() < self.duration => {
                    tracing::warn!(%error, "a lease could not be renewed; it is tried again");
                }
                Ok(Ok(false) | Err(_)) | Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::app::{Error, background_tasks::BackgroundTasks};

    const TIMES: Times = Times { duration: Duration::from_millis(60), interval: Duration::from_millis(20) };

    /// Work that ends when the lease was renewed so often, and how it ended.
    async fn renewed(times: u32, answer: impl Fn(u32) -> Result<bool>) -> Result<(), Interruption> {
        let (tasks, renewals) = (BackgroundTasks::new(), AtomicU32::new(0));
        let work = async {
            while renewals.load(Ordering::Relaxed) < times {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let renew = || {
            let answer = answer(renewals.fetch_add(1, Ordering::Relaxed));
            async { answer }
        };
        TIMES.work_under(work, renew, &tasks.signal()).await
    }

    fn failure() -> Error {
        Error::internal(std::io::Error::other("no database"))
    }

    #[tokio::test]
    async fn work_goes_on_as_long_as_the_lease_is_renewed() {
        assert_eq!(renewed(5, |_| Ok(true)).await, Ok(()));
        let once_not = |count| if count == 1 { Err(failure()) } else { Ok(true) };
        assert_eq!(renewed(5, once_not).await, Ok(()), "one renewal that fails is not the end");
    }

    #[tokio::test]
    async fn work_ends_when_its_lease_is_lost() {
        assert_eq!(renewed(9, |count| Ok(count < 2)).await, Err(Interruption::LeaseLost));
        assert_eq!(renewed(u32::MAX, |_| Err(failure())).await, Err(Interruption::LeaseLost));
        let tasks = BackgroundTasks::new();
        let never = || std::future::pending::<Result<bool>>();
        let ended = TIMES.work_under(std::future::pending::<()>(), never, &tasks.signal()).await;
        assert_eq!(ended, Err(Interruption::LeaseLost), "no answer is no renewal");
    }

    #[tokio::test]
    async fn work_ends_a_while_after_the_stop_begins() {
        let tasks = BackgroundTasks::new();
        let signal = tasks.signal();
        let begun = Instant::now();
        let held = || async { Ok(true) };
        let endless = TIMES.work_under(std::future::pending::<()>(), held, &signal);
        let (ended, _) = tokio::join!(endless, tasks.stop(Duration::from_millis(1)));
        assert_eq!(ended, Err(Interruption::Stopping));
        assert!(begun.elapsed() >= STOP_GRACE);
    }
}
