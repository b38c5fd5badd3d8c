//! What the body of one request may take: its size, and the memory that it reserves as it arrives.

use std::{cell::RefCell, rc::Rc, task::Waker};

use super::request_memory::{Exhausted, Reservation};

/// The maximum body of an authenticated client, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// The maximum body of an unauthenticated client, in bytes, unless a route sets another.
pub const MAX_UNAUTHENTICATED_BODY: usize = 64 * 1024;

/// Why the rest of a body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than the limit of this client and route.
    TooLarge,
    /// It arrives below the minimum rate.
    TooSlow,
    /// The memory for requests is used up.
    Busy(Exhausted),
}

#[derive(Debug)]
struct BodyState {
    limit: usize,
    received: usize,
    reservation: Reservation,
    error: Option<BodyError>,
    /// Whether the handler waits for more of it.
    awaited: bool,
}

/// The allowance of one request's body; added to every request by `http::middleware`.
#[derive(Debug, Clone)]
pub struct BodyAllowance(Rc<RefCell<BodyState>>);

impl BodyAllowance {
    /// A body of at most `limit` bytes until the client is authenticated.
    pub fn new(reservation: Reservation, limit: usize) -> Self {
        let state = BodyState { limit, received: 0, reservation, error: None, awaited: false };
        Self(Rc::new(RefCell::new(state)))
    }

    /// The client is authenticated: the limit is [`MAX_BODY`].
    pub fn authenticated(&self) {
        let mut allowed = self.0.borrow_mut();
        allowed.limit = allowed.limit.max(MAX_BODY);
        allowed.reservation.authenticate();
    }

    /// Whether a body with this `Content-Length` is within the limit.
    pub fn accepts(&self, announced: u64) -> bool {
        usize::try_from(announced).is_ok_and(|length| length <= self.0.borrow().limit)
    }

    /// Counts bytes that arrived.
    ///
    /// # Errors
    /// The body is too large or there is no memory; the bytes must be discarded.
    pub fn receive(&self, bytes: usize) -> Result<(), BodyError> {
        let mut allowed = self.0.borrow_mut();
        let outcome = if allowed.received.saturating_add(bytes) > allowed.limit {
            Err(BodyError::TooLarge)
        } else {
            allowed.reservation.grow(bytes).map_err(BodyError::Busy)
        };
        match outcome {
            Ok(()) => allowed.received += bytes,
            Err(error) => allowed.error = Some(error),
        }
        outcome
    }

    /// Records why the body is not read to its end.
    pub fn refuse(&self, error: BodyError) {
        self.0.borrow_mut().error = Some(error);
    }

    /// Why the body was not read to its end, if so.
    pub fn error(&self) -> Option<BodyError> {
        self.0.borrow().error
    }

    /// The handler waits for more of the body; `waker` wakes it when the memory is needed for another request.
    ///
    /// # Errors
    /// The memory was given to another request; what arrived must be discarded.
    pub fn wait(&self, waker: &Waker) -> Result<(), BodyError> {
        let mut allowed = self.0.borrow_mut();
        allowed.awaited = true;
        allowed.reservation.wait(waker).map_err(BodyError::Busy)
    }

    /// The handler has what it waited for.
    pub fn arrived(&self) {
        self.0.borrow_mut().awaited = false;
    }

    /// Whether the handler waits for more of the body.
    pub fn is_awaited(&self) -> bool {
        self.0.borrow().awaited
    }

    /// How many bytes arrived.
    pub fn received(&self) -> usize {
        self.0.borrow().received
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, sync::Arc};

    use base::time::{ManualClock, Timestamp};

    use super::*;
    use crate::app::limits::request_memory::{MemoryBounds, RequestMemory};

    const BOUNDS: MemoryBounds = MemoryBounds::share(800, true);

    fn client(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(Timestamp::from_seconds(1)))
    }

    #[test]
    fn strangers_leave_room_for_those_who_proved_who_they_are() {
        let memory = RequestMemory::new(BOUNDS, clock());
        let strangers: Vec<Reservation> = (1..=4)
            .map(|last| {
                let mut reservation = memory.reservation(client(last));
                reservation.grow(100).unwrap();
                reservation
            })
            .collect();
        assert_eq!(memory.reservation(client(5)).grow(13), Err(Exhausted::Total));
        let mut small = memory.reservation(client(5));
        small.grow(12).unwrap();
        assert_eq!(small.grow(1), Err(Exhausted::Total), "what is kept back is for those who need little");
        drop(small);
        let known = BodyAllowance::new(memory.reservation(client(6)), 10);
        known.authenticated();
        known.receive(200).unwrap();
        assert_eq!(known.receive(1), Err(BodyError::Busy(Exhausted::Client)));
        assert_eq!(known.error(), Some(BodyError::Busy(Exhausted::Client)));
        let proxy = &mut memory.reservation(None);
        proxy.authenticate();
        proxy.grow(200).unwrap();
        assert_eq!(proxy.grow(1), Err(Exhausted::Total));
        drop((strangers, known));
        assert_eq!(memory.total(), 200);
    }

    #[test]
    fn what_arrived_before_the_proof_stays_counted() {
        let memory = RequestMemory::new(BOUNDS, clock());
        let body = BodyAllowance::new(memory.reservation(client(1)), 100);
        body.receive(100).unwrap();
        assert_eq!(body.receive(1), Err(BodyError::TooLarge));
        body.authenticated();
        body.authenticated();
        body.receive(100).unwrap();
        assert_eq!((memory.total(), body.received()), (200, 200));
        memory.reservation(client(2)).grow(100).unwrap();
        drop(body);
        assert_eq!(memory.total(), 0);
    }

    #[test]
    fn the_limit_grows_with_the_proof() {
        let memory = RequestMemory::new(MemoryBounds::share(64 << 20, true), clock());
        let body = BodyAllowance::new(memory.reservation(client(1)), MAX_UNAUTHENTICATED_BODY);
        assert!(
            body.accepts(MAX_UNAUTHENTICATED_BODY as u64)
                && !body.accepts(MAX_UNAUTHENTICATED_BODY as u64 + 1)
        );
        assert!(!body.accepts(u64::MAX));
        body.authenticated();
        assert!(body.accepts(MAX_BODY as u64) && !body.accepts(MAX_BODY as u64 + 1));
    }
}
