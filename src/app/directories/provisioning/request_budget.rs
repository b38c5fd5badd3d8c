//! The work that one request may cost.

use std::sync::atomic::{AtomicU64, Ordering};

use scim::work_budget::MAX_WORK_UNITS;

use crate::app::{
    State,
    directories::{limits::UNITS_PER_REQUEST, tokens::ProvisioningTarget},
};

/// The units of work that a request may spend; in Bulk, for all its operations together.
#[derive(Debug)]
pub struct RequestBudget(AtomicU64);

impl Default for RequestBudget {
    fn default() -> Self {
        Self(AtomicU64::new(MAX_WORK_UNITS))
    }
}

impl RequestBudget {
    pub(super) fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Charges the units spent, also of a failed computation. They count as requests of the directory too.
    pub(super) fn charge(&self, state: &State, directory: &ProvisioningTarget, units: u64) {
        self.0.store(self.left().saturating_sub(units), Ordering::Relaxed);
        let more = units / UNITS_PER_REQUEST;
        state.directory_limits.charge_requests(directory.directory.id, state.now(), more);
    }
}
