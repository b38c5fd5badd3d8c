//! Quotas of SCIM directories, and the cached usage of environments that they are compared with.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use base::{id::EnvironmentId, time::Timestamp};
use lru::LruCache;

use crate::store::scim_usage::Usage;

/// How many environments' sums are cached.
const MAX_SUMS: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// From this part of a quota on it counts as nearly used up, in percent.
const NEAR_PERCENT: i64 = 80;

/// The usage from which on `most` counts as nearly used up; at least 1. Does not overflow for `i64::MAX`.
pub(super) fn near_threshold(most: i64) -> i64 {
    (most / 100 * NEAR_PERCENT + most % 100 * NEAR_PERCENT / 100).max(1)
}

/// The display name of [`Quota::day_bytes`].
pub const DAY_BYTES: &str = "bytes written today";

/// The note for that quota in messages.
pub const DAILY_RESET_NOTE: &str = "The quota of a day begins anew at 00:00 UTC.";

/// The quota of one directory, or of all directories of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Users that are not deleted.
    pub users: i64,
    /// Groups that are not deleted.
    pub groups: i64,
    /// Bytes of resources, including deleted ones, and memberships.
    pub stored_bytes: i64,
    /// Bytes written by changes in one day (UTC).
    pub day_bytes: i64,
}

impl Quota {
    /// No quota.
    pub const UNLIMITED: Self =
        Self { users: i64::MAX, groups: i64::MAX, stored_bytes: i64::MAX, day_bytes: i64::MAX };

    /// For each part of the quota its display name, the usage and the limit.
    pub fn parts(&self, usage: &Usage) -> [(&'static str, i64, i64); 4] {
        [
            ("users", usage.user_count, self.users),
            ("groups", usage.group_count, self.groups),
            ("bytes stored", usage.stored_bytes, self.stored_bytes),
            (DAY_BYTES, usage.day_bytes, self.day_bytes),
        ]
    }

    /// The names of the parts that are nearly or completely used up.
    pub fn near(&self, usage: &Usage) -> Vec<&'static str> {
        self.parts(usage)
            .into_iter()
            .filter(|(_, used, most)| *used >= near_threshold(*most))
            .map(|(name, _, _)| name)
            .collect()
    }
}

/// The quotas in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// For each directory.
    pub directory: Quota,
    /// For the sum of all directories of an environment.
    pub environment: Quota,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { directory: Quota::UNLIMITED, environment: Quota::UNLIMITED }
    }
}

/// The quotas that apply to a SCIM request, with the usage of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The quota of the directory.
    pub(super) quota: Quota,
    /// The quota of all directories of the environment.
    pub(super) environment: Quota,
    /// The usage of all directories of the environment, at most a minute old.
    pub(super) environment_usage: Usage,
}

impl Allowance {
    /// No quota: for imports by the operator.
    pub fn unlimited() -> Self {
        Self { quota: Quota::UNLIMITED, environment: Quota::UNLIMITED, environment_usage: Usage::default() }
    }
}

/// A cache of the usage of environments, by environment, with the time it was read.
#[derive(Debug)]
pub struct EnvironmentUsageCache(Mutex<LruCache<EnvironmentId, (Timestamp, Usage)>>);

impl Default for EnvironmentUsageCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_SUMS)))
    }
}

impl EnvironmentUsageCache {
    /// The cached usage of an environment, and when it was read.
    pub(super) fn find(&self, environment: EnvironmentId) -> Option<(Timestamp, Usage)> {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sums.get(&environment).copied()
    }

    /// Caches the usage of an environment that was read now.
    pub(super) fn insert(&self, environment: EnvironmentId, now: Timestamp, usage: Usage) {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sums.put(environment, (now, usage));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_counts_as_nearly_used_up_from_four_fifths_on() {
        let quota = Quota { users: 1, groups: 1, stored_bytes: 100, day_bytes: 1000 };
        let full = Usage { user_count: 2, group_count: 1, stored_bytes: 90, day_bytes: 90 };
        assert_eq!(quota.near(&full), ["users", "groups", "bytes stored"]);
        let small = Quota { users: 50, groups: 3, ..Quota::UNLIMITED };
        let of = |user_count, group_count| Usage { user_count, group_count, ..Usage::default() };
        assert_eq!(small.near(&of(39, 1)), [""; 0]);
        assert_eq!(small.near(&of(40, 2)), ["users", "groups"]);
        assert_eq!(
            (near_threshold(0), near_threshold(1), near_threshold(150), near_threshold(i64::MAX)),
            (1, 1, 120, i64::MAX / 100 * 80 + 5)
        );
    }
}
