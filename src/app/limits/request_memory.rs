//! The memory of requests: bodies, and request heads that are not complete.
//!
//! Bytes are counted as they arrive and released when the request ends, in total and per client address
//! (an IPv6 client is its /64). Unauthenticated clients share a part of the total, so that room is left
//! for authenticated ones. When it is used up, the unauthenticated requests that have been arriving for the longest lose
//! theirs: a login arrives at once, and what somebody sends half and never ends must not keep it out. Each replica counts
//! for itself.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use base::time::{Clock, Timestamp};

/// How long an unauthenticated request may take to arrive before its memory is given to others that need it.
const MIN_HOLD: Duration = Duration::from_secs(2);

/// How many bytes may be in memory at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryBounds {
    /// Of all requests.
    pub total: usize,
    /// Of all unauthenticated requests.
    pub unauthenticated: usize,
    /// Of one client address.
    pub client_total: usize,
    /// Of one client address, unauthenticated.
    pub client_unauthenticated: usize,
    /// An unauthenticated client address with up to this many bytes may also use the reserve, so that a few
    /// addresses at their limit do not lock out all others.
    pub small: usize,
    /// The reserve for such clients.
    pub reserve: usize,
}

impl MemoryBounds {
    /// The bounds for `total` bytes: half of it unauthenticated; a quarter for one client address, an eighth
    /// unauthenticated. No bounds per client address unless `per_client`.
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

/// Which bound would be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// That of the client address.
    Client,
    /// That of all requests.
    Total,
}

#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    total: usize,
    unauthenticated: usize,
}

impl Usage {
    /// This usage and `bytes` more, if that stays within the bounds.
    fn checked_add(
        self,
        bytes: usize,
        authenticated: bool,
        total: usize,
        unauthenticated: usize,
    ) -> Option<Self> {
        let more = Self {
            total: self.total.saturating_add(bytes),
            unauthenticated: self.unauthenticated.saturating_add(if authenticated { 0 } else { bytes }),
        };
        // The bound for unauthenticated requests does not apply to authenticated ones.
        let fits = more.total <= total && (authenticated || more.unauthenticated <= unauthenticated);
        fits.then_some(more)
    }

    fn subtract(self, bytes: usize, authenticated: bool) -> Self {
        Self {
            total: self.total.saturating_sub(bytes),
            unauthenticated: self.unauthenticated.saturating_sub(if authenticated { 0 } else { bytes }),
        }
    }
}

/// What an unauthenticated request holds.
#[derive(Debug)]
struct Holding {
    client: Option<IpAddr>,
    bytes: usize,
    since: Timestamp,
    /// Wakes the task that waits for the rest of the request.
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct Usages {
    all: Usage,
    /// Only clients with a non-zero usage, so it is bounded.
    clients: HashMap<IpAddr, Usage>,
    /// What unauthenticated requests hold, the oldest first.
    holdings: BTreeMap<u64, Holding>,
    /// The key of the next holding.
    next: u64,
}

impl Usages {
    fn add(
        &mut self,
        bounds: &MemoryBounds,
        client: Option<IpAddr>,
        bytes: usize,
        authenticated: bool,
    ) -> Result<(), Exhausted> {
        let MemoryBounds { total, unauthenticated, client_total, client_unauthenticated, small, reserve } =
            *bounds;
        let holds = client.and_then(|client| self.clients.get(&client)).map_or(0, |used| used.total);
        let is_small = client.is_some() && holds.saturating_add(bytes) <= small;
        let unauthenticated = unauthenticated + if is_small { reserve } else { 0 };
        let all = self.all.checked_add(bytes, authenticated, total, unauthenticated);
        let own = client.map(|client| {
            let used = self.clients.get(&client).copied().unwrap_or_default();
            (client, used.checked_add(bytes, authenticated, client_total, client_unauthenticated))
        });
        match (own, all) {
            (Some((_, None)), _) => Err(Exhausted::Client),
            (_, None) => Err(Exhausted::Total),
            (own, Some(all)) => {
                self.all = all;
                if let Some((client, Some(used))) = own {
                    self.clients.insert(client, used);
                }
                Ok(())
            }
        }
    }

    fn release(&mut self, client: Option<IpAddr>, bytes: usize, authenticated: bool) {
        self.all = self.all.subtract(bytes, authenticated);
        if let Some(client) = client {
            let used = self.clients.get(&client).copied().unwrap_or_default().subtract(bytes, authenticated);
            if used.total == 0 {
                self.clients.remove(&client);
            } else {
                self.clients.insert(client, used);
            }
        }
    }

    /// Takes the memory of the oldest holding but `own`. `false`: nobody has held any for long.
    fn withdraw_oldest(&mut self, own: Option<u64>, now: Timestamp) -> bool {
        let oldest = self.holdings.iter().find(|(key, _)| Some(**key) != own);
        let Some(key) = oldest.filter(|(_, holding)| holding.since + MIN_HOLD <= now).map(|(key, _)| *key)
        else {
            return false;
        };
        if let Some(holding) = self.holdings.remove(&key) {
            self.release(holding.client, holding.bytes, false);
            holding.waker.iter().for_each(Waker::wake_by_ref);
        }
        true
    }
}

/// The memory of all requests of this process.
pub struct RequestMemory {
    bounds: MemoryBounds,
    clock: Arc<dyn Clock>,
    usage: Mutex<Usages>,
}

impl fmt::Debug for RequestMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMemory").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl RequestMemory {
    /// Nothing in use.
    pub fn new(bounds: MemoryBounds, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { bounds, clock, usage: Mutex::default() })
    }

    /// An empty reservation for `client`, a block of [`model::client_address::ClientAddress`]. `None`, as
    /// for a proxy: it counts only towards the total.
    pub fn reservation(self: &Arc<Self>, client: Option<IpAddr>) -> Reservation {
        Reservation { memory: Arc::clone(self), client, bytes: 0, authenticated: false, holding: None }
    }

    fn usage(&self) -> MutexGuard<'_, Usages> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn total(&self) -> usize {
        self.usage().all.total
    }
}

/// The bytes of one request or one incomplete head; released when dropped.
#[derive(Debug)]
pub struct Reservation {
    memory: Arc<RequestMemory>,
    client: Option<IpAddr>,
    bytes: usize,
    authenticated: bool,
    /// The key of its holding, while it is unauthenticated and not empty.
    holding: Option<u64>,
}

impl Reservation {
    /// Adds bytes that arrived.
    ///
    /// # Errors
    /// A bound would be exceeded, and nothing is added; or its memory was given to others.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let mut usage = self.memory.usage();
        self.check_held(&usage)?;
        let mut added = usage.add(&self.memory.bounds, self.client, bytes, self.authenticated);
        if added == Err(Exhausted::Total) {
            let now = self.memory.clock.now();
            while added == Err(Exhausted::Total) && usage.withdraw_oldest(self.holding, now) {
                added = usage.add(&self.memory.bounds, self.client, bytes, self.authenticated);
            }
        }
        added?;
        self.bytes += bytes;
        if self.authenticated {
            return Ok(());
        }
        let key = *self.holding.get_or_insert_with(|| {
            usage.next += 1;
            usage.next
        });
        let empty = || Holding { client: self.client, bytes: 0, since: self.memory.clock.now(), waker: None };
        usage.holdings.entry(key).or_insert_with(empty).bytes += bytes;
        Ok(())
    }

    /// Has `waker` called when its memory is given to others.
    ///
    /// # Errors
    /// It was given away already.
    pub fn wait(&self, waker: &Waker) -> Result<(), Exhausted> {
        let Some(key) = self.holding else { return Ok(()) };
        let mut usage = self.memory.usage();
        let held = usage.holdings.get_mut(&key).ok_or(Exhausted::Total)?;
        if !held.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            held.waker = Some(waker.clone());
        }
        Ok(())
    }

    fn check_held(&self, usage: &Usages) -> Result<(), Exhausted> {
        match self.holding {
            Some(key) if !usage.holdings.contains_key(&key) => Err(Exhausted::Total),
            _ => Ok(()),
        }
    }

    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Releases all bytes.
    pub fn clear(&mut self) {
        if self.bytes > 0 {
            let mut usage = self.memory.usage();
            let was_withdrawn = match self.holding.take() {
                Some(key) => usage.holdings.remove(&key).is_none(),
                None => false,
            };
            if !was_withdrawn {
                usage.release(self.client, self.bytes, self.authenticated);
            }
            self.bytes = 0;
        }
    }

    /// Counts the bytes as authenticated from now on; nobody else gets them any more.
    pub(super) fn authenticate(&mut self) {
        if self.authenticated {
            return;
        }
        let mut usage = self.memory.usage();
        if self.check_held(&usage).is_err() {
            return;
        }
        self.authenticated = true;
        if let Some(key) = self.holding.take() {
            usage.holdings.remove(&key);
            usage.release(self.client, self.bytes, false);
            // The bytes fitted as unauthenticated, so they fit as authenticated.
            if usage.add(&self.memory.bounds, self.client, self.bytes, true).is_err() {
                self.bytes = 0;
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use base::time::ManualClock;

    use super::*;

    const BOUNDS: MemoryBounds = MemoryBounds::share(800, true);

    fn client(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(Timestamp::from_seconds(1)))
    }

    #[test]
    fn who_holds_memory_for_long_makes_room_for_newcomers() {
        let clock = clock();
        let memory = RequestMemory::new(BOUNDS, clock.clone());
        let mut old: Vec<Reservation> = (1..=5).map(|last| memory.reservation(client(last))).collect();
        for (index, reservation) in old.iter_mut().enumerate() {
            clock.advance(Duration::from_millis(100));
            reservation.grow(if index == 4 { 12 } else { 100 }).unwrap();
        }
        let mut authenticated = memory.reservation(client(9));
        authenticated.authenticate();
        authenticated.grow(200).unwrap();
        let mut login = memory.reservation(client(6));
        assert_eq!(login.grow(12), Ok(()), "of the reserve");
        assert_eq!(login.grow(20), Err(Exhausted::Total), "the others have only begun");
        clock.advance(MIN_HOLD - Duration::from_millis(400));
        login.grow(20).unwrap();
        assert_eq!(old[0].wait(Waker::noop()), Err(Exhausted::Total), "the oldest");
        assert_eq!(old[1].wait(Waker::noop()), Ok(()));
        assert_eq!(old[0].grow(1), Err(Exhausted::Total), "its request is over");
        assert_eq!(memory.total(), 300 + 12 + 200 + 32);
        drop((old, login, authenticated));
        assert_eq!(memory.total(), 0);
        assert!(memory.usage().holdings.is_empty());
    }

    #[test]
    fn one_client_cannot_hold_what_others_need() {
        let memory = RequestMemory::new(BOUNDS, clock());
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
        assert!(memory.usage.lock().unwrap().clients.is_empty(), "nobody is remembered who holds nothing");
    }

    #[test]
    fn clients_need_not_be_told_apart() {
        let memory = RequestMemory::new(MemoryBounds::share(800, false), clock());
        let mut one = memory.reservation(client(1));
        one.grow(400).unwrap();
        assert_eq!(one.grow(1), Err(Exhausted::Total));
    }
}
