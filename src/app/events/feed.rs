//! Events as they are read: the feed in order, and the latest ones.

use model::event::{Event, EventKind};
use strum::VariantArray;

use crate::{
    app::{
        Error, Result, State, input,
        permissions::Action,
        principal::{On, Principal},
    },
    store,
};

/// The default number of events of a page.
const DEFAULT_PAGE_SIZE: u64 = 100;

/// The maximum number of events of a page.
const MAX_PAGE_SIZE: u64 = 1000;

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
pub async fn list(state: &State, principal: &Principal, query: &EventQuery) -> Result<Feed> {
    let environment_id = principal.authorize(Action::EventsView, On::Environment)?;
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
    principal: &Principal,
    query: &LatestQuery,
    size: usize,
) -> Result<LatestEvents> {
    let environment_id = principal.authorize(Action::EventsView, On::Environment)?;
    let most = i64::MAX.unsigned_abs();
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let before = parse_number("before", given(&query.before).as_deref(), most, 1, most)?;
    let kind = match given(&query.kind) {
        None => None,
        Some(name) => Some(name.parse().map_err(|_| Error::invalid("type", "is no type of event"))?),
    };
    let resource = given(&input::line("resourceId", &query.resource, 100)?);
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

/// Parses the types of event that this version records; empty ones are skipped.
pub(in crate::app) fn parse_kinds<'a>(
    field: &'static str,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<EventKind>> {
    let mut kinds = Vec::new();
    for name in names.map(str::trim).filter(|name| !name.is_empty()) {
        let kind = name.parse().map_err(|_| {
            let known: Vec<&str> = EventKind::VARIANTS.iter().map(<&str>::from).collect();
            Error::invalid(field, format!("{} is none of {}", input::quoted(name), known.join(", ")))
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
