//! The memory of requests: bodies, and request heads that are not complete.
//!
//! Bytes are counted as they arrive and released when the request ends, in total and per client address
//! (an IPv6 client is its /64). Unauthenticated clients share a part of the total, so that room is left
//! for authenticated ones. Each replica counts for itself.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

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

#[derive(Debug, Default)]
struct Usages {
    all: Usage,
    /// Only clients with a non-zero usage, so it is bounded.
    clients: HashMap<IpAddr, Usage>,
}

/// The memory of all requests of this process.
#[derive(Debug)]
pub struct RequestMemory {
    bounds: MemoryBounds,
    usage: Mutex<Usages>,
}

impl RequestMemory {
    /// Nothing in use.
    pub fn new(bounds: MemoryBounds) -> Arc<Self> {
        Arc::new(Self { bounds, usage: Mutex::default() })
    }

    /// An empty reservation for `client`, a block of [`model::client_address::ClientAddress`]. `None`, as
    /// for a proxy: it counts only towards the total.
    pub fn reservation(self: &Arc<Self>, client: Option<IpAddr>) -> Reservation {
        Reservation { memory: Arc::clone(self), client, bytes: 0, authenticated: false }
    }

    fn add(&self, client: Option<IpAddr>, bytes: usize, authenticated: bool) -> Result<(), Exhausted> {
        let MemoryBounds { total, unauthenticated, client_total, client_unauthenticated, small, reserve } =
            self.bounds;
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = client.and_then(|client| usage.clients.get(&client)).map_or(0, |used| used.total);
        let is_small = client.is_some() && holds.saturating_add(bytes) <= small;
        let unauthenticated = unauthenticated + if is_small { reserve } else { 0 };
        let all = usage.all.checked_add(bytes, authenticated, total, unauthenticated);
        let own = client.map(|client| {
            let used = usage.clients.get(&client).copied().unwrap_or_default();
            (client, used.checked_add(bytes, authenticated, client_total, client_unauthenticated))
        });
        match (own, all) {
            (Some((_, None)), _) => Err(Exhausted::Client),
            (_, None) => Err(Exhausted::Total),
            (own, Some(all)) => {
                usage.all = all;
                if let Some((client, Some(used))) = own {
                    usage.clients.insert(client, used);
                }
                Ok(())
            }
        }
    }

    fn release(&self, client: Option<IpAddr>, bytes: usize, authenticated: bool) {
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        usage.all = usage.all.subtract(bytes, authenticated);
        if let Some(client) = client {
            let used = usage.clients.get(&client).copied().unwrap_or_default().subtract(bytes, authenticated);
            if used.total == 0 {
                usage.clients.remove(&client);
            } else {
                usage.clients.insert(client, used);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn total(&self) -> usize {
        self.usage.lock().unwrap().all.total
    }
}

/// The bytes of one request or one incomplete head; released when dropped.
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
    /// A bound would be exceeded; nothing is added.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.memory.add(self.client, bytes, self.authenticated)?;
        self.bytes += bytes;
        Ok(())
    }

    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Releases all bytes.
    pub fn clear(&mut self) {
        if self.bytes > 0 {
            self.memory.release(self.client, std::mem::take(&mut self.bytes), self.authenticated);
        }
    }

    /// Counts the bytes as authenticated from now on.
    pub(super) fn authenticate(&mut self) {
        if !self.authenticated {
            self.authenticated = true;
            self.memory.release(self.client, self.bytes, false);
            // The bytes fitted as unauthenticated, so they fit as authenticated.
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

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: MemoryBounds = MemoryBounds::share(800, true);

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
        assert!(memory.usage.lock().unwrap().clients.is_empty(), "nobody is remembered who holds nothing");
    }

    #[test]
    fn clients_need_not_be_told_apart() {
        let memory = RequestMemory::new(MemoryBounds::share(800, false));
        let mut one = memory.reservation(client(1));
        one.grow(400).unwrap();
        assert_eq!(one.grow(1), Err(Exhausted::Total));
    }
}
