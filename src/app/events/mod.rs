//! Events: recorded in the transaction of the change, and read in order.

use super::{Error, Result, State, actor::Actor};
use crate::{
    model::{
        event::{Event, EventKind},
        id::{EnvironmentId, OrganizationId, ScimDirectoryId},
        time::Timestamp,
    },
    store::{self, Transaction},
};

/// The default number of events of a page.
const DEFAULT_PAGE_SIZE: u64 = 100;

/// The maximum number of events of a page.
const MAX_PAGE_SIZE: u64 = 1000;

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
        kind: event.kind,
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
            kind: event.kind,
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

/// A query of the feed, unvalidated.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// The last sequence number that the caller has read.
    pub after: Option<String>,
    /// The page size.
    pub size: Option<String>,
    /// The types, separated by commas.
    pub types: Option<String>,
}

/// One page of the feed, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// The events.
    pub events: Vec<Event>,
    /// The `after` of the next page: the last sequence number that was considered.
    pub next_after: u64,
    /// Whether there are more events.
    pub has_more: bool,
}

/// The events after a sequence number. A caller that continues with `next_after` gets every event exactly once;
/// [`Error::FailedPrecondition`] if some of them are no longer kept.
pub async fn list(state: &State, actor: &Actor, query: &EventQuery) -> Result<Feed> {
    let environment_id = actor.authorize_view()?;
    let after = parse_number("after", query.after.as_deref(), 0, 0, i64::MAX.unsigned_abs())?;
    let size = parse_number("page_size", query.size.as_deref(), DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE)?;
    let kinds = parse_kinds("types", query.types.as_deref().unwrap_or_default().split(','))?;
    let mut conn = state.db.read().await?;
    // The counter first: every event up to it is visible.
    let last = store::events::last_sequence(&mut conn, environment_id).await?;
    if after > last {
        return Err(Error::invalid("after", format!("the last event is {last}")));
    }
    if after > 0 {
        let first = store::events::first_sequence(&mut conn, environment_id).await?.unwrap_or(last + 1);
        if after + 1 < first {
            return Err(Error::FailedPrecondition(
                format!(
                    "events {} to {} are no longer kept; read the directory anew, then go on after {}",
                    after + 1,
                    first - 1,
                    first - 1
                )
                .into(),
            ));
        }
    }
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let mut events = store::events::list(&mut conn, environment_id, after, last, &kinds, limit).await?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let has_more = events.len() > size;
    events.truncate(size);
    let next_after = match events.last() {
        Some(event) if has_more => event.sequence,
        _ => last,
    };
    Ok(Feed { events, next_after, has_more })
}

/// Parses event types; empty ones are skipped.
pub(super) fn parse_kinds<'a>(
    field: &'static str,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<EventKind>> {
    let mut kinds = Vec::new();
    for name in names.map(str::trim).filter(|name| !name.is_empty()) {
        let kind = EventKind::parse(name).ok_or_else(|| {
            let known = EventKind::ALL.map(EventKind::as_str).join(", ");
            Error::invalid(field, format!("{} is none of {known}", super::input::quoted(name)))
        })?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// Parses a whole number from `least` to `most`.
fn parse_number(field: &'static str, text: Option<&str>, default: u64, least: u64, most: u64) -> Result<u64> {
    let Some(text) = text else { return Ok(default) };
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| Error::invalid(field, format!("must be a whole number from {least} to {most}")))
}

/// A query of the latest events, unvalidated; an empty field matches all.
#[derive(Debug, Clone, Default)]
pub struct LatestQuery {
    /// Events before this sequence number.
    pub before: String,
    /// Events of this type.
    pub kind: String,
    /// Events about the resource with this id.
    pub resource: String,
}

/// A page of events, the newest first.
#[derive(Debug)]
pub struct LatestEvents {
    /// The events.
    pub events: Vec<Event>,
    /// The `before` of the next page; `None` on the last one.
    pub next_before: Option<u64>,
}

/// Up to `size` of the latest events of an environment, the newest first.
pub async fn list_latest(
    state: &State,
    actor: &Actor,
    query: &LatestQuery,
    size: usize,
) -> Result<LatestEvents> {
    let environment_id = actor.authorize_view()?;
    let most = i64::MAX.unsigned_abs();
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let before = parse_number("before", given(&query.before).as_deref(), most, 1, most)?;
    let kind = match given(&query.kind) {
        None => None,
        Some(name) => {
            Some(EventKind::parse(&name).ok_or_else(|| Error::invalid("type", "is no type of event"))?)
        }
    };
    let resource = given(&super::input::line("resourceId", &query.resource, 100)?);
    let limit = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut conn = state.db.read().await?;
    let mut events =
        store::events::list_latest(&mut conn, environment_id, before, kind, resource.as_deref(), limit)
            .await?;
    let has_more = events.len() > size;
    events.truncate(size);
    let next_before = events.last().filter(|_| has_more).map(|last| last.sequence);
    Ok(LatestEvents { events, next_before })
}
