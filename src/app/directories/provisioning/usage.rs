//! Counts what a change adds to the usage of its directory.
//!
//! Each change is counted in its own transaction, from the data of its event, and refused if it would exceed the
//! quota. RFC 7644 has no error for a quota; 403 (§3.12) is what identity providers show to admins and do not retry
//! at once, as they do 413, 429 and 5xx. Removals (deactivation, deletion, leaving a group) are never refused: a
//! full directory must not keep a user active who has left.

use base::time::Timestamp;
use model::event::EventKind;
use serde_json::Value;

use super::error::Result;
use crate::{
    app::directories::{
        quota::{Allowance, DAILY_RESET_NOTE, DAY_BYTES},
        tokens::ProvisioningTarget,
        usage::{Usage, day},
    },
    store::{
        self, Transaction,
        scim_usage::{MEMBERSHIP_BYTES, RESOURCE_BYTES},
    },
    telemetry,
};

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
            EventKind::MetadataChanged
            | EventKind::CertificateExpiring
            | EventKind::DomainShared
            | EventKind::DomainVerified
            | EventKind::DomainVerificationFailed
            | EventKind::DomainRecordLost
            | EventKind::DomainLapsed
            | EventKind::DomainRestored
            | EventKind::GuestInvited
            | EventKind::GuestJoined
            | EventKind::GuestInvitationDeleted
            | EventKind::InvitationCreated
            | EventKind::InvitationResent
            | EventKind::InvitationRevoked
            | EventKind::InvitationAccepted
            | EventKind::InvitationExpired
            | EventKind::OrganizationCreated
            | EventKind::OrganizationUpdated
            | EventKind::OrganizationDeleted
            | EventKind::OwnershipTransferred
            | EventKind::MembershipCreated
            | EventKind::MembershipUpdated
            | EventKind::MembershipDeleted
            | EventKind::SessionCreated
            | EventKind::SessionRevoked => Self::default(),
        }
    }
}

/// Counts a change, given the event it will record. [`scim::Error::QuotaExceeded`] if it exceeds the quota. Locks
/// the directory's usage row until the transaction ends: call it last, right before recording the event.
pub(super) async fn count(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    now: Timestamp,
    kind: EventKind,
    data: &Value,
) -> Result<()> {
    count_all(tx, directory, now, [(kind, data)]).await
}

/// [`count`] for several events, with one statement.
pub(super) async fn count_all<'a>(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    now: Timestamp,
    changes: impl IntoIterator<Item = (EventKind, &'a Value)>,
) -> Result<()> {
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
pub(super) async fn count_removed_members(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    now: Timestamp,
    members: i64,
) -> Result<()> {
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
    use crate::app::directories::quota::Quota;

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
