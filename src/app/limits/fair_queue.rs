//! A semaphore with fair queueing: permits go round-robin to the owners of the waiting work (SAML connections,
//! SCIM directories, environments), and within an owner round-robin to its clients (addresses, organizations). However
//! much work waits for one owner, it delays another's by one permit, and takes no place in the queue from one that has
//! fewer.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::app::{Error, Result};

/// The `Retry-After` of refused work.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The maximum length of the queue; each entry holds its input in memory.
pub const MAX_WAITING: usize = 256;
/// The maximum for one owner.
pub const MAX_WAITING_PER_OWNER: usize = 64;
/// The maximum for one client of an owner.
pub const MAX_WAITING_PER_CLIENT: usize = 32;

/// The permits and the queue for them. Cheap to clone.
#[derive(Debug)]
pub struct FairQueue<K: Owner, C: Owner = IpAddr>(Arc<Shared<K, C>>);

/// The owner of work: a SAML connection, a SCIM directory, an environment; or one of its clients.
pub trait Owner: Copy + Eq + Hash {}

impl<K: Copy + Eq + Hash> Owner for K {}

#[derive(Debug)]
struct Shared<K: Owner, C: Owner> {
    max_wait: Duration,
    inner: Mutex<Inner<K, C>>,
}

#[derive(Debug)]
struct Inner<K: Owner, C: Owner> {
    free: usize,
    owners: RoundRobin<K, Clients<K, C>>,
}

/// The waiting work of an owner, by client.
type Clients<K, C> = RoundRobin<C, VecDeque<oneshot::Sender<Permit<K, C>>>>;

impl<K: Owner, C: Owner> Clone for FairQueue<K, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A permit to work; passed to the next in the queue when dropped.
#[derive(Debug)]
pub struct Permit<K: Owner, C: Owner = IpAddr>(Option<FairQueue<K, C>>);

impl<K: Owner, C: Owner> FairQueue<K, C> {
    /// A queue for `turns` permits. Work waits at most `max_wait` for one.
    pub fn new(turns: usize, max_wait: Duration) -> Self {
        let inner = Mutex::new(Inner { free: turns.max(1), owners: RoundRobin::default() });
        Self(Arc::new(Shared { max_wait, inner }))
    }

    /// Waits for a permit to work for `owner` on input of `client`. [`Error::Unavailable`] if the queue is full or
    /// it takes too long. Where the queue is full, whoever has the most places gives its newest to one that has fewer.
    pub async fn acquire(&self, owner: K, client: C) -> Result<Permit<K, C>> {
        let busy = || Error::Unavailable { retry_after: RETRY_AFTER };
        let place = {
            let mut inner = self.lock();
            if inner.free > 0 {
                inner.free -= 1;
                return Ok(Permit(Some(self.clone())));
            }
            if !inner.has_room(owner, client) {
                inner.remove_closed();
                if !inner.make_room(owner, client) {
                    return Err(busy());
                }
            }
            let (sender, place) = oneshot::channel();
            inner.owners.entry(owner).entry(client).push_back(sender);
            place
        };
        match tokio::time::timeout(self.0.max_wait, place).await {
            Ok(Ok(turn)) => Ok(turn),
            // The place was given to another, or it took too long.
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    /// The length of the queue.
    pub fn waiting(&self) -> usize {
        let mut inner = self.lock();
        inner.remove_closed();
        inner.waiting()
    }

    /// Passes a released permit to the next in the queue that still waits.
    fn release(&self) {
        loop {
            let next = {
                let mut inner = self.lock();
                let next = inner.next();
                inner.free += usize::from(next.is_none());
                next
            };
            let Some(next) = next else { return };
            match next.send(Permit(Some(self.clone()))) {
                Ok(()) => return,
                // The receiver is gone; try the next one.
                Err(mut turn) => turn.0 = None,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K, C>> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Owner, C: Owner> Drop for Permit<K, C> {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.release();
        }
    }
}

impl<K: Owner, C: Owner> Inner<K, C> {
    fn waiting(&self) -> usize {
        self.owners.values().map(waiting_of).sum()
    }

    fn of_owner(&self, owner: K) -> usize {
        self.owners.get(&owner).map_or(0, waiting_of)
    }

    fn of_client(&self, owner: K, client: C) -> usize {
        self.owners.get(&owner).and_then(|clients| clients.get(&client)).map_or(0, VecDeque::len)
    }

    fn has_room(&self, owner: K, client: C) -> bool {
        self.of_client(owner, client) < MAX_WAITING_PER_CLIENT
            && self.of_owner(owner) < MAX_WAITING_PER_OWNER
            && self.waiting() < MAX_WAITING
    }

    /// Takes a place from whoever has the most, if they have more than the newcomer would then have. Whether there is
    /// room.
    fn make_room(&mut self, owner: K, client: C) -> bool {
        let (of_owner, of_client) = (self.of_owner(owner), self.of_client(owner, client));
        if of_client >= MAX_WAITING_PER_CLIENT {
            return false;
        }
        let longest = if of_owner >= MAX_WAITING_PER_OWNER {
            let clients = self.owners.entry(owner);
            clients.longest(VecDeque::len).filter(|waiting| waiting.len() > of_client + 1)
        } else if self.waiting() >= MAX_WAITING {
            let clients =
                self.owners.longest(waiting_of).filter(|clients| waiting_of(clients) > of_owner + 1);
            clients.and_then(|clients| clients.longest(VecDeque::len))
        } else {
            return true;
        };
        let taken = longest.and_then(VecDeque::pop_back).is_some();
        self.remove_closed();
        taken
    }

    /// Removes entries that timed out or whose client disconnected.
    fn remove_closed(&mut self) {
        self.owners.retain(|clients| {
            clients.retain(|waiting| {
                waiting.retain(|one| !one.is_closed());
                !waiting.is_empty()
            });
            !clients.is_empty()
        });
    }

    fn next(&mut self) -> Option<oneshot::Sender<Permit<K, C>>> {
        self.owners.take_next(|clients| {
            let next = clients.take_next(|waiting| (waiting.pop_front(), !waiting.is_empty()));
            (next, !clients.is_empty())
        })
    }
}

fn waiting_of<K: Owner, C: Owner>(clients: &Clients<K, C>) -> usize {
    clients.values().map(VecDeque::len).sum()
}

/// Values by key in round-robin order.
#[derive(Debug)]
struct RoundRobin<K, V> {
    order: VecDeque<K>,
    values: HashMap<K, V>,
}

impl<K, V> Default for RoundRobin<K, V> {
    fn default() -> Self {
        Self { order: VecDeque::new(), values: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash, V: Default> RoundRobin<K, V> {
    fn entry(&mut self, key: K) -> &mut V {
        self.values.entry(key).or_insert_with(|| {
            self.order.push_back(key);
            V::default()
        })
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    fn values(&self) -> impl Iterator<Item = &V> {
        self.values.values()
    }

    fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn retain(&mut self, mut keep: impl FnMut(&mut V) -> bool) {
        self.values.retain(|_, value| keep(value));
        self.order.retain(|key| self.values.contains_key(key));
    }

    /// The value that is longest by `length`.
    fn longest(&mut self, length: impl Fn(&V) -> usize) -> Option<&mut V> {
        self.values.values_mut().max_by_key(|value| length(value))
    }

    /// Takes from the first value and moves it to the end; `take` also returns whether it stays.
    fn take_next<T>(&mut self, take: impl FnOnce(&mut V) -> (Option<T>, bool)) -> Option<T> {
        let key = self.order.pop_front()?;
        let (taken, stays) = take(self.values.get_mut(&key)?);
        if stays {
            self.order.push_back(key);
        } else {
            self.values.remove(&key);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::Pin, task::Poll};

    use super::*;
    use base::id::{Id, SamlConnectionId};

    const MAX_WAIT: Duration = Duration::from_secs(5);

    type Waiting = Pin<Box<dyn Future<Output = Result<Permit<SamlConnectionId>>>>>;

    fn connection(number: u128) -> SamlConnectionId {
        Id::from_bits(number)
    }

    fn client(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// What the future gives without waiting.
    async fn poll(waiting: &mut Waiting) -> Option<Result<Permit<SamlConnectionId>>> {
        std::future::poll_fn(|context| {
            Poll::Ready(match waiting.as_mut().poll(context) {
                Poll::Ready(done) => Some(done),
                Poll::Pending => None,
            })
        })
        .await
    }

    /// An entry that waits.
    async fn enter(queue: &FairQueue<SamlConnectionId>, number: u128, last: u8) -> Waiting {
        let queue = queue.clone();
        let mut waiting: Waiting =
            Box::pin(async move { queue.acquire(connection(number), client(last)).await });
        assert!(poll(&mut waiting).await.is_none(), "a turn was free");
        waiting
    }

    /// Releases one permit after the other; returns the order in which the entries got theirs.
    async fn order(
        mut turn: Permit<SamlConnectionId>,
        mut waiting: Vec<(&'static str, Waiting)>,
    ) -> Vec<&'static str> {
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(turn);
            let mut next = None;
            for (at, (name, one)) in waiting.iter_mut().enumerate() {
                if let Some(Ok(turn)) = poll(one).await {
                    assert!(next.is_none(), "two turns for one");
                    next = Some((at, *name, turn));
                }
            }
            let (at, name, given) = next.expect("somebody is next");
            drop(waiting.remove(at));
            order.push(name);
            turn = given;
        }
        order
    }

    #[tokio::test]
    async fn connections_take_turns_and_so_do_the_clients_of_one() {
        let queue = FairQueue::new(1, MAX_WAIT);
        let turn = queue.acquire(connection(9), client(9)).await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..3 {
            waiting.push(("flood", enter(&queue, 1, 1).await));
        }
        waiting.push(("same connection", enter(&queue, 1, 2).await));
        waiting.push(("other connection", enter(&queue, 2, 1).await));
        let expected = ["flood", "other connection", "same connection", "flood", "flood"];
        assert_eq!(order(turn, waiting).await, expected);
        assert_eq!(queue.waiting(), 0);
        assert!(queue.acquire(connection(1), client(1)).await.is_ok(), "all turns are back");
    }

    #[tokio::test]
    async fn the_places_are_bounded_for_each_client_and_connection_and_in_all() {
        let queue = FairQueue::new(1, MAX_WAIT);
        let turn = queue.acquire(connection(0), client(0)).await.unwrap();
        let refused = async |number, last| {
            matches!(queue.acquire(connection(number), client(last)).await, Err(Error::Unavailable { .. }))
        };
        let mut waiting = Vec::new();
        for _ in 0..MAX_WAITING_PER_CLIENT {
            waiting.push(enter(&queue, 1, 1).await);
        }
        assert!(refused(1, 1).await, "one client has its places");
        for last in 2.. {
            if waiting.len() == MAX_WAITING_PER_OWNER {
                break;
            }
            waiting.push(enter(&queue, 1, last).await);
        }
        let mut newest = waiting.remove(MAX_WAITING_PER_CLIENT - 1);
        waiting.push(enter(&queue, 1, 200).await);
        let gave_way = poll(&mut newest).await;
        assert!(matches!(gave_way, Some(Err(Error::Unavailable { .. }))), "one client has many places");
        assert_eq!(waiting.len(), MAX_WAITING_PER_OWNER, "one connection has its places");
        for number in 2.. {
            if waiting.len() == MAX_WAITING {
                break;
            }
            waiting.push(enter(&queue, number, 1).await);
        }
        // Whoever waits for the first time takes the place of the connection with the most, until that has no more than others.
        for number in 1_000_000..1_000_000 + MAX_WAITING_PER_OWNER as u128 - 1 {
            waiting.push(enter(&queue, number, 4).await);
            assert_eq!(queue.waiting(), MAX_WAITING);
        }
        assert!(refused(2_000_000, 4).await, "there are no more places");
        // An entry that is dropped frees its place and gets no permit.
        let first = waiting.pop().unwrap();
        drop(waiting);
        let last = enter(&queue, 2_000_000, 4).await;
        assert_eq!(queue.waiting(), 2);
        let waiting = vec![("first", first), ("last", last)];
        assert_eq!(order(turn, waiting).await, ["first", "last"]);
    }

    #[tokio::test]
    async fn whoever_left_is_passed_over() {
        let queue = FairQueue::new(1, MAX_WAIT);
        let turn = queue.acquire(connection(0), client(0)).await.unwrap();
        let gone = enter(&queue, 1, 1).await;
        let stays = enter(&queue, 2, 1).await;
        drop(gone);
        assert_eq!(order(turn, vec![("stays", stays)]).await, ["stays"]);
        let turn = queue.acquire(connection(0), client(0)).await.unwrap();
        let gone = enter(&queue, 1, 1).await;
        drop(turn);
        // The permit was sent to an entry that is no longer polled.
        drop(gone);
        assert!(queue.acquire(connection(3), client(3)).await.is_ok());
    }
}
