//! Events: recorded in the transaction of the change, and read in order.

mod feed;

use base::{
    id::{EnvironmentId, OrganizationId, ScimDirectoryId},
    time::Timestamp,
};
use model::event::{Event, EventKind};

use super::Result;
use crate::store::{self, Transaction};

pub(super) use feed::parse_kinds;
pub use feed::{EventQuery, Feed, LatestEvents, LatestQuery, list, list_latest};

/// An event to record.
#[derive(Debug)]
pub struct NewEvent<'a> {
    /// The environment.
    pub environment: &'a EnvironmentId,
    /// The organization.
    pub organization: &'a OrganizationId,
    /// The SCIM directory, if it concerns one.
    pub directory: Option<&'a ScimDirectoryId>,
    /// The type of event.
    pub kind: EventKind,
    /// The id of the user, group, SAML connection or organization it is about.
    pub resource: String,
    /// What changed: see [`EventKind`].
    pub data: serde_json::Value,
}

/// Records an event in the transaction of its change, and returns its sequence number. The environment's counter
/// stays locked until the transaction ends, so record last, after every statement that may wait for a lock.
pub async fn record(tx: &mut Transaction, now: Timestamp, event: NewEvent<'_>) -> Result<u64> {
    let sequence = store::events::next_sequence(tx, *event.environment).await?;
    let event = Event {
        environment_id: *event.environment,
        sequence,
        at: now,
        kind: event.kind.into(),
        organization_id: *event.organization,
        directory_id: event.directory.copied(),
        resource_id: event.resource,
        data: event.data,
    };
    store::events::insert(tx, &event).await?;
    Ok(sequence)
}

/// [`record`] for several events of one environment, in order: one update of the counter, one insert for many.
pub async fn record_all(tx: &mut Transaction, now: Timestamp, events: Vec<NewEvent<'_>>) -> Result<()> {
    let Some(environment) = events.first().map(|event| *event.environment) else { return Ok(()) };
    let first = store::events::next_sequences(tx, environment, events.len()).await?;
    let events: Vec<Event> = (first..)
        .zip(events)
        .map(|(sequence, event)| Event {
            environment_id: environment,
            sequence,
            at: now,
            kind: event.kind.into(),
            organization_id: *event.organization,
            directory_id: event.directory.copied(),
            resource_id: event.resource,
            data: event.data,
        })
        .collect();
    store::events::insert_all(tx, &events).await?;
    Ok(())
}

/// An event as JSON, for the feed and webhooks: `type`, `timestamp` and `data` as in Standard Webhooks.
pub fn view(event: &Event) -> serde_json::Value {
    serde_json::json!({
        "type": event.kind.as_str(),
        "timestamp": event.at,
        "sequence": event.sequence,
        "environmentId": event.environment_id,
        "organizationId": event.organization_id,
        "scimDirectoryId": event.directory_id,
        "resourceId": event.resource_id,
        "data": event.data,
    })
}
