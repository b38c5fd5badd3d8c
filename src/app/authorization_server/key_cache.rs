//! The cache of the keys that sign ID tokens.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use base::time::Timestamp;
use model::oauth_client::IdTokenAlg;
use oauth::signing_key::SigningKey;

/// How long this process caches the keys.
pub(super) const CACHE_TTL: Duration = Duration::from_secs(60);

/// The cached keys of this process.
#[derive(Default)]
pub struct KeyCache {
    cached: RwLock<Option<Arc<KeySet>>>,
    /// Held while the keys are loaded.
    pub(super) load_lock: tokio::sync::Mutex<()>,
}

/// The keys that were not retired when they were loaded.
pub(super) struct KeySet {
    /// When they were loaded.
    pub(super) loaded_at: Timestamp,
    /// The keys, RS256 first.
    pub(super) keys: Vec<CachedKey>,
}

/// A key of the set.
pub(super) struct CachedKey {
    /// The key.
    pub(super) key: Arc<SigningKey>,
    /// Its number among the keys of its algorithm.
    pub(super) generation: i64,
    /// From when it signs.
    pub(super) active_from: Timestamp,
    /// When it is no longer published.
    pub(super) retired_at: Option<Timestamp>,
}

impl KeyCache {
    /// The keys, if they were loaded less than [`CACHE_TTL`] ago.
    pub(super) fn fresh(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().filter(|ring| ring.loaded_at <= now && now.since(ring.loaded_at) < CACHE_TTL).cloned()
    }

    /// Caches these keys instead.
    pub(super) fn replace(&self, ring: Option<Arc<KeySet>>) {
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// Forgets the keys.
    pub(super) fn invalidate(&self) {
        self.replace(None);
    }
}

impl KeySet {
    /// The keys that are not retired.
    pub(super) fn unretired(&self, now: Timestamp) -> impl Iterator<Item = &CachedKey> {
        self.keys.iter().filter(move |key| key.retired_at.is_none_or(|at| at > now))
    }

    /// The newest key whose `active_from` is past; if there is none, which only a clock that was set back can cause,
    /// the oldest.
    pub(super) fn active(&self, algorithm: IdTokenAlg, now: Timestamp) -> Option<&CachedKey> {
        let line = || self.unretired(now).filter(|key| key.key.algorithm() == algorithm);
        let begun = line().filter(|key| key.active_from <= now);
        begun.max_by_key(|key| key.generation).or_else(|| line().min_by_key(|key| key.generation))
    }
}
