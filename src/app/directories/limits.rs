//! Rate and concurrency limits of one SCIM directory: concurrent requests, requests and bytes per second, bytes
//! of request log per hour, and one search at a time.
//!
//! They keep one customer from slowing down others (CWE-770), and apply after the bearer token was accepted;
//! unauthenticated clients are limited by [`RateLimiter`](crate::app::limits::rate_limiter::RateLimiter). Each replica counts for itself, in
//! bounded memory. Rates are token buckets by the generic cell rate algorithm (ITU-T I.371 §A): each bucket
//! stores the time at which it is full again. The cost of a request (bytes of its body, operations of a Bulk,
//! work of a search) is charged afterwards, so a bucket can be overdrawn; later requests are refused until it
//! has refilled.

use std::{
    collections::VecDeque,
    hash::{BuildHasher as _, RandomState},
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use base::{id::ScimDirectoryId, time::Timestamp};
use lru::LruCache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    app::{Error, Result},
    telemetry,
};

/// How many directories are tracked. The least recently used is dropped first.
const MAX_DIRECTORIES: NonZeroUsize = NonZeroUsize::new(65_536).expect("not zero");

/// How many requests of one directory run at a time.
pub const MAX_CONCURRENT_REQUESTS: usize = 4;

/// How many more of them may wait.
pub const MAX_WAITING: usize = 64;

/// The maximum wait for a permit. A search waits up to three times as long, which is within the timeout of
/// a request.
const MAX_WAIT: Duration = Duration::from_secs(8);

/// The burst of requests, in seconds of the rate: an identity provider's initial cycle begins with a burst.
const REQUEST_BURST: u32 = 40;

/// The burst of bytes, in seconds of the rate.
const BYTE_BURST: u32 = 128;

/// How many units of a search's work count as one request.
pub const UNITS_PER_REQUEST: u64 = 1000;

/// How many hashes of recent bodies are kept, to detect repeated ones.
const MAX_BODY_HASHES: usize = 32;

/// The rates of one directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryRates {
    /// Requests per second, each operation of a Bulk counted. `None`: unlimited.
    pub requests_per_second: Option<u32>,
    /// Bytes of bodies per second. `None`: unlimited.
    pub bytes_per_second: Option<u32>,
    /// Bytes of the request log per hour.
    pub log_bytes_per_hour: u64,
}

impl Default for DirectoryRates {
    fn default() -> Self {
        Self {
            requests_per_second: Some(50),
            bytes_per_second: Some(256 * 1024),
            log_bytes_per_hour: 64 * 1024 * 1024,
        }
    }
}

/// A token bucket.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    full_at: Timestamp,
}

impl Bucket {
    const FULL: Self = Self { full_at: Timestamp::from_millis(0) };

    /// How long until it is no longer empty; zero if it is not.
    fn time_until_available(&self, now: Timestamp, burst: Duration) -> Duration {
        // A clock that was set back must not make the debt endless; it never exceeds what `charge` allows.
        self.full_at.since(now).min(burst * 2).saturating_sub(burst)
    }

    /// Takes `cost`, given as the time in which it refills. The bucket is overdrawn by one burst at most.
    fn charge(&mut self, now: Timestamp, burst: Duration, cost: Duration) {
        let owed = self.full_at.since(now).min(burst * 2).saturating_add(cost);
        self.full_at = now + owed.min(burst * 2);
    }
}

/// The state of one directory.
#[derive(Debug)]
struct DirectoryState {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    searches: Arc<Semaphore>,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    requests: Bucket,
    bytes: Bucket,
    log: Bucket,
    /// Keyed hashes of recent bodies.
    bodies: VecDeque<u64>,
}

impl Default for DirectoryState {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS)),
            waiting: AtomicUsize::new(0),
            searches: Arc::new(Semaphore::new(1)),
            buckets: Mutex::new(Buckets {
                requests: Bucket::FULL,
                bytes: Bucket::FULL,
                log: Bucket::FULL,
                bodies: VecDeque::new(),
            }),
        }
    }
}

/// How much of a directory's log budget is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogBudget {
    /// Enough.
    Sufficient,
    /// Little: log requests without their bodies.
    WithoutBodies,
    /// None: do not log.
    Exhausted,
}

/// A permit to run one request of a directory; released when dropped.
#[derive(Debug)]
pub struct DirectoryPermit {
    _permit: OwnedSemaphorePermit,
}

/// A permit to run one search: the only one of its directory, and one of a few of the process.
#[derive(Debug)]
pub struct SearchPermit {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

/// The limits of all directories in this process.
#[derive(Debug)]
pub struct DirectoryLimits {
    rates: DirectoryRates,
    hasher: RandomState,
    known: Mutex<LruCache<ScimDirectoryId, Arc<DirectoryState>>>,
    searches: Arc<Semaphore>,
}

impl DirectoryLimits {
    /// Limits with nothing used.
    pub fn new(rates: DirectoryRates) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let mut known = LruCache::unbounded();
        known.resize(MAX_DIRECTORIES);
        Self {
            rates,
            hasher: RandomState::new(),
            known: Mutex::new(known),
            searches: Arc::new(Semaphore::new(cores)),
        }
    }

    fn of(&self, directory: ScimDirectoryId) -> Arc<DirectoryState> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.get_or_insert(directory, Arc::default))
    }

    /// Charges a request. [`Error::Limited`] if the directory's requests or bytes are used up.
    pub fn charge_request(&self, directory: ScimDirectoryId, now: Timestamp) -> Result<()> {
        let known = self.of(directory);
        let mut buckets = known.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = match self.rates.requests_per_second {
            Some(_) => buckets.requests.time_until_available(now, seconds(REQUEST_BURST)),
            None => Duration::ZERO,
        };
        let bytes = match self.rates.bytes_per_second {
            Some(_) => buckets.bytes.time_until_available(now, seconds(BYTE_BURST)),
            None => Duration::ZERO,
        };
        let wait = requests.max(bytes);
        if wait > Duration::ZERO {
            telemetry::scim_limited(if requests >= bytes { "requests" } else { "bytes" });
            // Rounded up: `Retry-After` has whole seconds.
            return Err(Error::Limited { retry_after: Duration::from_secs(wait.as_secs() + 1) });
        }
        if let Some(rate) = self.rates.requests_per_second {
            buckets.requests.charge(now, seconds(REQUEST_BURST), time_for(1, rate));
        }
        Ok(())
    }

    /// Charges `count` more requests for the work of one.
    pub fn charge_requests(&self, directory: ScimDirectoryId, now: Timestamp, count: u64) {
        let Some(rate) = self.rates.requests_per_second.filter(|_| count > 0) else { return };
        let known = self.of(directory);
        let mut buckets = known.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.requests.charge(now, seconds(REQUEST_BURST), time_for(count, rate));
    }

    /// Charges the bytes of a body.
    pub fn charge_bytes(&self, directory: ScimDirectoryId, now: Timestamp, count: usize) {
        let Some(rate) = self.rates.bytes_per_second.filter(|_| count > 0) else { return };
        let known = self.of(directory);
        let mut buckets = known.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.bytes.charge(now, seconds(BYTE_BURST), time_for(count as u64, rate));
    }

    /// Waits for a permit to run a request. [`Error::Limited`] if too many wait already, or it takes too long.
    pub async fn acquire_request(&self, directory: ScimDirectoryId) -> Result<DirectoryPermit> {
        let known = self.of(directory);
        let _waiting = WaitGuard::begin(&known).ok_or_else(|| busy("turn"))?;
        Ok(DirectoryPermit {
            _permit: acquire_within("turn", Arc::clone(&known.permits).acquire_owned()).await?,
        })
    }

    /// Waits for a permit to search: one search of a directory at a time, and as many as there are cores in
    /// all. [`Error::Limited`] if it takes too long.
    pub async fn acquire_search(&self, directory: ScimDirectoryId) -> Result<SearchPermit> {
        let own = acquire_within("search", Arc::clone(&self.of(directory).searches).acquire_owned()).await?;
        let all = acquire_within("search", Arc::clone(&self.searches).acquire_owned()).await?;
        Ok(SearchPermit { _own: own, _all: all })
    }

    /// Charges the log for a request of `row` bytes, plus `bodies` if there is room for them. Returns what may
    /// be logged.
    pub fn charge_log(
        &self,
        directory: ScimDirectoryId,
        now: Timestamp,
        row: usize,
        bodies: usize,
    ) -> LogBudget {
        const HOUR: Duration = Duration::from_secs(3600);
        let known = self.of(directory);
        let mut buckets = known.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let owed = buckets.log.full_at.since(now);
        if owed >= HOUR {
            return LogBudget::Exhausted;
        }
        let (room, bytes) = match owed >= HOUR / 10 * 9 {
            true => (LogBudget::WithoutBodies, row),
            false => (LogBudget::Sufficient, row + bodies),
        };
        let share = bytes as f64 / self.rates.log_bytes_per_hour.max(1) as f64;
        buckets.log.charge(now, HOUR, HOUR.mul_f64(share.min(1.0)));
        room
    }

    /// Whether this body was sent to this path recently; records it.
    pub fn is_repeated(&self, directory: ScimDirectoryId, method: &str, path: &str, body: &[u8]) -> bool {
        let hash = self.hasher.hash_one((method, path, body));
        let known = self.of(directory);
        let mut buckets = known.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.bodies.contains(&hash) {
            return true;
        }
        if buckets.bodies.len() >= MAX_BODY_HASHES {
            buckets.bodies.pop_front();
        }
        buckets.bodies.push_back(hash);
        false
    }
}

/// Counts one waiting request until dropped.
struct WaitGuard<'a>(&'a DirectoryState);

impl<'a> WaitGuard<'a> {
    fn begin(known: &'a DirectoryState) -> Option<Self> {
        let before = known.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(known);
        (before < MAX_WAITING).then_some(waiting)
    }
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(u64::from(count))
}

/// The time in which `count` units refill.
fn time_for(count: u64, per_second: u32) -> Duration {
    Duration::from_nanos(count.saturating_mul(1_000_000_000 / u64::from(per_second.max(1))))
}

fn busy(of: &'static str) -> Error {
    telemetry::scim_limited(of);
    Error::Limited { retry_after: Duration::from_secs(2) }
}

async fn acquire_within<T, E>(
    of: &'static str,
    turn: impl Future<Output = std::result::Result<T, E>>,
) -> Result<T> {
    let turn = tokio::time::timeout(MAX_WAIT, turn).await;
    // The semaphores are never closed.
    turn.ok().and_then(std::result::Result::ok).ok_or_else(|| busy(of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn limits() -> DirectoryLimits {
        DirectoryLimits::new(DirectoryRates {
            requests_per_second: Some(10),
            bytes_per_second: Some(1000),
            log_bytes_per_hour: 1000,
        })
    }

    #[test]
    fn a_burst_of_requests_then_so_many_a_second_for_each_directory() {
        let (limits, one, two) = (limits(), Id::from_bits(1), Id::from_bits(2));
        let taken = |at| (0..1000).take_while(|_| limits.charge_request(one, at).is_ok()).count();
        assert_eq!(taken(NOW), 401, "forty seconds' worth, and the one that empties it");
        assert!(matches!(
            limits.charge_request(one, NOW),
            Err(Error::Limited { retry_after }) if retry_after == Duration::from_secs(1)
        ));
        assert_eq!(taken(NOW + Duration::from_secs(1)), 10);
        assert!(limits.charge_request(two, NOW).is_ok(), "another directory");
        // A Bulk of 400 more is taken after the fact and owed.
        limits.charge_requests(two, NOW, 600);
        assert!(limits.charge_request(two, NOW + Duration::from_secs(10)).is_err());
        assert!(limits.charge_request(two, NOW + Duration::from_secs(30)).is_ok());
        // The clock goes back a day: the wait stays within a burst.
        let before = NOW - Duration::from_secs(86_400);
        assert!(matches!(
            limits.charge_request(one, before),
            Err(Error::Limited { retry_after }) if retry_after <= Duration::from_secs(41)
        ));
    }

    #[test]
    fn bytes_are_owed_and_the_next_request_waits_for_them() {
        let (limits, one) = (limits(), Id::from_bits(1));
        for _ in 0..2 {
            limits.charge_request(one, NOW).unwrap();
            limits.charge_bytes(one, NOW, 100_000);
        }
        assert!(limits.charge_request(one, NOW).is_err(), "200,000 of 128,000 bytes");
        assert!(limits.charge_request(one, NOW + Duration::from_secs(80)).is_ok());
    }

    #[tokio::test]
    async fn so_many_requests_have_a_turn_so_many_wait_and_no_more() {
        let (limits, one) = (Arc::new(limits()), Id::from_bits(1));
        let mut permits = Vec::new();
        for _ in 0..MAX_CONCURRENT_REQUESTS {
            permits.push(limits.acquire_request(one).await.unwrap());
        }
        let waiting: Vec<_> = (0..MAX_WAITING)
            .map(|_| {
                let limits = Arc::clone(&limits);
                tokio::spawn(async move { limits.acquire_request(one).await.map(drop) })
            })
            .collect();
        while limits.of(one).waiting.load(Ordering::Relaxed) < MAX_WAITING {
            tokio::task::yield_now().await;
        }
        assert!(matches!(limits.acquire_request(one).await, Err(Error::Limited { .. })), "one too many");
        assert!(limits.acquire_request(Id::from_bits(2)).await.is_ok(), "another directory");
        permits.clear();
        for one in waiting {
            one.await.unwrap().unwrap();
        }
        assert!(limits.acquire_request(one).await.is_ok());
    }

    #[test]
    fn the_log_of_an_hour_is_bounded() {
        let (limits, one) = (limits(), Id::from_bits(1));
        let rooms: Vec<_> = (0..13).map(|_| limits.charge_log(one, NOW, 50, 100)).collect();
        assert_eq!(rooms[..6], [LogBudget::Sufficient; 6]);
        assert_eq!(rooms[6..8], [LogBudget::WithoutBodies; 2]);
        assert_eq!(rooms[8..], [LogBudget::Exhausted; 5]);
        let later = NOW + Duration::from_secs(1800);
        assert_eq!(limits.charge_log(one, later, 50, 100), LogBudget::Sufficient);
    }

    #[test]
    fn a_body_that_comes_again_is_known() {
        let (limits, one) = (limits(), Id::from_bits(1));
        assert!(!limits.is_repeated(one, "PUT", "/Users/1", b"x"));
        assert!(limits.is_repeated(one, "PUT", "/Users/1", b"x"));
        assert!(!limits.is_repeated(one, "PUT", "/Users/2", b"x"));
        assert!(!limits.is_repeated(Id::from_bits(2), "PUT", "/Users/1", b"x"));
        for body in 0..MAX_BODY_HASHES {
            limits.is_repeated(one, "PUT", "/Users/1", &body.to_be_bytes());
        }
        assert!(!limits.is_repeated(one, "PUT", "/Users/1", b"x"), "forgotten");
    }
}
