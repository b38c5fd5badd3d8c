//! The bound on entries that are written for what somebody reads or is refused: strangers and scripts can repeat it at
//! will. The first of a kind is recorded, and the others of its minute are counted.
//!
//! A kind is who did what to which target, from which network and with which values (of a refusal: the method and the
//! route). Networks and values are for the caller to choose, so only so many have kinds of their own; the others share one.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    net::IpAddr,
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base::{id::EnvironmentId, time::Timestamp};
use lru::LruCache;
use model::client_address::ClientAddress;

use super::entry::{Entry, actor_of};
use crate::app::principal::Principal;

/// How long after an entry the same is only counted.
const QUIET: Duration = Duration::from_secs(60);

/// How many kinds are remembered. When there are more, new networks and values share a kind, and then the one that was
/// recorded longest ago is dropped.
const MAX_KINDS: NonZeroUsize = NonZeroUsize::new(16_384).expect("not zero");

/// How many networks of a caller, and values of each network, have kinds of their own in a minute.
const MAX_VARIANTS: usize = 16;

/// How many counts are taken out at a time.
const BATCH: usize = 100;

/// What is to be recorded.
#[derive(Clone)]
pub(super) struct Occurrence {
    pub environment_id: Option<EnvironmentId>,
    pub principal: Principal,
    pub entry: Entry,
}

/// What was recorded lately by this process.
pub struct AuditThrottle {
    hasher: RandomState,
    memory: Mutex<Memory>,
}

struct Memory {
    kinds: LruCache<u64, Kind>,
    /// The variants that have kinds of their own, by what they are variants of.
    variants: LruCache<u64, Variants>,
}

struct Kind {
    /// `None`: it could not be recorded.
    recorded_at: Option<Timestamp>,
    left_out: u32,
    /// The last one that was left out.
    last: Option<Box<Occurrence>>,
}

impl Kind {
    /// Whether its minute is over. A clock that was set back must not make it silent for longer.
    fn is_over(&self, now: Timestamp) -> bool {
        self.recorded_at.is_none_or(|at| at > now || now.since(at) >= QUIET)
    }
}

struct Variants {
    since: Timestamp,
    known: Vec<u64>,
}

impl Memory {
    /// Whether this variant of `parent` has a kind of its own.
    fn is_apart(&mut self, parent: u64, variant: u64, now: Timestamp) -> bool {
        let fresh = || Variants { since: now, known: Vec::new() };
        let all = self.variants.get_or_insert_mut(parent, fresh);
        if all.since > now || now.since(all.since) >= QUIET {
            *all = fresh();
        }
        let is_known = all.known.contains(&variant);
        let is_apart = is_known || all.known.len() < MAX_VARIANTS;
        if is_apart && !is_known {
            all.known.push(variant);
        }
        if self.variants.len() > MAX_KINDS.get() {
            self.variants.pop_lru();
        }
        is_apart
    }
}

impl Default for AuditThrottle {
    fn default() -> Self {
        // Not `LruCache::new`, which would allocate the memory for all of them now.
        let memory = Memory { kinds: LruCache::unbounded(), variants: LruCache::unbounded() };
        Self { hasher: RandomState::new(), memory: Mutex::new(memory) }
    }
}

impl AuditThrottle {
    /// What is to be recorded now, if this is: it, with the number of the same that were left out before.
    pub(super) fn admit(&self, occurrence: Occurrence, now: Timestamp) -> Option<Unwritten<'_>> {
        let mut memory = self.memory();
        let key = self.key(&mut memory, &occurrence, now);
        if let Some(kind) = memory.kinds.peek_mut(&key)
            && !kind.is_over(now)
        {
            kind.left_out = kind.left_out.saturating_add(1);
            kind.last = Some(Box::new(occurrence));
            return None;
        }
        let known = memory.kinds.put(key, Kind { recorded_at: Some(now), left_out: 0, last: None });
        let left_out = known.map_or(0, |kind| kind.left_out);
        let mut items = vec![Item { key, occurrence, left_out, is_new: true }];
        if memory.kinds.len() > MAX_KINDS.get() {
            items.extend(memory.kinds.pop_lru().and_then(Item::left_out));
        }
        Some(Unwritten { throttle: self, items })
    }

    /// Takes out counts of what was left out in minutes that are over by `now`, or in all (`None`). It is empty when there are
    /// no more.
    pub(super) fn take_left_out(&self, now: Option<Timestamp>) -> Unwritten<'_> {
        let mut memory = self.memory();
        let mut items = Vec::new();
        while items.len() < BATCH
            && let Some((_, kind)) = memory.kinds.peek_lru()
            && now.is_none_or(|now| kind.is_over(now))
        {
            items.extend(memory.kinds.pop_lru().and_then(Item::left_out));
        }
        Unwritten { throttle: self, items }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, memory: &mut Memory, occurrence: &Occurrence, now: Timestamp) -> u64 {
        let Occurrence { environment_id, principal, entry } = occurrence;
        let actor = actor_of(principal.subject);
        let base = self.hash((environment_id, actor.kind, actor.id, &entry.action, &entry.target.id));
        let network = principal.address.map(|address| ClientAddress(address).network());
        let network = network.filter(|network| memory.is_apart(base, self.hash(network), now));
        let place = self.hash((base, network));
        let values = serde_json::to_string(&entry.after).unwrap_or_default();
        let values = Some(values).filter(|values| memory.is_apart(place, self.hash(values), now));
        let key = self.hash((place, values));
        if memory.kinds.len() < MAX_KINDS.get() || memory.kinds.contains(&key) {
            return key;
        }
        self.hash((self.hash((base, None::<IpAddr>)), None::<String>))
    }

    fn hash(&self, it: impl Hash) -> u64 {
        self.hasher.hash_one(it)
    }
}

/// What has been taken out to be recorded. It is put back when dropped, unless it was [`written`](Self::written): the
/// database failed, or the client left.
pub(super) struct Unwritten<'a> {
    throttle: &'a AuditThrottle,
    items: Vec<Item>,
}

/// One entry to be written.
pub(super) struct Item {
    key: u64,
    pub occurrence: Occurrence,
    /// How many of the same were left out.
    pub left_out: u32,
    /// Whether the occurrence is not among those left out.
    is_new: bool,
}

impl Item {
    fn left_out((key, kind): (u64, Kind)) -> Option<Self> {
        let occurrence = *kind.last?;
        Some(Self { key, occurrence, left_out: kind.left_out, is_new: false })
    }
}

impl Unwritten<'_> {
    /// The entries.
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// They stand in the log.
    pub(super) fn written(mut self) {
        self.items.clear();
    }
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        if self.items.is_empty() {
            return;
        }
        let mut memory = self.throttle.memory();
        for Item { key, occurrence, left_out, is_new } in self.items.drain(..) {
            let since = memory.kinds.peek(&key).map_or(0, |kind| kind.left_out);
            let left_out = left_out.saturating_add(u32::from(is_new)).saturating_add(since);
            let kind = Kind { recorded_at: None, left_out, last: Some(Box::new(occurrence)) };
            memory.kinds.put(key, kind);
            // The first to be taken out.
            memory.kinds.demote(&key);
            if memory.kinds.len() > MAX_KINDS.get() {
                memory.kinds.pop_lru();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::audit::{AuditTarget, audit_fields};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn occurrence(target: &str, address: [u8; 4], route: usize) -> Occurrence {
        let entry = Entry {
            action: "x.refused".to_owned(),
            target: AuditTarget { kind: "x", id: target.to_owned(), organization_id: None },
            before: serde_json::Map::new(),
            after: audit_fields! { "route": route },
        };
        let principal = Principal::SERVICE.at(Some(address.into()));
        Occurrence { environment_id: None, principal, entry }
    }

    /// Records it, and returns the number of those left out.
    fn admit(throttle: &AuditThrottle, occurrence: Occurrence, now: Timestamp) -> Option<u32> {
        let unwritten = throttle.admit(occurrence, now)?;
        let left_out = unwritten.items()[0].left_out;
        unwritten.written();
        Some(left_out)
    }

    fn take(throttle: &AuditThrottle, now: Timestamp) -> Vec<u32> {
        let unwritten = throttle.take_left_out(Some(now));
        let counts = unwritten.items().iter().map(|item| item.left_out).collect();
        unwritten.written();
        counts
    }

    #[test]
    fn what_is_repeated_within_a_minute_is_counted() {
        let throttle = AuditThrottle::default();
        let a = || occurrence("a", [192, 0, 2, 1], 1);
        assert_eq!(admit(&throttle, a(), NOW), Some(0));
        assert_eq!(admit(&throttle, a(), NOW), None);
        assert_eq!(admit(&throttle, a(), NOW + Duration::from_secs(59)), None);
        assert_eq!(admit(&throttle, occurrence("b", [192, 0, 2, 1], 1), NOW), Some(0), "another target");
        assert_eq!(admit(&throttle, occurrence("a", [192, 0, 2, 2], 1), NOW), Some(0), "another network");
        assert_eq!(admit(&throttle, occurrence("a", [192, 0, 2, 1], 2), NOW), Some(0), "another route");
        assert_eq!(admit(&throttle, a(), NOW + QUIET), Some(2));
        assert_eq!(admit(&throttle, a(), NOW + QUIET + QUIET), Some(0));
        assert_eq!(admit(&throttle, a(), NOW), Some(0), "the clock was set back");
    }

    #[test]
    fn what_was_left_out_is_taken_after_its_minute() {
        let throttle = AuditThrottle::default();
        let a = || occurrence("a", [192, 0, 2, 1], 1);
        for _ in 0..3 {
            admit(&throttle, a(), NOW);
        }
        assert_eq!(take(&throttle, NOW + Duration::from_secs(59)), [0; 0]);
        drop(throttle.take_left_out(None));
        assert_eq!(take(&throttle, NOW + QUIET), [2], "it was put back");
        assert_eq!(take(&throttle, NOW + QUIET), [0; 0]);
        drop(throttle.admit(a(), NOW));
        assert_eq!(admit(&throttle, a(), NOW), Some(1), "one that could not be written is counted");
        assert_eq!(throttle.memory().kinds.len(), 1);
    }

    #[test]
    fn many_variants_share_a_kind() {
        let throttle = AuditThrottle::default();
        let kinds = |of: &dyn Fn(u8) -> Occurrence| {
            (0..100).filter(|number| admit(&throttle, of(*number), NOW).is_some()).count()
        };
        assert_eq!(kinds(&|number| occurrence("a", [192, 0, 2, 1], number.into())), MAX_VARIANTS + 1);
        assert_eq!(kinds(&|number| occurrence("b", [192, 0, 2, number], 1)), MAX_VARIANTS + 1);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = AuditThrottle::default();
        for number in 0..MAX_KINDS.get() + 10 {
            admit(&throttle, occurrence(&number.to_string(), [192, 0, 2, 1], 1), NOW);
        }
        let memory = throttle.memory();
        assert_eq!((memory.kinds.len(), memory.variants.len()), (MAX_KINDS.get(), MAX_KINDS.get()));
    }
}
