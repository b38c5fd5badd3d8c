//! Usage and quotas of SCIM directories.
//!
//! Each change is counted in its own transaction, from the data of its event, and refused if it would exceed the
//! quota. RFC 7644 has no error for a quota; 403 (§3.12) is what identity providers show to admins and do not retry
//! at once, as they do 413, 429 and 5xx. Removals (deactivation, deletion, leaving a group) are never refused: a
//! full directory must not keep a user active who has left.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;
use serde_json::Value;

use super::{ProvisioningTarget, provisioning};
use crate::{
    app::{Result, State},
    model::{
        event::EventKind,
        id::{EnvironmentId, ScimDirectoryId},
        time::Timestamp,
    },
    scim,
    store::{
        self, Transaction,
        scim_usage::{MEMBERSHIP_BYTES, RESOURCE_BYTES},
    },
    telemetry,
};

pub use store::scim_usage::Usage;

/// The maximum age of a cached sum of an environment's directories.
const SUM_MAX_AGE: Duration = Duration::from_secs(60);

/// How many environments' sums are cached.
const MAX_SUMS: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// From this part of a quota on it counts as nearly used up, in percent.
const NEAR_PERCENT: i64 = 80;

/// The usage from which on `most` counts as nearly used up; at least 1. Does not overflow for `i64::MAX`.
fn near_threshold(most: i64) -> i64 {
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
    quota: Quota,
    environment: Quota,
    /// The usage of all directories of the environment, at most a minute old.
    environment_usage: Usage,
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

/// Days since 1970-01-01 UTC.
fn day(now: Timestamp) -> i64 {
    now.millis().div_euclid(86_400_000)
}

/// The usage of all directories of an environment, at most a minute old.
pub async fn of_environment(state: &State, environment: EnvironmentId) -> Result<Usage> {
    let now = state.now();
    let known = {
        let mut sums = state.environment_usages.0.lock().unwrap_or_else(PoisonError::into_inner);
        sums.get(&environment).copied()
    };
    match known {
        Some((at, usage)) if now.since(at) < SUM_MAX_AGE && day(at) == day(now) => Ok(usage),
        _ => {
            let usage = {
                let mut conn = state.db.read().await?;
                store::scim_usage::sum(&mut conn, environment, day(now)).await?
            };
            let mut sums = state.environment_usages.0.lock().unwrap_or_else(PoisonError::into_inner);
            sums.put(environment, (now, usage));
            Ok(usage)
        }
    }
}

/// The current usage of a directory.
pub async fn of_directory(conn: &mut store::Conn, id: ScimDirectoryId, now: Timestamp) -> Result<Usage> {
    Ok(store::scim_usage::find(conn, id, day(now)).await?)
}

/// Up to a hundred directories that have nearly or completely used up a part of this quota: for the operator.
pub async fn near_quota(
    conn: &mut store::Conn,
    now: Timestamp,
    quota: &Quota,
) -> Result<Vec<(ScimDirectoryId, Usage)>> {
    const MAX_ENTRIES: i64 = 100;
    let least = Usage {
        user_count: near_threshold(quota.users),
        group_count: near_threshold(quota.groups),
        stored_bytes: near_threshold(quota.stored_bytes),
        day_bytes: near_threshold(quota.day_bytes),
    };
    Ok(store::scim_usage::list_at_least(conn, &least, day(now), MAX_ENTRIES).await?)
}

/// The quotas for a request to a directory of `environment`.
pub(in crate::app) async fn allowance(state: &State, environment: EnvironmentId) -> Result<Allowance> {
    let Quotas { directory, environment: of_all } = state.settings.scim_quotas;
    let environment_usage = match of_all == Quota::UNLIMITED {
        true => Usage::default(),
        false => of_environment(state, environment).await?,
    };
    Ok(Allowance { quota: directory, environment: of_all, environment_usage })
}

/// What a change adds to the usage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct UsageDelta {
    users: i64,
    groups: i64,
    stored: i64,
    written: i64,
    /// Whether it is a removal, which is never refused.
    is_removal: bool,
}

impl UsageDelta {
    /// Both changes together.
    fn and(self, other: Self) -> Self {
        Self {
            users: self.users + other.users,
            groups: self.groups + other.groups,
            stored: self.stored + other.stored,
            written: self.written + other.written,
            is_removal: self.is_removal && other.is_removal,
        }
    }

    /// Computed from the data of its event.
    fn from_event(kind: EventKind, data: &Value) -> Self {
        let size = |value: &Value| match value {
            Value::Null => 0,
            value => {
                serde_json::to_vec(value).map_or(0, |json| i64::try_from(json.len()).unwrap_or(i64::MAX))
            }
        };
        let count =
            |name: &str| data[name].as_array().map_or(0, |ids| i64::try_from(ids.len()).unwrap_or(i64::MAX));
        let (before, after) = (size(&data["before"]["attributes"]), size(&data["after"]["attributes"]));
        let changed = Self { stored: after - before, written: before + 2 * after, ..Self::default() };
        match kind {
            EventKind::UserCreated => Self { users: 1, stored: RESOURCE_BYTES + after, ..changed },
            EventKind::GroupCreated => Self { groups: 1, stored: RESOURCE_BYTES + after, ..changed },
            EventKind::UserUpdated | EventKind::UserReactivated | EventKind::GroupUpdated => changed,
            EventKind::UserDeactivated => Self { is_removal: true, ..changed },
            // The row stays.
            EventKind::UserDeleted | EventKind::GroupDeleted => {
                Self { stored: 0, is_removal: true, ..changed }
            }
            EventKind::GroupMembershipChanged => {
                let (added, removed) = (count("added"), count("removed"));
                Self {
                    stored: (added - removed) * MEMBERSHIP_BYTES,
                    written: (added + removed) * MEMBERSHIP_BYTES,
                    // More members leave than join: a removal.
                    is_removal: removed > added || added == 0,
                    ..Self::default()
                }
            }
            EventKind::MetadataChanged | EventKind::CertificateExpiring | EventKind::DomainShared => {
                Self::default()
            }
        }
    }
}

/// Counts a change, given the event it will record. [`scim::Error::QuotaExceeded`] if it exceeds the quota. Locks
/// the directory's usage row until the transaction ends: call it last, right before recording the event.
pub(in crate::app) async fn count(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    now: Timestamp,
    kind: EventKind,
    data: &Value,
) -> provisioning::Result<()> {
    count_all(tx, directory, now, [(kind, data)]).await
}

/// [`count`] for several events, with one statement.
pub(in crate::app) async fn count_all<'a>(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    now: Timestamp,
    changes: impl IntoIterator<Item = (EventKind, &'a Value)>,
) -> provisioning::Result<()> {
    let mut changes = changes.into_iter().map(|(kind, data)| UsageDelta::from_event(kind, data));
    let Some(first) = changes.next() else { return Ok(()) };
    let added = changes.fold(first, UsageDelta::and);
    let (id, environment) = (directory.directory.id, directory.directory.environment_id);
    let usage = store::scim_usage::add(tx, id, environment, (added.stored, added.written), day(now)).await?;
    match added.is_removal {
        true => Ok(()),
        false => Ok(check(&directory.allowance, &usage, &added)?),
    }
}

/// Counts the memberships that were removed with their group.
pub(in crate::app) async fn count_removed_members(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    now: Timestamp,
    members: i64,
) -> provisioning::Result<()> {
    let (id, environment) = (directory.directory.id, directory.directory.environment_id);
    store::scim_usage::add(tx, id, environment, (-members * MEMBERSHIP_BYTES, 0), day(now)).await?;
    Ok(())
}

fn check(allowance: &Allowance, usage: &Usage, added: &UsageDelta) -> Result<(), scim::Error> {
    let parts = [added.users, added.groups, added.stored, added.written];
    let whole = allowance.environment.parts(&allowance.environment_usage);
    for ((part, own), all) in parts.into_iter().zip(allowance.quota.parts(usage)).zip(whole) {
        if part <= 0 {
            continue;
        }
        let (name, used, most) = own;
        if used > most {
            return Err(quota_exceeded("this directory", "", name, most));
        }
        let (name, used, most) = all;
        if used >= most {
            return Err(quota_exceeded("this environment", " in all its directories", name, most));
        }
    }
    Ok(())
}

fn quota_exceeded(whose: &str, within: &str, name: &str, most: i64) -> scim::Error {
    telemetry::scim_limited("quota");
    let quota = match name.strip_prefix("bytes ") {
        Some(rest) if most >= 1 << 20 => format!("{} MiB {rest}", most >> 20),
        _ => format!("{most} {name}"),
    };
    let anew = if name == DAY_BYTES { format!(" {DAILY_RESET_NOTE}") } else { String::new() };
    scim::Error::QuotaExceeded(format!(
        "{whose} may have {quota}{within}, and has as many: nothing was changed.{anew} Ask the app's vendor to raise the \
         quota (settings scim.…); deactivating and deleting still work"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_takes_something_away_is_never_refused() {
        let person = json!({ "attributes": { "userName": "a" } });
        let both = json!({ "before": person, "after": person });
        for (kind, data, is_removal) in [
            (EventKind::UserCreated, json!({ "after": person }), false),
            (EventKind::UserUpdated, both.clone(), false),
            (EventKind::UserReactivated, both.clone(), false),
            (EventKind::UserDeactivated, both, true),
            (EventKind::UserDeleted, json!({ "before": person }), true),
            (EventKind::GroupDeleted, json!({ "before": person }), true),
            (EventKind::GroupMembershipChanged, json!({ "added": ["a"], "removed": ["b"] }), false),
            (EventKind::GroupMembershipChanged, json!({ "added": [], "removed": ["b"] }), true),
        ] {
            assert_eq!(UsageDelta::from_event(kind, &data).is_removal, is_removal, "{kind:?}");
        }
    }

    #[test]
    fn a_part_that_does_not_grow_is_not_asked_about() {
        let quota = Quota { users: 1, groups: 1, stored_bytes: 100, day_bytes: 1000 };
        let allowance = Allowance { quota, ..Allowance::unlimited() };
        let full = Usage { user_count: 2, group_count: 1, stored_bytes: 90, day_bytes: 90 };
        let grows = |users, groups, stored| {
            check(&allowance, &full, &UsageDelta { users, groups, stored, written: 1, is_removal: false })
                .is_ok()
        };
        assert!(!grows(1, 0, 1), "a second user");
        assert!(grows(0, 1, 1), "the one group");
        assert!(grows(0, 0, -5));
        assert_eq!(quota.near(&full), ["users", "groups", "bytes stored"]);
        let small = Quota { users: 50, groups: 3, ..Quota::UNLIMITED };
        let of = |user_count, group_count| Usage { user_count, group_count, ..Usage::default() };
        assert_eq!(small.near(&of(39, 1)), [""; 0]);
        assert_eq!(small.near(&of(40, 2)), ["users", "groups"]);
        assert_eq!(
            (near_threshold(0), near_threshold(1), near_threshold(150), near_threshold(i64::MAX)),
            (1, 1, 120, i64::MAX / 100 * 80 + 5)
        );
        let environment = Quota { users: 2, ..Quota::UNLIMITED };
        let allowance = Allowance { environment, environment_usage: full, ..Allowance::unlimited() };
        let added = UsageDelta { users: 1, ..UsageDelta::default() };
        let text = check(&allowance, &Usage::default(), &added).unwrap_err().to_string();
        assert!(text.contains("this environment may have 2 users in all its directories,"), "{text}");
        let text = quota_exceeded("this directory", "", DAY_BYTES, 4 << 30).to_string();
        assert!(text.contains("may have 4096 MiB written today, and"), "{text}");
        assert!(text.contains("begins anew at 00:00 UTC"), "{text}");
    }
}
