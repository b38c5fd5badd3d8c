//! The work that one search may take.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use scim::{ListQuery, ListResponse};
use serde_json::Value;
use tracing::Instrument as _;

use super::error::Result;
use crate::app::{
    self, State,
    directories::{limits::UNITS_PER_REQUEST, tokens::ProvisioningTarget},
};

/// The maximum work of one request, in units. One unit is one comparison of a filter on a resource of up to 1 KiB. It
/// is about 1.5 seconds of one thread.
pub(super) const MAX_UNITS: u64 = 500_000;

/// How many comparisons the database makes in the time of one unit.
pub(super) const COMPARISONS_PER_UNIT: u64 = 16;

/// The work spent by one search.
#[derive(Debug, Default)]
pub(super) struct SearchBudget {
    units: Cell<u64>,
    /// Set when the request was cancelled.
    cancelled: Arc<AtomicBool>,
}

impl SearchBudget {
    /// Spends `units`; `false`, and nothing is spent, over the limit or after cancellation.
    pub(super) fn spend(&self, units: u64) -> bool {
        let sum = self.units.get().saturating_add(units);
        let may = sum <= MAX_UNITS && !self.cancelled.load(Ordering::Relaxed);
        if may {
            self.units.set(sum);
        }
        may
    }
}

/// Cancels the search when the waiting request is dropped.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The error for a search over the limit.
pub(super) fn too_many() -> scim::Error {
    scim::Error::TooMany(
        "the filter takes more work than one request may: use fewer comparisons, or add a selective one with `and` \
         (userName, externalId, id, emails.value, displayName or members, with eq); or page by cursor, where each \
         page may take as much work again"
            .into(),
    )
}

/// Runs a search on a blocking thread, in its directory's queue, and charges its work.
pub(super) async fn run_off_thread(
    state: &State,
    directory: &ProvisioningTarget,
    query: &ListQuery,
    search: impl AsyncFnOnce(&State, &ProvisioningTarget, &ListQuery, &SearchBudget) -> Result<ListResponse>
    + Send
    + 'static,
) -> Result<ListResponse> {
    let id = directory.directory.id;
    let turn = state.directory_limits.acquire_search(id).await?;
    let (runtime, span) = (tokio::runtime::Handle::current(), tracing::Span::current());
    let cancelled = Arc::new(AtomicBool::new(false));
    let _cancel = CancelOnDrop(Arc::clone(&cancelled));
    let (here, directory, query) = (state.clone(), directory.clone(), query.clone());
    let done = tokio::task::spawn_blocking(move || {
        let work = SearchBudget { units: Cell::new(0), cancelled };
        let found = runtime.block_on(search(&here, &directory, &query, &work).instrument(span));
        let units = work.units.get();
        here.directory_limits.charge_requests(id, here.now(), units / UNITS_PER_REQUEST);
        // The turn ends with the work, even if the request was cancelled.
        drop(turn);
        found
    });
    done.await.map_err(app::Error::internal)?
}

/// The approximate size of a value in bytes.
pub(super) fn size(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => 8 + text.len() as u64,
        Value::Array(items) => 8 + items.iter().map(size).sum::<u64>(),
        Value::Object(fields) => {
            8 + fields.iter().map(|(name, value)| name.len() as u64 + size(value)).sum::<u64>()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_stops_at_the_limit_and_on_cancellation() {
        let work = SearchBudget::default();
        assert!(work.spend(MAX_UNITS) && !work.spend(1));
        assert_eq!(work.units.get(), MAX_UNITS);
        let work = SearchBudget::default();
        let request = CancelOnDrop(Arc::clone(&work.cancelled));
        assert!(work.spend(1));
        drop(request);
        assert!(!work.spend(1));
    }

    #[test]
    fn a_resource_has_about_the_size_of_its_json() {
        let value =
            serde_json::json!({ "userName": "a".repeat(100), "emails": [{ "value": "b".repeat(200) }] });
        assert!((300..450).contains(&size(&value)), "{}", size(&value));
    }
}
