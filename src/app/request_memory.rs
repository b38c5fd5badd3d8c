//! How much of requests may be in memory at once: bodies that arrive and request heads that are not complete.
//!
//! The bytes are counted as they arrive and given back when the request ends, in all and per client address
//! (ruling 21: an IPv6 client is its /64). Clients who have not proved who they are share a part of it, so that
//! they leave room for those who have. Each replica counts for itself.

use std::{
    cell::RefCell,
    collections::HashMap,
    net::IpAddr,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

/// The largest body of a client who proved who it is, in bytes (ruling 15).
pub const MAX_BODY: usize = 1024 * 1024;

/// The largest body of a client who did not, in bytes, where a route does not say otherwise.
pub const MAX_UNAUTHENTICATED_BODY: usize = 64 * 1024;

/// How many bytes may be held at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// By everybody together.
    pub total: usize,
    /// Of these by everybody who has not authenticated.
    pub unauthenticated: usize,
    /// By one client address.
    pub client_total: usize,
    /// Of these without having authenticated.
    pub client_unauthenticated: usize,
    /// Up to how much one client address may hold to be given, without authentication, what is kept back for
    /// such: a few addresses that hold as much as they may do not shut out everybody else.
    pub small: usize,
    /// How much is kept back.
    pub reserve: usize,
}

impl Bounds {
    /// The shares of `total` bytes: half of it without authentication; one client address has a quarter,
    /// and an eighth without authentication, unless clients are not told apart.
    pub const fn share(total: usize, per_client: bool) -> Self {
        if per_client {
            Self {
                total,
                unauthenticated: total / 2,
                client_total: total / 4,
                client_unauthenticated: total / 8,
                small: total / 64,
                reserve: total / 4,
            }
        } else {
            Self {
                total,
                unauthenticated: total / 2,
                client_total: usize::MAX,
                client_unauthenticated: usize::MAX,
                small: 0,
                reserve: 0,
            }
        }
    }
}

/// Which bound would be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// The client address's own.
    Client,
    /// That of everybody together.
    Total,
}

#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    total: usize,
    unauthenticated: usize,
}

impl Usage {
    /// This usage and `bytes` more, if that stays within the bounds.
    fn and(self, bytes: usize, authenticated: bool, total: usize, unauthenticated: usize) -> Option<Self> {
        let more = Self {
            total: self.total.saturating_add(bytes),
            unauthenticated: self.unauthenticated.saturating_add(if authenticated { 0 } else { bytes }),
        };
        // An authenticated client is not held up by what others hold without authentication.
        let fits = more.total <= total && (authenticated || more.unauthenticated <= unauthenticated);
        fits.then_some(more)
    }

    fn less(self, bytes: usize, authenticated: bool) -> Self {
        Self {
            total: self.total.saturating_sub(bytes),
            unauthenticated: self.unauthenticated.saturating_sub(if authenticated { 0 } else { bytes }),
        }
    }
}

#[derive(Debug, Default)]
struct Held {
    all: Usage,
    /// Only of clients that hold something now: bounded by the bytes.
    clients: HashMap<IpAddr, Usage>,
}

/// What the requests of one process hold.
#[derive(Debug)]
pub struct RequestMemory {
    bounds: Bounds,
    held: Mutex<Held>,
}

impl RequestMemory {
    /// Nothing is held yet.
    pub fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self { bounds, held: Mutex::default() })
    }

    /// An empty reservation for `client`, a block of [`crate::model::client_address::ClientAddress`]; of
    /// nobody in particular, such as a proxy, it counts only in all.
    pub fn reservation(self: &Arc<Self>, client: Option<IpAddr>) -> Reservation {
        Reservation { memory: Arc::clone(self), client, bytes: 0, authenticated: false }
    }

    fn add(&self, client: Option<IpAddr>, bytes: usize, authenticated: bool) -> Result<(), Exhausted> {
        let Bounds { total, unauthenticated, client_total, client_unauthenticated, small, reserve } =
            self.bounds;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = client.and_then(|client| held.clients.get(&client)).map_or(0, |used| used.total);
        let is_small = client.is_some() && holds.saturating_add(bytes) <= small;
        let unauthenticated = unauthenticated + if is_small { reserve } else { 0 };
        let all = held.all.and(bytes, authenticated, total, unauthenticated);
        let own = client.map(|client| {
            let used = held.clients.get(&client).copied().unwrap_or_default();
            (client, used.and(bytes, authenticated, client_total, client_unauthenticated))
        });
        match (own, all) {
            (Some((_, None)), _) => Err(Exhausted::Client),
            (_, None) => Err(Exhausted::Total),
            (own, Some(all)) => {
                held.all = all;
                if let Some((client, Some(used))) = own {
                    held.clients.insert(client, used);
                }
                Ok(())
            }
        }
    }

    fn give_back(&self, client: Option<IpAddr>, bytes: usize, authenticated: bool) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.less(bytes, authenticated);
        if let Some(client) = client {
            let used = held.clients.get(&client).copied().unwrap_or_default().less(bytes, authenticated);
            if used.total == 0 {
                held.clients.remove(&client);
            } else {
                held.clients.insert(client, used);
            }
        }
    }

    #[cfg(test)]
    fn total(&self) -> usize {
        self.held.lock().unwrap().all.total
    }
}

/// The bytes that one request or one unfinished head holds; given back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    memory: Arc<RequestMemory>,
    client: Option<IpAddr>,
    bytes: usize,
    authenticated: bool,
}

impl Reservation {
    /// Adds bytes that arrived.
    ///
    /// # Errors
    /// Nothing is added when a bound would be passed.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.memory.add(self.client, bytes, self.authenticated)?;
        self.bytes += bytes;
        Ok(())
    }

    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives everything back.
    pub fn clear(&mut self) {
        if self.bytes > 0 {
            self.memory.give_back(self.client, std::mem::take(&mut self.bytes), self.authenticated);
        }
    }

    /// From now on the bytes count as those of a client who proved who it is.
    fn authenticate(&mut self) {
        if !self.authenticated {
            self.authenticated = true;
            self.memory.give_back(self.client, self.bytes, false);
            // The bytes are in memory already: they fitted, and fit again.
            let bytes = std::mem::take(&mut self.bytes);
            if self.memory.add(self.client, bytes, true).is_ok() {
                self.bytes = bytes;
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Why the rest of a body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than this client may send here.
    TooLarge,
    /// It arrives more slowly than the least rate.
    TooSlow,
    /// Too much of other requests is in memory.
    Busy(Exhausted),
}

#[derive(Debug)]
struct Allowed {
    limit: usize,
    received: usize,
    reservation: Reservation,
    error: Option<BodyError>,
}

/// What one request's body may take; put on every request by `http::middleware`.
#[derive(Debug, Clone)]
pub struct BodyAllowance(Rc<RefCell<Allowed>>);

impl BodyAllowance {
    /// A body of at most `limit` bytes until the client proves who it is.
    pub fn new(reservation: Reservation, limit: usize) -> Self {
        Self(Rc::new(RefCell::new(Allowed { limit, received: 0, reservation, error: None })))
    }

    /// The client proved who it is: the body may be as large as any.
    pub fn authenticated(&self) {
        let mut allowed = self.0.borrow_mut();
        allowed.limit = allowed.limit.max(MAX_BODY);
        allowed.reservation.authenticate();
    }

    /// Whether a body of `announced` bytes may be sent at all.
    pub fn takes(&self, announced: u64) -> bool {
        usize::try_from(announced).is_ok_and(|length| length <= self.0.borrow().limit)
    }

    /// Counts bytes that arrived.
    ///
    /// # Errors
    /// They must not be kept: the body is larger than it may be, or there is no room.
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

    /// Notes why the body is not read to its end.
    pub fn refuse(&self, error: BodyError) {
        self.0.borrow_mut().error = Some(error);
    }

    /// Why it was not, if so.
    pub fn error(&self) -> Option<BodyError> {
        self.0.borrow().error
    }

    /// How many bytes arrived.
    pub fn received(&self) -> usize {
        self.0.borrow().received
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds::share(800, true);

    fn client(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn one_client_cannot_hold_what_others_need() {
        let memory = RequestMemory::new(BOUNDS);
        let mut first = memory.reservation(client(1));
        let mut second = memory.reservation(client(1));
        first.grow(60).unwrap();
        second.grow(40).unwrap();
        assert_eq!(first.grow(1), Err(Exhausted::Client));
        assert_eq!(second.grow(1), Err(Exhausted::Client), "however many requests it sends");
        let mut other = memory.reservation(client(2));
        other.grow(100).unwrap();
        drop(first);
        second.grow(60).unwrap();
        assert_eq!(memory.total(), 200);
        drop((second, other));
        assert_eq!(memory.total(), 0);
        assert!(memory.held.lock().unwrap().clients.is_empty(), "nobody is remembered who holds nothing");
    }

    #[test]
    fn strangers_leave_room_for_those_who_proved_who_they_are() {
        let memory = RequestMemory::new(BOUNDS);
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
        let memory = RequestMemory::new(BOUNDS);
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
        let memory = RequestMemory::new(Bounds::share(64 << 20, true));
        let body = BodyAllowance::new(memory.reservation(client(1)), MAX_UNAUTHENTICATED_BODY);
        assert!(
            body.takes(MAX_UNAUTHENTICATED_BODY as u64) && !body.takes(MAX_UNAUTHENTICATED_BODY as u64 + 1)
        );
        assert!(!body.takes(u64::MAX));
        body.authenticated();
        assert!(body.takes(MAX_BODY as u64) && !body.takes(MAX_BODY as u64 + 1));
    }

    #[test]
    fn clients_need_not_be_told_apart() {
        let memory = RequestMemory::new(Bounds::share(800, false));
        let mut one = memory.reservation(client(1));
        one.grow(400).unwrap();
        assert_eq!(one.grow(1), Err(Exhausted::Total));
    }
}
