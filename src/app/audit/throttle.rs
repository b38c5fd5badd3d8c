//! The bound on entries that are written for what somebody reads or is refused: strangers and scripts can repeat it at
//! will. The first of a kind is recorded, and after a minute the next one, with the number of those between.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base::time::Timestamp;
use lru::LruCache;

/// How long after an entry the same is only counted.
const QUIET: Duration = Duration::from_secs(60);

/// How many kinds are remembered. The one that was recorded longest ago is dropped first.
const MAX_KINDS: NonZeroUsize = NonZeroUsize::new(16_384).expect("not zero");

/// What was recorded lately by this process.
pub struct AuditThrottle {
    hasher: RandomState,
    recent: Mutex<LruCache<u64, Recent>>,
}

struct Recent {
    recorded_at: Timestamp,
    left_out: u32,
}

impl Default for AuditThrottle {
    fn default() -> Self {
        // Not `LruCache::new`, which would allocate the memory for all of them now.
        Self { hasher: RandomState::new(), recent: Mutex::new(LruCache::unbounded()) }
    }
}

impl AuditThrottle {
    /// Whether what this key stands for is to be recorded, and how often it happened unrecorded since it last was.
    pub(super) fn admit(&self, key: impl Hash, now: Timestamp) -> Option<u32> {
        let key = self.hasher.hash_one(key);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = recent.peek_mut(&key);
        let left_out = match known {
            // A clock that was set back must not make it silent for longer.
            Some(known) if known.recorded_at <= now && now.since(known.recorded_at) < QUIET => {
                known.left_out = known.left_out.saturating_add(1);
                return None;
            }
            Some(known) => known.left_out,
            None => 0,
        };
        recent.put(key, Recent { recorded_at: now, left_out: 0 });
        if recent.len() > MAX_KINDS.get() {
            recent.pop_lru();
        }
        Some(left_out)
    }

    /// Forgets the key: what it stands for was not recorded after all.
    pub(super) fn forget(&self, key: impl Hash) {
        let key = self.hasher.hash_one(key);
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).pop(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn what_is_repeated_within_a_minute_is_counted() {
        let throttle = AuditThrottle::default();
        assert_eq!(throttle.admit("a", NOW), Some(0));
        assert_eq!(throttle.admit("a", NOW), None);
        assert_eq!(throttle.admit("a", NOW + Duration::from_secs(59)), None);
        assert_eq!(throttle.admit("b", NOW), Some(0), "another kind");
        assert_eq!(throttle.admit("a", NOW + QUIET), Some(2));
        assert_eq!(throttle.admit("a", NOW + QUIET + QUIET), Some(0));
        assert_eq!(throttle.admit("a", NOW), Some(0), "the clock was set back");
        throttle.forget("a");
        assert_eq!(throttle.admit("a", NOW), Some(0));
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = AuditThrottle::default();
        for number in 0..MAX_KINDS.get() + 10 {
            throttle.admit(number, NOW);
        }
        assert_eq!(throttle.recent.lock().unwrap().len(), MAX_KINDS.get());
    }
}
