//! The minimum rate of a transfer, and the timer that ends one that is slower.

use std::{pin::Pin, task::Context, time::Duration};

use base::time::{Clock, Timestamp};
use tokio::time::Sleep;

/// The minimum rate of a transfer. Every byte extends the deadline, to at most `grace` from now: a transfer may stall
/// for `grace`, but single bytes do not keep it alive.
#[derive(Debug, Clone, Copy)]
pub(super) struct MinimumRate {
    bytes_per_second: u32,
    grace: Duration,
    deadline: Timestamp,
}

impl MinimumRate {
    /// A transfer that starts now.
    pub(super) fn new(bytes_per_second: u32, grace: Duration, now: Timestamp) -> Self {
        Self { bytes_per_second, grace, deadline: now + grace }
    }

    /// Notes that bytes were transferred.
    pub(super) fn transferred(&mut self, bytes: usize, now: Timestamp) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let bought = Duration::from_secs(1) * bytes / self.bytes_per_second;
        self.deadline = (self.deadline + bought).min(now + self.grace);
    }

    /// When the transfer is aborted, unless bytes arrive before.
    pub(super) fn deadline(&self) -> Timestamp {
        self.deadline
    }
}

/// Wakes the task at a deadline.
#[derive(Debug, Default)]
pub(super) struct DeadlineTimer(Option<Pin<Box<Sleep>>>);

impl DeadlineTimer {
    /// Whether `deadline` has passed by `clock`; if not, the task is woken then to ask again.
    pub(super) fn has_passed(
        &mut self,
        deadline: Timestamp,
        clock: &dyn Clock,
        context: &mut Context<'_>,
    ) -> bool {
        loop {
            let now = clock.now();
            if now >= deadline {
                return true;
            }
            let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep(deadline.since(now))));
            if sleep.as_mut().poll(context).is_pending() {
                return false;
            }
            // It was set for an earlier deadline, or `clock` differs from the timer's clock.
            self.0 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn after(seconds: u64) -> Timestamp {
        NOW + Duration::from_secs(seconds)
    }

    #[test]
    fn a_transfer_may_stop_for_as_long_as_the_grace() {
        let mut rate = MinimumRate::new(1024, Duration::from_secs(10), NOW);
        assert_eq!(rate.deadline(), after(10));
        rate.transferred(1 << 20, NOW);
        assert_eq!(rate.deadline(), after(10), "haste is not saved up");
        rate.transferred(1 << 20, after(9));
        assert_eq!(rate.deadline(), after(19));
    }

    #[test]
    fn a_byte_now_and_then_keeps_nothing_alive() {
        let mut rate = MinimumRate::new(1024, Duration::from_secs(10), NOW);
        let mut now = NOW;
        while now < rate.deadline() {
            rate.transferred(1, now);
            now = now + Duration::from_secs(1);
        }
        assert_eq!(now, after(10));
    }

    #[test]
    fn what_keeps_the_rate_goes_on() {
        let mut rate = MinimumRate::new(1024, Duration::from_secs(10), NOW);
        for second in 0..1000 {
            assert!(after(second) < rate.deadline(), "{second}");
            rate.transferred(1024, after(second));
        }
    }
}
