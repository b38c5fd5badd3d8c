//! Reads request bodies: bounded in size and memory, and aborted when they arrive too slowly.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpMessage as _,
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::header,
    web::Bytes,
};
use futures_core::Stream;
use tokio::time::Sleep;

use super::connection::ConnectionState;
use crate::{
    app::limits::request_memory::{BodyAllowance, BodyError},
    model::time::{Clock, Timestamp},
};

/// How long a body may stall.
const GRACE: Duration = Duration::from_secs(10);

/// The minimum rate of a body, in bytes per second.
const MIN_BYTES_PER_SECOND: u32 = 1024;

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

/// A request's body, counted against its allowance. A refusal is recorded in the allowance, so that the middleware
/// can report the reason.
struct MeteredBody {
    payload: Payload,
    content_length: Option<u64>,
    allowance: BodyAllowance,
    clock: Arc<dyn Clock>,
    connection: Option<Rc<ConnectionState>>,
    rate: Option<MinimumRate>,
    timer: DeadlineTimer,
}

/// Wraps the request's body in a `MeteredBody`. `None` without a body.
pub(super) fn meter(
    request: &mut ServiceRequest,
    allowance: BodyAllowance,
    clock: &Arc<dyn Clock>,
    connection: Option<Rc<ConnectionState>>,
) -> Option<BodyAllowance> {
    let payload = match request.take_payload() {
        Payload::None => return None,
        payload => payload,
    };
    let content_length = request.headers().get(header::CONTENT_LENGTH);
    let content_length = content_length.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    if let Some(connection) = &connection {
        connection.expect_body(content_length);
    }
    let metered = MeteredBody {
        payload,
        content_length,
        allowance: allowance.clone(),
        clock: Arc::clone(clock),
        connection,
        rate: None,
        timer: DeadlineTimer::default(),
    };
    request.set_payload(Payload::Stream { payload: Box::pin(metered) });
    request.extensions_mut().insert(allowance.clone());
    Some(allowance)
}

impl MeteredBody {
    fn refuse(&self, error: BodyError) -> PayloadError {
        self.allowance.refuse(error);
        match error {
            BodyError::TooLarge => PayloadError::Overflow,
            BodyError::TooSlow | BodyError::Busy(_) => PayloadError::Incomplete(None),
        }
    }
}

impl Stream for MeteredBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        // Checked here and not earlier: the handler may have authenticated the caller and raised the allowance.
        if this.content_length.is_some_and(|length| !this.allowance.accepts(length)) {
            return Poll::Ready(Some(Err(this.refuse(BodyError::TooLarge))));
        }
        let now = this.clock.now();
        let rate = this.rate.get_or_insert_with(|| MinimumRate::new(MIN_BYTES_PER_SECOND, GRACE, now));
        match Pin::new(&mut this.payload).poll_next(context) {
            Poll::Ready(Some(Ok(chunk))) => {
                if let Some(connection) = &this.connection {
                    connection.body_read(chunk.len());
                }
                if now >= rate.deadline() {
                    return Poll::Ready(Some(Err(this.refuse(BodyError::TooSlow))));
                }
                rate.transferred(chunk.len(), now);
                Poll::Ready(Some(match this.allowance.receive(chunk.len()) {
                    Ok(()) => Ok(chunk),
                    Err(error) => Err(this.refuse(error)),
                }))
            }
            Poll::Ready(None) => {
                if let Some(connection) = &this.connection {
                    connection.body_ended();
                }
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Pending => {
                if let Some(connection) = &this.connection {
                    connection.body_pending();
                }
                match this.timer.has_passed(rate.deadline(), &*this.clock, context) {
                    true => Poll::Ready(Some(Err(this.refuse(BodyError::TooSlow)))),
                    false => Poll::Pending,
                }
            }
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
