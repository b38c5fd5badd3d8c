//! The cache of the keys that sign ID tokens.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use base::time::Timestamp;
use model::oauth_client::IdTokenAlg;
use oauth::signing_key::SigningKey;

/// How long this process caches the keys.
pub(in crate::app) const CACHE_TTL: Duration = Duration::from_secs(60);

/// The cached keys of this process.
#[derive(Default)]
pub struct KeyCache {
    cached: RwLock<Option<Arc<KeySet>>>,
    /// Held while the keys are loaded.
    pub(in crate::app) load_lock: tokio::sync::Mutex<()>,
}

/// The keys that were not retired when they were loaded.
pub(in crate::app) struct KeySet {
    /// When they were loaded.
    pub(in crate::app) loaded_at: Timestamp,
    /// The keys, RS256 first.
    pub(in crate::app) keys: Vec<CachedKey>,
}

/// A key of the set.
pub(in crate::app) struct CachedKey {
    /// The key.
    pub(in crate::app) key: Arc<SigningKey>,
    /// Its number among the keys of its algorithm.
    pub(in crate::app) generation: i64,
    /// From when it signs.
    pub(in crate::app) active_from: Timestamp,
    /// When it is no longer published.
    pub(in crate::app) retired_at: Option<Timestamp>,
}

impl KeyCache {
    /// The keys, if they were loaded less than [`CACHE_TTL`] ago.
    pub(in crate::app) fn fresh(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().filter(|ring| ring.loaded_at <= now && now.since(ring.loaded_at) < CACHE_TTL).cloned()
    }

    /// Caches these keys instead.
    pub(in crate::app) fn replace(&self, ring: Option<Arc<KeySet>>) {
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// Forgets the keys.
    pub(in crate::app) fn invalidate(&self) {
        self.replace(None);
    }
}

impl KeySet {
    /// The keys that are not retired.
    pub(in crate::app) fn unretired(&self, now: Timestamp) -> impl Iterator<Item = &CachedKey> {
        self.keys.iter().filter(move |key| key.retired_at.is_none_or(|at| at > now))
    }

    /// The newest key whose `active_from` is past; if there is none, which only a clock that was set back can cause,
    /// the oldest.
    pub(in crate::app) fn active(&self, algorithm: IdTokenAlg, now: Timestamp) -> Option<&CachedKey> {
        let line = || self.unretired(now).filter(|key| key.key.algorithm() == algorithm);
        let begun = line().filter(|key| key.active_from <= now);
        begun.max_by_key(|key| key.generation).or_else(|| line().min_by_key(|key| key.generation))
    }
}
