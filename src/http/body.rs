//! Reads request bodies: bounded in size and memory, and aborted when they arrive too slowly.

use std::{
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
use base::time::Clock;
use futures_core::Stream;

use super::{
    connection::ConnectionState,
    transfer_rate::{DeadlineTimer, MinimumRate},
};
use crate::app::limits::body_allowance::{BodyAllowance, BodyError};

/// How long a body may stall.
const GRACE: Duration = Duration::from_secs(10);

/// The minimum rate of a body, in bytes per second.
const MIN_BYTES_PER_SECOND: u32 = 1024;

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
        let polled = Pin::new(&mut this.payload).poll_next(context);
        if polled.is_ready() {
            this.allowance.arrived();
        }
        match polled {
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
                if this.timer.has_passed(rate.deadline(), &*this.clock, context) {
                    return Poll::Ready(Some(Err(this.refuse(BodyError::TooSlow))));
                }
                match this.allowance.wait(context.waker()) {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Some(Err(this.refuse(error)))),
                }
            }
        }
    }
}
