//! The events of membership changes.

use base::{id::ScimGroupId, time::Timestamp};
use model::event::EventKind;
use serde_json::json;

use super::{error::Result, membership_plan::MembershipDelta, usage};
use crate::{
    app::{
        directories::tokens::ProvisioningTarget,
        events::{self, NewEvent},
    },
    store::Transaction,
};

/// The most members in one event; more are split into several events.
const MEMBERS_PER_EVENT: usize = 1000;

/// Records the events of a membership change.
pub(super) async fn record_delta(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    group: ScimGroupId,
    now: Timestamp,
    delta: &MembershipDelta,
) -> Result<()> {
    let added: Vec<String> = delta.added.iter().cloned().collect();
    let removed: Vec<String> = delta.removed.iter().cloned().collect();
    record(tx, directory, group, now, &added, &removed).await
}

/// Records the events of members added to and removed from a group.
pub(super) async fn record(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    group: ScimGroupId,
    now: Timestamp,
    added: &[String],
    removed: &[String],
) -> Result<()> {
    let (mut added, mut removed) = (added.chunks(MEMBERS_PER_EVENT), removed.chunks(MEMBERS_PER_EVENT));
    let chunks = std::iter::from_fn(|| match (added.next(), removed.next()) {
        (None, None) => None,
        (came, went) => Some((came.unwrap_or_default(), went.unwrap_or_default())),
    });
    let changes = chunks.map(|(came, went)| event(directory, group, came, went)).collect();
    record_changes(tx, directory, now, changes).await
}

/// Records the events of one member removed from each of these groups.
pub(super) async fn record_removed_from(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    groups: &[ScimGroupId],
    now: Timestamp,
    member: &str,
) -> Result<()> {
    let went = [member.to_owned()];
    let changes = groups.iter().map(|group| event(directory, *group, &[], &went)).collect();
    record_changes(tx, directory, now, changes).await
}

async fn record_changes(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    now: Timestamp,
    changes: Vec<NewEvent<'_>>,
) -> Result<()> {
    let counted = changes.iter().map(|change| (change.kind, &change.data));
    usage::count_all(tx, directory, now, counted).await?;
    events::record_all(tx, now, changes).await?;
    Ok(())
}

fn event<'a>(
    directory: &'a ProvisioningTarget,
    group: ScimGroupId,
    added: &[String],
    removed: &[String],
) -> NewEvent<'a> {
    NewEvent {
        environment: &directory.directory.environment_id,
        organization: &directory.directory.organization_id,
        directory: Some(&directory.directory.id),
        kind: EventKind::GroupMembershipChanged,
        resource: group.to_string(),
        data: json!({ "added": added, "removed": removed }),
    }
}
