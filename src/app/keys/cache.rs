//! The keys in use of each series, cached by this process.

use std::{
    cmp::Reverse,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base::time::Timestamp;
use lru::LruCache;

use super::stage::KeyStage;
use crate::store::signing_keys::KeySeries;

/// How long this process caches the keys of a series.
pub(in crate::app) const CACHE_TTL: Duration = Duration::from_secs(60);

/// How many series are cached.
const MAX_SERIES: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// The cached series. `K` is the parsed key.
pub struct KeyCache<K> {
    series: Mutex<LruCache<KeySeries, Arc<Slot<K>>>>,
}

/// One series. The lock is held while its keys are loaded, so that concurrent requests load them once.
pub(super) type Slot<K> = tokio::sync::Mutex<Option<Arc<KeySet<K>>>>;

impl<K> Default for KeyCache<K> {
    fn default() -> Self {
        Self { series: Mutex::new(LruCache::new(MAX_SERIES)) }
    }
}

impl<K> KeyCache<K> {
    /// The place of a series.
    pub(super) fn slot(&self, series: KeySeries) -> Arc<Slot<K>> {
        let mut cached = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(cached.get_or_insert(series, Arc::default))
    }

    /// Forgets the keys of a series.
    pub(super) fn invalidate(&self, series: KeySeries) {
        self.series.lock().unwrap_or_else(PoisonError::into_inner).pop(&series);
    }
}

/// The keys of a series that were not retired when they were loaded, at least one of each algorithm.
pub(in crate::app) struct KeySet<K> {
    /// When they were loaded.
    pub(super) loaded_at: Timestamp,
    /// The keys, by algorithm, the preferred one first, and generation.
    pub(super) keys: Vec<CachedKey<K>>,
}

/// A key of the set.
pub(in crate::app) struct CachedKey<K> {
    /// The parsed key.
    pub(in crate::app) key: Arc<K>,
    /// Its id.
    pub(in crate::app) id: String,
    /// Its algorithm.
    pub(super) algorithm: &'static str,
    /// Its number among the keys of its algorithm.
    pub(in crate::app) generation: i64,
    /// From when it signs.
    pub(in crate::app) active_from: Timestamp,
    /// When it is no longer in use.
    pub(in crate::app) retired_at: Option<Timestamp>,
}

impl<K> KeySet<K> {
    /// Whether they were loaded less than [`CACHE_TTL`] ago.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.loaded_at <= now && now.since(self.loaded_at) < CACHE_TTL
    }

    /// The keys that are not retired, by algorithm and generation.
    pub(in crate::app) fn unretired(&self, now: Timestamp) -> impl Iterator<Item = &CachedKey<K>> {
        self.keys.iter().filter(move |key| key.retired_at.is_none_or(|at| at > now))
    }

    /// The same: the newest that signs first, then older ones, then future ones.
    pub(in crate::app) fn by_use(&self, now: Timestamp) -> Vec<&CachedKey<K>> {
        let mut keys: Vec<_> = self.unretired(now).collect();
        keys.sort_by_key(|key| (key.active_from > now, Reverse(key.generation)));
        keys
    }

    /// The newest key whose `active_from` is past; if there is none, which only a clock that was set back can cause,
    /// the oldest.
    pub(in crate::app) fn active(&self, algorithm: &str, now: Timestamp) -> Option<&CachedKey<K>> {
        let line = || self.unretired(now).filter(|key| key.algorithm == algorithm);
        let begun = line().filter(|key| key.active_from <= now);
        begun.max_by_key(|key| key.generation).or_else(|| line().min_by_key(|key| key.generation))
    }

    /// The stage of one of the keys.
    pub(in crate::app) fn stage(&self, key: &CachedKey<K>, now: Timestamp) -> KeyStage {
        let active = self.active(key.algorithm, now).map_or(key.generation, |active| active.generation);
        KeyStage::of(key.generation, active)
    }
}
